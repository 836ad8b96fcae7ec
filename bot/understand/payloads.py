"""What the payload of a button means, and a text that starts with a slash.

`/SetSlots(a=1, b=x)`, `/start skill:flow`, `/intent{"entity": "value"}`, `/flow_id`, and the engine's own `/cancel`,
`/handoff`, `/back`, `/repeat`, `/skip`, `/restart`, `/retry`. Anything else is free text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from bot.flows import (
    Back,
    Cancel,
    Command,
    Compiled,
    FlowState,
    HandOff,
    Repeat,
    Restart,
    Retry,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
    running_skill,
)
from bot.flows.entities import Entity
from bot.flows.mappings import map_slots

__all__ = ["OWN_PAYLOADS", "read_payload"]

MAX_PAIRS = 10  # as Rasa documents it

_SET_SLOTS = re.compile(r"/SetSlots\((.*)\)\s*\Z", re.DOTALL)
_NAMED = re.compile(r"/([^\s{(]+)\s*(\{.*\})?\s*\Z", re.DOTALL)
_START = re.compile(r"/start\s+(\S+)\s*\Z")
_OWN: dict[str, Callable[[], Command]] = {
    "cancel": Cancel,
    "handoff": HandOff,
    "back": Back,
    "repeat": Repeat,
    "skip": SkipQuestion,
    "restart": Restart,
    "retry": Retry,
    "session_start": SessionStart,
}
OWN_PAYLOADS = tuple(_OWN)


def read_payload(payload: str, compiled: Compiled, state: FlowState, *, source: str) -> list[Command] | None:
    """Its commands; None when it is free text, to be treated as if the person had typed it.

    `source` is `button` for an option that we sent and that was verified, `user` for what somebody typed: typed payloads
    cannot fill controlled slots.
    """
    text = payload.strip()
    if not text.startswith("/"):
        return None
    if match := _SET_SLOTS.match(text):
        return _pairs(match.group(1), source)
    if match := _START.match(text):
        return [StartFlow(match.group(1))]
    match = _NAMED.match(text)
    if match is None:
        return None
    return _named(match.group(1), match.group(2), compiled, state, source)


def _pairs(text: str, source: str) -> list[Command] | None:
    found: list[Command] = []
    for pair in text.split(",")[:MAX_PAIRS]:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            return None
        word = value.strip().strip("'\"")
        found.append(SetSlot(name.strip(), None if word.lower() in ("null", "none", "undefined") else word, source))
    return found


def _named(name: str, entities: str | None, compiled: Compiled, state: FlowState, source: str) -> list[Command] | None:
    values = _entities(entities, source)
    if values is None:
        return None
    flows = compiled.intents.get(name)
    if flows:
        started = flows[0][0]
        mapped = map_slots(compiled, state, intent=name, entities=_as_entities(values), starts=(started,))
        named = [each for each in values if compiled.slot_id(each.name, started.partition(":")[0]) is not None]
        return [
            StartFlow(started, forced=True),
            *named,
            *(
                each
                for each in mapped
                if each.name not in _ids(named, compiled, started)
                and not (source == "user" and compiled.slots[each.name].controlled)
            ),
        ]
    flow = compiled.flow_id(name, running_skill(state))
    if flow is not None and not compiled.flows[flow].is_pattern:
        return [StartFlow(flow), *values]
    if name in _OWN and (name != "session_start" or source != "user"):
        return [_OWN[name]()]
    return list(values) if values else None


def _as_entities(values: list[SetSlot]) -> list[Entity]:
    return [Entity(each.name, each.value, 0, 0) for each in values]


def _ids(values: list[SetSlot], compiled: Compiled, flow: str) -> set[str | None]:
    return {compiled.slot_id(each.name, flow.partition(":")[0]) for each in values}


def _entities(text: str | None, source: str) -> list[SetSlot] | None:
    if not text:
        return []
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return [SetSlot(str(name), value, source) for name, value in data.items()] if isinstance(data, dict) else None
