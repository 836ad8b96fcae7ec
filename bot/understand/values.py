"""What else a sentence tells beside what it was taken for: values of the flow that it starts, or of the one that asks something."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bot.flows import SetSlot, Slot, StartFlow
from bot.understand.asked import takes_words
from bot.understand.entities import TOLD_BY_ITSELF, TYPED, UNMISTAKABLE, find_values
from bot.understand.evidence import evidence_of
from bot.understand.heard import Heard
from bot.understand.result import Considered, Source

__all__ = ["is_no_to_what_was_given", "told_by_itself", "values_beside"]


def values_beside(taken: Considered, heard: Heard) -> list[Considered]:
    asked, values = heard.asked.slot, list[SetSlot]()
    if isinstance(taken.command, StartFlow) and taken.source not in (Source.WORDS, Source.PAYLOAD):
        values = _of_what_starts(taken.command, heard)
    elif asked is not None and taken.source in (Source.SLOT, Source.ENTITY, Source.NONE):
        values = _of_what_runs(asked, heard)
    first: dict[str, SetSlot] = {}
    for value in values:
        first.setdefault(value.name, value)
    return [Considered(value, Source.ENTITY, 0.8, evidence_of(value, Source.ENTITY, heard)) for value in first.values()]


def is_no_to_what_was_given(taken: Considered, beside: Sequence[Considered], heard: Heard) -> bool:
    """In "no, ann@example.com" the no belongs to the address that was given before, and answers no other question."""
    asked, filled = heard.asked.slot, heard.state.slots
    if asked is None or asked.type != "bool" or taken.command != SetSlot(asked.id, value=False):
        return False
    return any(isinstance(each.command, SetSlot) and filled.get(each.command.name) is not None for each in beside)


def told_by_itself(heard: Heard) -> list[SetSlot]:
    """What the message gives to the running flow in words that can mean nothing else: an address, a number to call, "my name is"."""
    asked = heard.asked.slot
    if asked is None:
        return []
    return [each for each in _of_what_runs(asked, heard) if _accept(heard, each) in TOLD_BY_ITSELF]


def _of_what_starts(command: StartFlow, heard: Heard) -> list[SetSlot]:
    flow_id = heard.compiled.flow_id(command.flow)
    if flow_id is None:
        return []
    flow = heard.compiled.flows[flow_id]
    intent = heard.intent or next((name for name, _ in flow.intents), "")
    mapped = [each for each in heard.mapped(intent, starts=(flow_id,)) if each.name in flow.touches]
    return mapped + _by_type(flow_id, {}, None, heard)


def _of_what_runs(asked: Slot, heard: Heard) -> list[SetSlot]:
    slots, filled = heard.compiled.slots, heard.state.slots
    # Words of a free answer correct nothing; what was chosen from a list is corrected by naming another, see `named_instead`.
    free = takes_words(asked)
    values = [
        each
        for each in heard.mapped(heard.intent)
        if each.name != asked.id and (filled.get(each.name) is None or not (free or slots[each.name].controlled))
    ]
    flow = _running(heard)
    if flow in heard.compiled.flows and not heard.intent:
        kinds = _beside(asked)
        values += [
            each for each in _by_type(flow, filled, asked, heard) if kinds is None or _accept(heard, each) in kinds
        ]
    return [each for each in values if each.value != filled.get(each.name)]


def _by_type(flow: str, filled: Mapping[str, Any], asked: Slot | None, heard: Heard) -> list[SetSlot]:
    return find_values(heard.reading, flow, heard.compiled, filled, asked=asked, taken=heard.taken)


def _beside(asked: Slot) -> Collection[str] | None:
    """What else may be told where this is asked; None: anything. Where one chooses, a number is a place in the list, and a word one of its words."""
    if asked.controlled:
        return (*TYPED, "name")
    if asked.accept == "name":
        return UNMISTAKABLE
    return () if takes_words(asked) else None


def _accept(heard: Heard, value: SetSlot) -> str:
    return heard.compiled.slots[value.name].accept


def _running(heard: Heard) -> str:
    """The outermost of the flows that run: it owns the slots of those that it calls."""
    frames = [frame for frame in heard.state.stack if frame.kind not in ("call", "pattern")]
    return frames[-1].flow if frames else ""
