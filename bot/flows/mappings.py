"""What the mappings of slots make of an intent and entities, as classic domain files write them.

`from_llm` and `controlled` are not looked at: the former is filled by understanding as a whole, the latter by actions and buttons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.flows.commands import SetSlot
from bot.flows.entities import Entity
from bot.flows.model import Compiled, Slot, SlotMapping
from bot.flows.state import FlowState

__all__ = ["map_slots"]


def map_slots(
    compiled: Compiled,
    state: FlowState,
    *,
    text: str = "",
    intent: str = "",
    entities: Sequence[Entity] = (),
    starts: Sequence[str] = (),
) -> list[SetSlot]:
    """Values for slots that the running flow asks for, or one that this message starts (`starts`, loaded ids).

    The first mapping of a slot that holds counts. A slot of type list takes all values of its entity, others the last.
    An entity that several slots of a flow are filled from fills the one that is asked for, or none. A flow that starts is
    also told what it sets itself, not only what it asks for.
    """
    running = _running(state)
    # What is said to a flow that starts is not for the one that it interrupts.
    flows = [flow for flow in starts or running[:1] if flow in compiled.flows]
    fillable = {slot for flow in flows for slot in compiled.flows[flow].collects}
    fillable |= {slot for flow in starts if flow in compiled.flows for slot in compiled.flows[flow].touches}
    asked = state.pending.slot if state.pending is not None else None
    kinds = Counter(kind for slot in fillable for kind in {_kind(each) for each in compiled.slots[slot].mappings})
    seen = _Seen(text, intent, entities, frozenset(starts), frozenset(running), asked, kinds)
    found: list[SetSlot] = []
    for slot_id in sorted(fillable):
        slot = compiled.slots[slot_id]
        for mapping in slot.mappings:
            value = seen.value(slot, mapping)
            if value is not None:
                found.append(SetSlot(slot_id, value, "nlu", seen.title(value)))
                break
    return found


def _running(state: FlowState) -> list[str]:
    """The running flow, then those that it calls."""
    frames = [frame for frame in state.stack if frame.kind != "pattern"]
    root = next((n for n in range(len(frames) - 1, -1, -1) if frames[n].kind != "call"), 0)
    return [frame.flow for frame in frames[root:]]


def _kind(mapping: SlotMapping) -> tuple[str, str, str]:
    return (mapping.entity, mapping.role, mapping.group)


class _Seen:
    def __init__(
        self,
        text: str,
        intent: str,
        entities: Sequence[Entity],
        started: frozenset[str],
        running: frozenset[str],
        asked: str | None,
        kinds: Counter[tuple[str, str, str]],
    ) -> None:
        self._text = text
        self._intent = intent
        self._entities = entities
        self._started = started
        self._running = running
        self._asked = asked
        self._kinds = kinds

    def value(self, slot: Slot, mapping: SlotMapping) -> Any:
        if not self._holds(slot, mapping):
            return None
        match mapping.type:
            case "from_entity":
                return self._entity(slot, mapping)
            case "from_intent" | "from_trigger_intent":
                return mapping.value
            case "from_text":
                return self._text.strip() or None
        return None

    def title(self, value: Any) -> str:
        return next((each.title for each in self._entities if each.value == value), "")

    def _holds(self, slot: Slot, mapping: SlotMapping) -> bool:
        if mapping.intents and self._intent not in mapping.intents:
            return False
        if self._intent and self._intent in mapping.not_intents:
            return False
        # The words that start a flow are no text for it yet; an entity among them is.
        active = self._running if mapping.type == "from_text" else self._running | self._started
        if mapping.active_flows and not active.intersection(mapping.active_flows):
            return False
        if mapping.requested and (self._asked or "").rpartition(":")[2] not in mapping.requested:
            return False
        if mapping.type == "from_trigger_intent":
            return bool(self._started) and bool(mapping.intents)
        if mapping.type == "from_intent":
            return bool(mapping.intents)
        if mapping.type == "from_entity":
            return self._asked == slot.id or self._kinds[_kind(mapping)] < 2
        # A whole message is an answer only to the question that is asked, unless the mapping says when.
        return mapping.type != "from_text" or bool(mapping.intents or mapping.active_flows) or self._asked == slot.id

    def _entity(self, slot: Slot, mapping: SlotMapping) -> Any:
        values = [
            each.value
            for each in self._entities
            if each.entity == mapping.entity
            and (not mapping.role or each.role == mapping.role)
            and (not mapping.group or each.group == mapping.group)
        ]
        if not values:
            return None
        return values if slot.type == "list" else values[-1]
