"""Where a conversation stands, as the router's agents need to know it, and what they may do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.flows import Compiled, Flow, FlowState, Slot, can_start, open_question
from bot.router.rank import Candidate

__all__ = ["Permitted", "Situation", "look", "permit"]

# What only a file, a place on the map or a card can fill.
_NO_TEXT = frozenset(("image", "document", "media", "location", "contact"))
MAX_TEXT = 2_000  # of a message, and of what was last said
MAX_SLOTS = 24


@dataclass(frozen=True, slots=True)
class Situation:
    """`fillable`: slots of the running flow that words may fill; `filled`: those that have a value."""

    running: Flow | None
    asked: Slot | None
    said: str  # the bot's last words
    fillable: Mapping[str, Slot]
    filled: Mapping[str, Any]
    startable: tuple[Flow, ...]

    @property
    def skill(self) -> str:
        return self.running.skill if self.running else ""


@dataclass(frozen=True, slots=True)
class Permitted:
    """All that an agent's answer can bring about. Whatever else it says is dropped."""

    flows: tuple[Flow, ...]
    slots: Mapping[str, Slot]
    running: frozenset[str]  # those slots that may be filled without starting anything
    is_running: bool
    is_asked: bool
    may_search: bool

    def collected_by(self, flow_ids: Sequence[str]) -> frozenset[str]:
        return frozenset().union(*(flow.collects for flow in self.flows if flow.id in flow_ids))


def look(compiled: Compiled, state: FlowState) -> Situation:
    root = next((frame for frame in reversed(state.stack) if frame.kind not in ("call", "pattern")), None)
    running = compiled.flows.get(root.flow) if root is not None else None
    asked = open_question(compiled, state)
    slots = sorted(running.collects) if running else []
    if asked is not None and asked.id not in slots:
        slots.append(asked.id)
    fillable = _by_words(compiled, slots)
    said = " ".join(str(each.get("text", "")) for each in state.last_bot)[-MAX_TEXT:] if state.pending else ""
    return Situation(
        running,
        asked,
        said,
        fillable,
        {slot: state.slots[slot] for slot in fillable if state.slots.get(slot) is not None},
        tuple(flow for flow in compiled.flows.values() if can_start(compiled, state, flow.id)),
    )


def permit(compiled: Compiled, situation: Situation, candidates: Sequence[Candidate], *, may_search: bool) -> Permitted:
    flows = tuple(each.flow for each in candidates)
    of_flows = _by_words(compiled, sorted(frozenset().union(*(flow.collects for flow in flows))))
    slots = {**situation.fillable, **of_flows}
    return Permitted(
        flows,
        dict(list(slots.items())[:MAX_SLOTS]),
        frozenset(situation.fillable),
        is_running=situation.running is not None,
        is_asked=situation.asked is not None,
        may_search=may_search,
    )


def _by_words(compiled: Compiled, slot_ids: Sequence[str]) -> dict[str, Slot]:
    found = {slot_id: compiled.slots[slot_id] for slot_id in slot_ids if slot_id in compiled.slots}
    return {
        slot_id: slot
        for slot_id, slot in found.items()
        if not slot.controlled and slot.type != "list" and slot.accept not in _NO_TEXT
    }
