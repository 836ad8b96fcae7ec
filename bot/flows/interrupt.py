"""Flows left open below another one: asking whether to go on, and bringing one back to the top."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.flows.model import Flow
from bot.flows.run import Run
from bot.flows.state import Frame, FrameKind

__all__ = [
    "SHARED",
    "OpenFlow",
    "bring_to_top",
    "close",
    "drop_patterns",
    "offer_to_continue",
    "open_flows",
    "open_or_resume",
]

SHARED = "shared"  # in a frame's ctx: slots that flows below use too, and had not filled when it was opened


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

    A flow that has not begun simply begins; one that waits for an outside event is not asked about. After an answer in
    passing (`aside`) there is nothing to ask: the question that was open comes again.
    """
    if ended is not None and ended.aside:
        return
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


def bring_to_top(run: Run, flow: OpenFlow, *, below: int | None = None) -> None:
    """Puts an open flow above all others; `below`: under the frame at this index of the stack, such as a pattern that is at work."""
    stack = run.state.stack
    frames = [each.frame for each in open_flows(run)[::-1]]
    _swap_slots(run, [*(frame for frame in frames if frame is not flow.frame), flow.frame])
    moved = stack[flow.start : flow.end]
    at = (len(stack) if below is None else below) - len(moved)
    del stack[flow.start : flow.end]
    stack[at:at] = moved


def close(run: Run, flow: OpenFlow) -> None:
    """Ends an open flow wherever it stands; its slots fall back, those of the others are theirs."""
    others = [each.frame for each in open_flows(run)[::-1] if each.frame is not flow.frame]
    _swap_slots(run, [*others, flow.frame])
    del run.state.stack[flow.start : flow.end]
    run.settle_slots(flow.frame)


def _swap_slots(run: Run, order: list[Frame]) -> None:
    """What flows have in common belongs to the uppermost; when their order changes, so does whose value shows.

    Unwinds the open flows from the top, as their ends would, and puts them on again in the new order.
    """
    flows = run.compiled.flows
    if len(order) < 2 or not _have_slots_in_common([flows[frame.flow] for frame in order if frame.flow in flows]):
        return
    slots = run.state.slots
    own: dict[int, dict[str, Any]] = {}
    for each in open_flows(run):
        own[id(each.frame)] = {slot: slots.get(slot) for slot, _ in _resets(run, each.frame)}
        run.settle_slots(each.frame, is_end=False)
    below: set[str] = set()
    for frame in order:
        frame.saved = {}
        for slot, _ in _resets(run, frame):
            value = slots.pop(slot, None)
            if slot in below and value is not None:
                frame.saved[slot] = value
            if (mine := own[id(frame)][slot]) is not None:
                slots[slot] = mine
        below |= flows[frame.flow].touches if frame.flow in flows else set()


def _resets(run: Run, frame: Frame) -> tuple[tuple[str, Any], ...]:
    flow = run.compiled.flows.get(frame.flow)
    return flow.resets if flow is not None else ()


def _have_slots_in_common(flows: list[Flow]) -> bool:
    seen: set[str] = set()
    for flow in flows:
        if not seen.isdisjoint(flow.touches):
            return True
        seen |= flow.touches
    return False


def open_or_resume(run: Run, flow_id: str, kind: FrameKind) -> Frame:
    """Puts the flow on top: the frame that it has already, wherever it stands, or a new one.

    Slots that flows below use too are put aside, and come back when the new one ends.
    """
    known = next((flow for flow in open_flows(run) if flow.frame.flow == flow_id), None)
    if known is not None:
        bring_to_top(run, known)
        run.log("flow_resumed", flow=flow_id)
        return known.frame
    below = [run.compiled.flows[frame.flow].touches for frame in run.state.stack]
    frame = run.push(flow_id, kind)
    if below:
        shared = frozenset().union(*below)
        for slot, initial in run.compiled.flows[flow_id].resets:
            value = run.state.slots.get(slot)
            if slot in shared and value is not None:
                frame.saved[slot] = value
                run.set_slot(slot, initial, "frame")
            elif slot in shared:
                frame.ctx.setdefault(SHARED, []).append(slot)
    return frame
