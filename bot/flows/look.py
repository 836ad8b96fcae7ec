"""Reading a state without changing it: what is asked, of which flow, how far it has come."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from bot.flows.expressions import Scope
from bot.flows.model import Compiled, Slot, Step
from bot.flows.state import FlowState, Frame, OfferedOption

__all__ = [
    "Progress",
    "SessionRules",
    "can_start",
    "last_offered",
    "open_question",
    "open_step",
    "progress",
    "question_below",
    "running_skill",
    "session_rules",
]


class Progress(NamedTuple):
    """How far the running flow has come: question `asked` of at most `questions`."""

    flow: str
    title: str
    asked: int
    questions: int


class SessionRules(NamedTuple):
    """When a conversation begins anew. `expires_after` None: never by itself."""

    expires_after: timedelta | None
    carry_over: bool
    is_own: bool  # the organization's files say so: then what was open is closed, as that format has it


def session_rules(compiled: Compiled, *, default: timedelta) -> SessionRules:
    """`session_config` of the skill that speaks for the organization; that of any other skill is not the whole chat's."""
    config = compiled.session.get(compiled.organization) or {}
    if not config:
        return SessionRules(default, carry_over=True, is_own=False)
    minutes = config.get("session_expiration_time", 60)  # as Rasa has it
    never = not isinstance(minutes, (int, float)) or minutes <= 0 or config.get("start_session_after_expiry") is False
    carry_over = config.get("carry_over_slots_to_new_session", True) is not False
    return SessionRules(None if never else timedelta(minutes=minutes), carry_over, is_own=True)


def open_step(compiled: Compiled, state: FlowState) -> Step | None:
    """The step that the conversation stands at; while a pattern puts a flow's question, that question."""
    if not state.stack:
        return None
    top = state.stack[-1]
    if "slot" in top.ctx and len(state.stack) > 1:
        below = _step(compiled, state.stack[-2])
        if below is not None and below.target == top.ctx["slot"]:
            return below
    return _step(compiled, top)


def open_question(compiled: Compiled, state: FlowState) -> Slot | None:
    """The slot that the open question fills; None when nothing is asked, or only the options count."""
    pending = state.pending
    return compiled.slots.get(pending.slot) if pending is not None and pending.slot else None


def question_below(compiled: Compiled, state: FlowState) -> Slot | None:
    """While a pattern asks (go on with your order?): the slot of the question it interrupted."""
    if not state.stack or state.stack[-1].kind != "pattern":
        return None
    below = next((frame for frame in reversed(state.stack) if frame.kind != "pattern"), None)
    step = _step(compiled, below) if below is not None and below.wait is None else None
    return compiled.slots.get(step.target) if step is not None and step.kind == "collect" else None


def last_offered(state: FlowState) -> tuple[OfferedOption, ...]:
    """What the newest message with options offers to start, such as a menu: nobody waits for it, but its numbers can be written."""
    shown = next((said["buttons"] for said in reversed(state.last_bot) if said.get("buttons")), ())
    if not all(payload.startswith("/") and not payload.startswith("/SetSlots") for _, payload, *_ in shown):
        return ()
    return tuple(OfferedOption(title, payload) for title, payload, *_ in shown)


def running_skill(state: FlowState) -> str:
    below = next((frame for frame in reversed(state.stack) if frame.kind != "pattern"), None)
    return below.flow.partition(":")[0] if below is not None else "core"


def can_start(compiled: Compiled, state: FlowState, flow_id: str) -> bool:
    """A flow that a person may start now: no pattern, and its guard holds."""
    flow = compiled.flows.get(flow_id)
    if flow is None or flow.is_pattern:
        return False
    return flow.guard is None or bool(flow.guard(Scope(state.slots)))


def progress(compiled: Compiled, state: FlowState, locale: str) -> Progress | None:
    """For people who watch (the inbox of the admin app); None when nothing is open."""
    root = next((frame for frame in reversed(state.stack) if frame.kind not in ("call", "pattern")), None)
    flow = compiled.flows.get(root.flow) if root is not None else None
    if root is None or flow is None:
        return None
    return Progress(flow.id, flow.title(locale), len(root.path), max(len(flow.collects), len(root.path)))


def _step(compiled: Compiled, frame: Frame) -> Step | None:
    flow = compiled.flows.get(frame.flow)
    if flow is None or frame.step is None or frame.step not in flow.index:
        return None
    return flow.steps[flow.index[frame.step]]
