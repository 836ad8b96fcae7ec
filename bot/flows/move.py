"""From one step to the next, and what happens when a flow ends."""

from __future__ import annotations

from bot.flows.interrupt import offer_to_continue
from bot.flows.model import END, Flow, Step
from bot.flows.run import Run
from bot.flows.state import Frame

__all__ = ["end_frame", "goto", "move_on"]


def move_on(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    """Goes where the step's `next` says; no branch true means END."""
    if isinstance(step.next, int):
        goto(run, frame, flow, step.next)
        return
    for n, branch in enumerate(step.next):
        if branch.condition is None or run.holds(branch.condition, frame):
            if run.view.trace:
                run.log("branch", flow=flow.id, step=step.id, branch=n)
            goto(run, frame, flow, branch.to)
            return
    goto(run, frame, flow, END)


def goto(run: Run, frame: Frame, flow: Flow, index: int) -> None:
    frame.entered = False
    frame.attempts = frame.asked = 0
    frame.checked = False
    if index == END:
        end_frame(run, frame, flow)
    else:
        frame.step = flow.steps[index].id


def end_frame(run: Run, frame: Frame, flow: Flow) -> None:
    """The top frame's flow has ended: its caller goes on, or the flow below comes back."""
    stack = run.state.stack
    stack.pop()
    if frame.kind == "call":
        parent = stack[-1]
        step = run.step_of(parent)
        assert step is not None
        move_on(run, parent, run.compiled.flows[parent.flow], step)
        return
    if frame.kind == "pattern":
        run.quiet = run.quiet or frame.quiet
        run.settle_slots(frame)
        if run.ended is not None and stack:
            run.ended = None
            offer_to_continue(run)
        return
    run.settle_slots(frame)
    run.log("flow_completed", flow=flow.id)
    run.ended = flow
    if not stack:
        return
    run.ended = None
    if frame.quiet:
        return
    offer_to_continue(run, flow)
