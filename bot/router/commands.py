"""What an agent may say, as a JSON schema, and how what it said becomes commands.

The schema helps a good model; it is not relied upon. Whatever an answer holds, only permitted commands come out: flows that may start
now, slots that words may fill, values that fit them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.flows import (
    Cancel,
    ChitChat,
    Clarify,
    Command,
    HandOff,
    Knowledge,
    Repeat,
    SetSlot,
    SkipQuestion,
    Slot,
    StartFlow,
)
from bot.flows.values import Unfit, coerce
from bot.flows.words import normalise
from bot.llm.mask import PLACEHOLDER
from bot.ports import JSON, Question
from bot.router.situation import Permitted
from bot.understand.accept import Reading, accept_text
from bot.understand.lexicon import lexicons

__all__ = ["SOURCE", "read_commands", "schema"]

SOURCE = "llm"
MAX_COMMANDS = 6
MAX_CHOICES = 3

# Values of these are copied from what the person wrote, never made up.
_VERBATIM = frozenset(("email", "phone", "name"))


def schema(permitted: Permitted) -> JSON:
    """For strict servers: closed objects, every property required, no union at the root."""
    flows = [flow.id for flow in permitted.flows]
    shapes: list[JSON] = []
    if flows:
        shapes.append(_shape("start_flow", flow={"type": "string", "enum": flows}))
        shapes.append(_shape("clarify", flows={"type": "array", "items": {"type": "string", "enum": flows}}))
    if permitted.slots:
        value = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
        slot = {"type": "string", "enum": list(permitted.slots)}
        shapes += [_shape("set_slot", slot=slot, value=value), _shape("correct_slot", slot=slot, value=value)]
    shapes += [_shape(name) for name in _plain(permitted)]
    return _closed(commands={"type": "array", "items": {"anyOf": shapes}})


def read_commands(data: JSON, permitted: Permitted, question: Question) -> tuple[list[Command], list[str]]:
    """The permitted commands of an answer, and why others were dropped. None at all: it cannot be handled."""
    items = data.get("commands")
    if not isinstance(items, list):
        return [], ["the answer has no list of commands"]
    reader = _Reader(permitted, question)
    for item in items[:MAX_COMMANDS]:
        reader.take(item)
    if len(items) > MAX_COMMANDS:
        reader.dropped.append(f"{len(items) - MAX_COMMANDS} commands too many")
    return reader.result()


def _plain(permitted: Permitted) -> dict[str, Callable[[], Command] | None]:
    """Commands without anything beside them; None: it stands for no command at all."""
    found: dict[str, Callable[[], Command] | None] = {
        "hand_off": HandOff,
        "chitchat": ChitChat,
        "cannot_handle": None,
    }
    if permitted.may_search:
        found["search"] = Knowledge
    if permitted.is_running:
        found["cancel_flow"] = Cancel
    if permitted.is_asked:
        found["repeat"] = Repeat
        found["skip_question"] = SkipQuestion
    return found


class _Reader:
    def __init__(self, permitted: Permitted, question: Question) -> None:
        self._permitted = permitted
        self._question = question
        self._flows = {flow.id for flow in permitted.flows}
        self._plain = _plain(permitted)
        self._found: list[Command] = []
        self.dropped: list[str] = []

    def take(self, item: Any) -> None:
        kind = item.get("command") if isinstance(item, dict) else None
        if kind == "start_flow":
            self._start(item.get("flow"))
        elif kind == "clarify":
            self._clarify(item.get("flows"))
        elif kind in ("set_slot", "correct_slot"):
            self._set(item.get("slot"), item.get("value"))
        elif isinstance(kind, str) and kind in self._plain:
            make = self._plain[kind]
            if make is Knowledge:
                self._add(Knowledge(self._question.text))
            elif make is not None:
                self._add(make())
        else:
            self.dropped.append("a command that is not permitted here")

    def result(self) -> tuple[list[Command], list[str]]:
        """A value for a flow that neither runs nor starts goes nowhere."""
        starting = [each.flow for each in self._found if isinstance(each, StartFlow)]
        open_slots = self._permitted.collected_by(starting) | self._permitted.running
        kept: list[Command] = []
        for each in self._found:
            if isinstance(each, SetSlot) and each.name not in open_slots:
                self.dropped.append(f"a value for {each.name}, which no flow asks for")
            else:
                kept.append(each)
        return kept, self.dropped

    def _add(self, command: Command) -> None:
        if command not in self._found:
            self._found.append(command)

    def _start(self, flow: Any) -> None:
        if isinstance(flow, str) and flow in self._flows:
            self._add(StartFlow(flow))
        else:
            self.dropped.append("a flow that may not start here")

    def _clarify(self, flows: Any) -> None:
        named = [each for each in flows if isinstance(each, str)] if isinstance(flows, list) else []
        known = [each for each in dict.fromkeys(named) if each in self._flows][:MAX_CHOICES]
        if len(known) < len(named) or not known:
            self.dropped.append("a choice between flows that may not start here")
        if known:
            self._add(Clarify(tuple(known)))

    def _set(self, name: Any, value: Any) -> None:
        slot = self._permitted.slots.get(name) if isinstance(name, str) else None
        if slot is None:
            self.dropped.append("a slot that words may not fill here")
            return
        fitting = _fitting(slot, value, self._question)
        if fitting is None:
            self.dropped.append(f"a value that does not fit {slot.id}")
            return
        self._add(SetSlot(slot.id, fitting, SOURCE))


def _fitting(slot: Slot, value: Any, question: Question) -> Any:
    """The value in the slot's type, read as if the person had typed it; None when it is none."""
    if not isinstance(value, str | int | float | bool) or PLACEHOLDER.search(str(value)):
        return None
    if slot.accept in _VERBATIM and not _is_in(str(value), question.text):
        return None
    if isinstance(value, str) and (slot.accept or slot.type in ("bool", "float", "categorical")):
        reading = Reading(value, normalise(value), lexicons(question.locale), question.country, question.now)
        read = accept_text(slot, reading)
        if read is not None or slot.accept not in ("", "text"):
            return read
    try:
        return coerce(slot, value)
    except Unfit:
        return None


def _is_in(value: str, text: str) -> bool:
    """Whether the person wrote it; spaces, dashes and capitals do not count."""
    bare = _bare(value)
    return bool(bare) and bare in _bare(text)


def _bare(text: str) -> str:
    return re.sub(r"[^\w@]", "", text.casefold())


def _shape(command: str, **properties: JSON) -> JSON:
    return _closed(command={"type": "string", "enum": [command]}, **properties)


def _closed(**properties: JSON) -> JSON:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
