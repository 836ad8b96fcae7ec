"""Flows left open below another one: asking whether to go on, and bringing one back to the top."""

from __future__ import annotations

from typing import NamedTuple

from bot.flows.model import Flow
from bot.flows.run import Run
from bot.flows.state import Frame

__all__ = ["OpenFlow", "bring_to_top", "drop_patterns", "offer_to_continue", "open_flows"]


class OpenFlow(NamedTuple):
    start: int
    end: int  # index after its last frame
    frame: Frame


def open_flows(run: Run) -> list[OpenFlow]:
    """The user flows on the stack, uppermost first."""
    stack = run.state.stack
    found = [
        OpenFlow(n, run.group_end(n), frame) for n, frame in enumerate(stack) if frame.kind not in ("call", "pattern")
    ]
    return found[::-1]


def offer_to_continue(run: Run, ended: Flow | None = None) -> None:
    """After the end of a flow: asks whether to go on with what it interrupted.

    A flow that has not begun simply begins; one that waits for an outside event is not asked about.
    """
    stack = run.state.stack
    top = stack[-1]
    if top.kind == "pattern" or top.step is None:
        return
    waiting = [flow for flow in open_flows(run) if _asks(run, flow)]
    if not waiting:
        return
    locale = run.view.locale
    flows = [run.compiled.flows[flow.frame.flow] for flow in waiting]
    asking = [
        run.compiled.flows[stack[flow.end - 1].flow] for flow in waiting
    ]  # a registration, not the list it began at
    names = [flow.title(locale) for flow in asking]
    run.push_pattern(
        "pattern_continue_interrupted",
        previous_flow_name=ended.title(locale) if ended else "",
        interrupted_flow_names=names,
        interrupted_flow_ids=[flow.id for flow in flows],
        interrupted_flow_options=", ".join(names),
        multiple_flows_interrupted=len(flows) > 1,
    )


def _asks(run: Run, flow: OpenFlow) -> bool:
    last = run.state.stack[flow.end - 1]
    return last.step is not None and last.wait is None


def drop_patterns(run: Run) -> bool:
    """Takes the patterns on top off the stack, with what they asked; True if there were any."""
    stack = run.state.stack
    dropped = False
    while stack and stack[-1].kind == "pattern":
        run.settle_slots(stack.pop())
        dropped = True
    return dropped


def bring_to_top(run: Run, flow: OpenFlow) -> None:
    stack = run.state.stack
    frames = stack[flow.start : flow.end]
    del stack[flow.start : flow.end]
    stack.extend(frames)
