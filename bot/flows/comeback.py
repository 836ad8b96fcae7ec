"""Coming back: to a conversation after a silence, and to an earlier question by a tap on one of its old options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bot.flows.commands import Reopen
from bot.flows.correct import correction_of, question_of
from bot.flows.interrupt import OpenFlow, bring_to_top, drop_patterns, open_flows
from bot.flows.run import Run
from bot.flows.state import Frame

__all__ = ["Passed", "bring_back", "find_passed", "is_vague", "reopen", "welcome_back"]


class Passed(NamedTuple):
    """A question that an open flow has put: where it lies in the flow's path, and the slot it fills."""

    flow: OpenFlow
    entry: tuple[str, ...]
    slot: str
    standing: Frame | None  # its flow stands at it, in this frame: it is not answered yet


def find_passed(run: Run, flow_id: str, step_id: str) -> Passed | None:
    for flow in open_flows(run):
        frames = run.state.stack[flow.start : flow.end]
        here = tuple([frame.step or "" for frame in frames])  # the frames of the flow and those it calls
        for entry in reversed(flow.frame.path):
            found = question_of(run, flow.frame, entry)
            if found is not None and (found.flow, entry[-1]) == (flow_id, step_id):
                return Passed(flow, entry, found.slot, frames[-1] if entry == here else None)
    return None


def bring_back(run: Run, passed: Passed) -> None:
    """Puts the flow of this question on top, whatever was asked in between."""
    drop_patterns(run)
    if passed.flow.end != len(run.state.stack):
        bring_to_top(run, passed.flow)
        run.log("flow_resumed", flow=passed.flow.frame.flow)


def reopen(run: Run, command: Reopen, passed: Passed) -> Frame | None:
    """Asks whether the earlier answer shall be changed; when it is the same already, says so."""
    skill = command.flow.partition(":")[0]
    values: dict[str, Any] = {}
    for name, value in command.values.items():
        slot = run.compiled.slot_id(name, skill)
        fits, coerced = run.fits(slot, value) if slot is not None else (False, None)
        if slot == passed.slot and fits:
            values[slot] = coerced
    if command.values and not values:
        return None
    bring_back(run, passed)
    if values and values[passed.slot] == run.state.slots.get(passed.slot):
        return run.push_pattern("pattern_closed_option", same=True)
    correction = correction_of(run, passed.flow.frame, values or {passed.slot: None}, entry=passed.entry)
    return run.push_pattern("pattern_reopen", reopen_title=command.title, **correction)


def is_vague(run: Run, slot_id: str, *, is_text: bool) -> bool:
    """An answer that could be anything: after a silence it is not taken for the answer to a question asked long ago."""
    slot = run.compiled.slots[slot_id]
    return slot.type in ("text", "any") and (is_text or slot.accept in ("", "text", "name"))


def welcome_back(run: Run) -> Frame | None:
    """Says where we were and asks whether to go on; None when nothing is open."""
    drop_patterns(run)
    flows = open_flows(run)
    if not flows:
        return None
    names = [run.compiled.flows[flow.frame.flow].title(run.view.locale) for flow in flows]
    return run.push_pattern("pattern_welcome_back", **_context(flows, names))


def _context(flows: list[OpenFlow], names: list[str]) -> Mapping[str, Any]:
    return {
        "interrupted_flow_name": names[0],
        "interrupted_flow_names": names,
        "interrupted_flow_ids": [flow.frame.flow for flow in flows],
        "question": max(len(flows[0].frame.path), 1),
    }
