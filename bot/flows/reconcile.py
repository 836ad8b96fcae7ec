"""A conversation whose flows were changed by a deploy or a publication finds its place again."""

from __future__ import annotations

from typing import Any, Literal

from bot.flows.interrupt import SHARED, OpenFlow, close, drop_patterns
from bot.flows.model import Compiled, Flow
from bot.flows.run import Run
from bot.flows.state import Frame, Pending
from bot.flows.values import Unfit, coerce

__all__ = ["Fate", "fate", "reconcile"]

Fate = Literal["kept", "asked again", "dropped"]


def fate(frame: Frame, pending: Pending | None, compiled: Compiled, above: Frame | None = None) -> Fate:
    """What becomes of one frame when its conversation goes on with these flows. `above`: the frame on top of it."""
    flow = compiled.flows.get(frame.flow)
    if flow is None:
        return "dropped"
    if frame.step is None:
        return "kept"
    if frame.step in flow.index:
        return "kept" if _calls_as_before(frame, flow, above) else "dropped"
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
        top = run.top
        if top is not None and (top.flow, top.step) == (state.pending.flow, state.pending.step):
            # The id stayed and the step did not: what it is now begins anew.
            top.entered, top.attempts, top.checked = False, 0, False
        state.pending = None
    run.before = state.pending
    if lost:
        drop_patterns(run)  # what they ask may be about what is gone
        state.pending = run.before = None
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
        if gone.kind == "pattern":
            del stack[start:end]
            run.settle_slots(gone)
        else:
            close(run, OpenFlow(start, end, gone))
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
    for slot in frame.ctx.get(SHARED, ()):
        if slot in run.compiled.slots and slot not in frame.saved:
            run.set_slot(slot, run.compiled.initial.get(slot), "flow")


def _keeps(run: Run, frame: Frame) -> bool:
    flow = run.compiled.flows.get(frame.flow)
    if flow is None:
        return False
    frame.path = [entry for entry in frame.path if entry[0] in flow.index]
    frame.reask = [entry for entry in frame.reask if entry[0] in flow.index]
    if frame.step is None:
        return True
    if frame.step in flow.index:
        at = next(n for n, each in enumerate(run.state.stack) if each is frame)
        return _calls_as_before(frame, flow, run.state.stack[at + 1] if at + 1 < len(run.state.stack) else None)
    step = _collect_of(frame, run.state.pending, run.compiled)
    if step is None:
        return False
    frame.step, frame.entered, frame.attempts, frame.checked = step, False, 0, False
    return True


def _calls_as_before(frame: Frame, flow: Flow, above: Frame | None) -> bool:
    """A flow that stands at a call must still call the flow above it."""
    if above is None or above.kind != "call":
        return True
    step = flow.steps[flow.index[frame.step or ""]]
    return step.kind == "call" and step.target == above.flow


def _still_there(run: Run) -> bool:
    pending, top = run.state.pending, run.top
    if pending is None or top is None or (pending.flow, pending.step) != (top.flow, top.step):
        return False
    step = run.step_of(top)
    if step is None or pending.kind == "event":
        return True
    if pending.kind == "action":
        return step.kind in ("action", "builtin", "named", "collect")
    return pending.slot is None or pending.slot == (step.target if step.kind == "collect" else top.ctx.get("slot"))


def _fits(slot_id: str, value: Any, compiled: Compiled) -> bool:
    slot = compiled.slots.get(slot_id)
    if slot is None:
        return False
    try:
        coerce(slot, value)
    except Unfit:
        return False
    return True
