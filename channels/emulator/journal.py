"""State on disk, for a restart: an append-only file of records, written soon after a change and compacted at the start."""

import asyncio
import base64
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from channels.emulator.person import opens_window
from channels.emulator.state import Attempt, Media, Message, Template, User
from channels.emulator.world import World

_FLUSH_S = 0.1
_KEYS = {"message": "id", "media": "id", "template": "id", "user": "wa_id", "user_gone": "wa_id"}


class Journal:
    """Collects what changed and writes each thing once per flush, as it then is. A kill loses at most the last tenth of a second."""

    def __init__(self, folder: Path, world: World) -> None:
        self._path = folder / "emulator.jsonl"
        self._world = world
        self._dirty: dict[tuple[str, str], Any] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._fd: int | None = None
        self._starts = 0  # on this folder, before this one

    def open(self) -> None:
        """Reads what is there into the world, rewrites it compactly, and starts to append.

        Raises:
            OSError: the folder cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            for kind, record in _records(self._path.read_bytes()):
                if kind == "start":
                    self._starts = int(record)
                else:
                    _restore(self._world, kind, record)
            _reopen_threads(self._world)
            self._starts += 1
            self._world.mint.start_over(self._starts)
        self._rewrite()

    def touch(self, kind: str, thing: Any) -> None:
        key = "clock" if kind == "clock" else getattr(thing, _KEYS[kind])
        self._dirty[kind, key] = thing
        if self._handle is None and self._fd is not None:
            self._handle = asyncio.get_running_loop().call_later(_FLUSH_S, self.flush)

    def flush(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        dirty, self._dirty = self._dirty, {}
        if dirty and self._fd is not None:
            os.write(self._fd, b"".join(_line(kind, thing) for (kind, _), thing in dirty.items()))

    def close(self) -> None:
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def clear(self) -> None:
        """After a reset: the file holds only what the world still has."""
        self._dirty.clear()
        self._rewrite()

    def _rewrite(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(_line("start", self._starts))
            file.write(_line("clock", self._world.clock.shift_s))
            for kind, things in (
                ("user", self._world.users),
                ("media", self._world.media),
                ("template", self._world.templates),
                ("message", self._world.messages),
            ):
                file.writelines(_line(kind, thing) for thing in things.values())
        fresh.replace(self._path)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND)


def _line(kind: str, thing: Any) -> bytes:
    if kind == "media":
        thing = {**asdict(thing), "content": base64.b64encode(thing.content).decode()}
    return orjson.dumps({"k": kind, "v": thing}, default=_plain, option=orjson.OPT_APPEND_NEWLINE)


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return list(value)


def _records(content: bytes) -> Iterator[tuple[str, Any]]:
    """Every whole record; a last line cut short by a kill is left out."""
    for line in content.split(b"\n"):
        if not line:
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        yield record["k"], record["v"]


def _restore(world: World, kind: str, record: Any) -> None:
    match kind:
        case "clock":
            world.clock.shift_s = float(record)
        case "user":
            world.put_user(User(**{**record, "opted_out": set(record["opted_out"]), "blocked": set(record["blocked"])}))
        case "user_gone":
            if record["wa_id"] in world.users:
                world.remove_user(record["wa_id"])
        case "media":
            world.media[record["id"]] = Media(**{**record, "content": base64.b64decode(record["content"])})
        case "template":
            _restore_template(world, Template(**record))
        case "message":
            _restore_message(world, record)
        case _:
            pass


def _restore_template(world: World, template: Template) -> None:
    """A template of the configuration gets a new id at every start; the one on disk is the truth."""
    for other in list(world.templates_of(template.waba_id, template.name)):
        if other.language == template.language:
            del world.templates[other.id]
    world.put_template(template)


def _restore_message(world: World, record: dict[str, Any]) -> None:
    if record["phone_number_id"] not in world.numbers:
        return  # the configuration no longer has this number
    record["attempts"] = [Attempt(**{**a, "marks": tuple(a["marks"])}) for a in record["attempts"]]
    record["marks"] = tuple(record["marks"])
    message = Message(**record)
    known = world.messages.get(message.id)
    if known is None:
        world.put_message(message)
        return
    for name in Message.__dataclass_fields__:
        setattr(known, name, getattr(message, name))


def _reopen_threads(world: World) -> None:
    """What follows from the messages: windows and reactions."""
    for message in sorted(world.messages.values(), key=lambda m: m.seq):
        thread = world.thread(message.phone_number_id, message.wa_id)
        if opens_window(message):
            thread.last_inbound_at = message.timestamp
        if message.kind == "reaction":
            reactions = thread.reactions.setdefault(str(message.content.get("message_id")), {})
            reactions[message.direction] = str(message.content.get("emoji", ""))
