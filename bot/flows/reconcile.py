"""A conversation whose flows were changed by a deploy or a publication finds its place again."""

from __future__ import annotations

from typing import Any, Literal

from bot.flows.model import Compiled
from bot.flows.run import Run
from bot.flows.state import Frame, Pending
from bot.flows.values import Unfit, coerce

__all__ = ["Fate", "fate", "reconcile"]

Fate = Literal["kept", "asked again", "dropped"]


def fate(frame: Frame, pending: Pending | None, compiled: Compiled) -> Fate:
    """What becomes of one frame when its conversation goes on with these flows."""
    flow = compiled.flows.get(frame.flow)
    if flow is None:
        return "dropped"
    if frame.step is None or frame.step in flow.index:
        return "kept"
    return "asked again" if _collect_of(frame, pending, compiled) is not None else "dropped"


def _collect_of(frame: Frame, pending: Pending | None, compiled: Compiled) -> str | None:
    """The step that asks for what is asked right now, under whatever id it has by now."""
    if pending is None or pending.slot is None or (pending.flow, pending.step) != (frame.flow, frame.step):
        return None
    steps = compiled.flows[frame.flow].steps
    return next((step.id for step in steps if step.kind == "collect" and step.target == pending.slot), None)


def reconcile(run: Run) -> None:
    """Same step id still there: goes on. Else the pending question starts anew if its slot is still collected. Else the
    flow is dropped and the person is told."""
    state, compiled = run.state, run.compiled
    first = not state.compiled_hash
    state.compiled_hash = compiled.content_hash
    for slot in [slot for slot, value in state.slots.items() if not _fits(slot, value, compiled)]:
        del state.slots[slot]
    for slot, value in compiled.initial.items():
        state.slots.setdefault(slot, value)
    if first:
        return
    lost = _drop_lost(run)
    if state.pending is not None and not _still_there(run):
        state.pending = None
    run.before = state.pending
    if lost:
        run.push_pattern("pattern_code_change")


def _drop_lost(run: Run) -> bool:
    stack = run.state.stack
    lost = False
    n = 0
    while n < len(stack):
        frame = stack[n]
        if _keeps(run, frame):
            n += 1
            continue
        end = n + 1
        while end < len(stack) and stack[end].kind == "call":
            end += 1
        start = n
        while stack[start].kind == "call" and start > 0:
            start -= 1
        run.log("flow_stranded", flow=frame.flow, step=frame.step)
        lost = lost or stack[start].kind != "pattern"
        gone = stack[start]
        del stack[start:end]
        run.settle_slots(gone)
        if gone.flow not in run.compiled.flows:
            _settle_unknown(run, gone)
        n = start
    return lost


def _settle_unknown(run: Run, frame: Frame) -> None:
    """Nobody knows any more which slots a removed flow filled: those that its skill's flows reset, unless still in use."""
    flows = run.compiled.flows
    skill = frame.flow.partition(":")[0]
    in_use = {slot for other in run.state.stack if other.flow in flows for slot in flows[other.flow].touches}
    for flow in flows.values():
        for slot, initial in flow.resets if flow.skill == skill else ():
            if slot not in in_use and slot not in frame.saved:
                run.set_slot(slot, initial, "flow")


def _keeps(run: Run, frame: Frame) -> bool:
    flow = run.compiled.flows.get(frame.flow)
    if flow is None:
        return False
    frame.path = [entry for entry in frame.path if entry[0] in flow.index]
    frame.reask = [entry for entry in frame.reask if entry[0] in flow.index]
    if frame.step is None or frame.step in flow.index:
        return True
    step = _collect_of(frame, run.state.pending, run.compiled)
    if step is None:
        return False
    frame.step, frame.entered, frame.attempts, frame.checked = step, False, 0, False
    return True


def _still_there(run: Run) -> bool:
    pending, top = run.state.pending, run.top
    if pending is None or top is None or pending.flow != top.flow or pending.step != top.step:
        return False
    step = run.step_of(top)
    if pending.slot is None or step is None or (step.kind == "collect" and step.target == pending.slot):
        return True
    # The id stayed and the step did not: what it is now begins anew.
    top.entered, top.attempts, top.checked = False, 0, False
    return False


def _fits(slot_id: str, value: Any, compiled: Compiled) -> bool:
    slot = compiled.slots.get(slot_id)
    if slot is None:
        return False
    try:
        coerce(slot, value)
    except Unfit:
        return False
    return True
