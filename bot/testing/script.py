"""What people do in a conversation test, from YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.flows import (
    Back,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    HandOff,
    Knowledge,
    Repeat,
    Restart,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
)
from bot.messages import Media, MediaKind

__all__ = ["parse_commands", "parse_media", "parse_moment"]

_PASSED = re.compile(r"\+(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PLAIN: dict[str, Callable[[], Command]] = {
    "cancel": Cancel,
    "cancel_flow": Cancel,
    "back": Back,
    "repeat": Repeat,
    "restart": Restart,
    "hand_off": HandOff,
    "skip_question": SkipQuestion,
    "chitchat": ChitChat,
    "knowledge": Knowledge,
    "cannot_handle": CannotHandle,
    "clarify": Clarify,
}
_RASA: dict[str, Callable[[], Command]] = {
    "CancelFlow": Cancel,
    "HumanHandoff": HandOff,
    "SkipQuestion": SkipQuestion,
    "ChitChat": ChitChat,
    "SearchAndReply": Knowledge,
    "CannotHandle": CannotHandle,
    "RepeatLastBotMessages": Repeat,
    "Restart": Restart,
    "SessionStart": SessionStart,
}
_CALLED = re.compile(r"(\w+)\((.*)\)")


def parse_moment(value: Any, now: datetime | None) -> datetime | None:
    """`+25h`, `+3m`, `+1d`, or an ISO 8601 moment; None stays `now`."""
    if value is None:
        return now
    text = str(value).strip()
    passed = _PASSED.fullmatch(text)
    if passed is not None:
        assert now is not None, f"{text} of what?"
        return now + timedelta(**{_UNITS[passed.group(2)]: int(passed.group(1))})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_media(value: Mapping[str, Any]) -> tuple[Media, bytes]:
    """`{kind: image, caption: ..., mime_type: ..., data: text}`."""
    kind = MediaKind(str(value.get("kind", "image")))
    media = Media(
        kind=kind,
        media_id=str(value.get("id", f"media-{kind}")),
        mime_type=str(
            value.get("mime_type", f"{kind}/jpeg" if kind is MediaKind.IMAGE else "application/octet-stream")
        ),
        caption=str(value.get("caption", "")),
        filename=str(value.get("filename", "")),
    )
    return media, str(value.get("data", "")).encode()


def parse_commands(items: Sequence[Any], skill: str) -> list[Command]:
    """`[{start_flow: x}, {set_slot: {a: 1}}, cancel]`; plain names are the skill's."""
    return [command for item in items for command in _commands(item, skill)]


def _commands(item: Any, skill: str) -> list[Command]:
    if isinstance(item, str):
        return [_PLAIN[item]() if item in _PLAIN else _called(item, skill)]
    found: list[Command] = []
    for name, value in item.items():
        if name == "start_flow":
            found.append(StartFlow(_loaded(str(value), skill)))
        elif name == "set_slot":
            found += [SetSlot(_loaded(slot, skill), each) for slot, each in value.items()]
        elif name == "clarify":
            found.append(Clarify(tuple(_loaded(str(each), skill) for each in value)))
        else:
            raise ValueError(f"there is no command {name!r}")
    return found


def _called(text: str, skill: str) -> Command:
    """`StartFlow(x)`, `SetSlot(a, 1)`, `Clarify(a, b)`, `CancelFlow()`: as Rasa's dialogue understanding tests write them."""
    match = _CALLED.fullmatch(text.strip())
    name = match.group(1) if match else ""
    given = [each.strip().strip("'\"") for each in match.group(2).split(",") if each.strip()] if match else []
    if name == "StartFlow" and len(given) == 1:
        return StartFlow(_loaded(given[0], skill))
    if name == "SetSlot" and len(given) == 2:
        return SetSlot(_loaded(given[0], skill), given[1])
    if name == "Clarify":
        return Clarify(tuple(_loaded(each, skill) for each in given))
    if name in _RASA and not given:
        return _RASA[name]()
    raise ValueError(f"there is no command {text!r}")


def _loaded(name: str, skill: str) -> str:
    return name if ":" in name else f"{skill}:{name}"
