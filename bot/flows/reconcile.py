"""A conversation whose flows were changed by a deploy or a publication finds its place again."""

from __future__ import annotations

from bot.flows.interrupt import OpenFlow, close, drop_patterns
from bot.flows.model import Flow
from bot.flows.run import Run
from bot.flows.state import Frame

__all__ = ["reconcile"]


def reconcile(run: Run) -> None:
    """Same step id still there: goes on. Else the pending question starts anew if its slot is still collected. Else the
    flow is dropped and the person is told."""
    state, compiled = run.state, run.compiled
    first = not state.compiled_hash
    state.compiled_hash = compiled.content_hash
    for slot in [slot for slot in state.slots if slot not in compiled.slots]:
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


def _keeps(run: Run, frame: Frame) -> bool:
    flow = run.compiled.flows.get(frame.flow)
    if flow is None:
        return False
    frame.path = [entry for entry in frame.path if entry[0] in flow.index]
    frame.reask = [entry for entry in frame.reask if entry[0] in flow.index]
    if frame.step is None:
        return True
    if frame.step in flow.index:
        return _calls_as_before(run, frame, flow)
    pending = run.state.pending
    if pending is None or pending.flow != frame.flow or pending.slot is None:
        return False
    for step in flow.steps:
        if step.kind == "collect" and step.target == pending.slot:
            frame.step, frame.entered, frame.attempts, frame.checked = step.id, False, 0, False
            return True
    return False


def _calls_as_before(run: Run, frame: Frame, flow: Flow) -> bool:
    """A flow that stands at a call must still call the flow above it."""
    at = next(n for n, each in enumerate(run.state.stack) if each is frame)
    above = run.state.stack[at + 1] if at + 1 < len(run.state.stack) else None
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
