"""What the host reports: the result of an action, an outside event that came or did not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.flows.collect import HINT_FROM, wait_after_question
from bot.flows.commands import ActionResult, Command, Resume, TimedOut
from bot.flows.effects import RunAction, Say, WaitFor
from bot.flows.interrupt import OpenFlow, bring_to_top, drop_patterns, open_flows
from bot.flows.model import END
from bot.flows.move import goto, move_on
from bot.flows.run import Run
from bot.flows.state import Frame, Pending, Wait

__all__ = ["APPLIED", "RECORDED", "REFUSED", "resume", "take_action_result", "why_refused"]

# Events of actions that mean nothing here, or that the host records anyway.
RECORDED = frozenset(
    (
        "action",
        "agent",
        "bot",
        "entities",
        "export",
        "flow_cancelled",
        "flow_completed",
        "flow_interrupted",
        "flow_resumed",
        "flow_started",
        "session_started",
        "stack",
        "user",
    )
)
APPLIED = frozenset(("slot", "followup", "reset_slots", "restart", "action_execution_rejected"))
# Everything else is refused, aloud: an action that counts on it would be broken silently.
REFUSED = {
    "reminder": "a reminder is a job here: turn.enqueue(job, at=...) in a SkillAction",
    "cancel_reminder": "a reminder is a job here: let the job look whether it is still wanted",
    "pause": "a conversation is handed to a person by the flow pattern_human_handoff",
    "resume": "a conversation is taken back in the inbox",
    "rewind": "what a person wrote is not taken back",
    "undo": "what was done is not undone",
    "active_loop": "a form is a flow here: `call` it",
    "form": "a form is a flow here: `call` it",
    "form_validation": "a form is a flow here; its validation runs by itself",
    "loop_interrupted": "a form is a flow here; interruption runs by itself",
    "session_ended": "a session ends by its expiry",
}


def why_refused(event: Mapping[str, Any]) -> str:
    """Why the engine will not apply an event; empty when it does, or has nothing to do."""
    kind = event.get("event")
    if kind in APPLIED or kind in RECORDED:
        return ""
    return REFUSED.get(str(kind), "an event of this kind is not known")


def take_action_result(run: Run, commands: Sequence[Command]) -> None:
    """Goes on after an action. Without its result nothing does: the action is asked for again, under the same key."""
    pending, frame = run.state.pending, run.top
    assert pending is not None
    result = next((command for command in commands if isinstance(command, ActionResult)), None)
    for command in commands:
        if command is not result:
            run.log("command_ignored", command=type(command).__name__, reason="an action is running")
    if result is None or frame is None:
        run.effects.append(RunAction(pending.name, pending.key, pending.flow, pending.step))
        run.stopped = True
        return
    run.state.pending = None
    run.log("action_done", action=pending.name, failed=result.failed)
    if result.failed is not None:
        frame.ctx["failed"] = True
        run.fail("action", result.failed, retry=True)
        return
    _apply(run, frame, pending, result)


def _apply(run: Run, frame: Frame, pending: Pending, result: ActionResult) -> None:
    skill = pending.name.partition(":")[0]
    followup = None
    for event in result.events:
        followup = _take_event(run, event, skill) or followup
    last = _emit(run, frame, skill, result.messages)
    if run.top is not frame:  # an event restarted the conversation
        return
    if followup is not None and _follow_up(run, frame, followup, skill, pending.purpose):
        return
    if pending.purpose == "step":
        _after_step(run, frame, skill, result.wait)
    elif pending.purpose == "validate":
        _after_validation(run, frame, result)
    else:
        _after_asking(run, frame, last)


def _after_step(run: Run, frame: Frame, skill: str, wait: WaitFor | None) -> None:
    if wait is None:
        step = run.step_of(frame)
        assert step is not None
        move_on(run, frame, run.compiled.flows[frame.flow], step)
        return
    until = wait.until or (run.view.now + timedelta(seconds=wait.timeout_s) if wait.timeout_s is not None else None)
    slot = run.compiled.slot_id(wait.slot, skill) if wait.slot else None
    frame.wait = Wait(wait.event, wait.key, until.isoformat() if until else None, slot, wait.on_timeout)
    run.effects.append(replace(wait, until=until, timeout_s=None, slot=slot))
    run.log("waiting", event=wait.event, key=wait.key)
    run.wait_for_event(frame)


def _after_validation(run: Run, frame: Frame, result: ActionResult) -> None:
    frame.checked = True
    step = run.step_of(frame)
    if step is None:
        return
    if any(event.get("event") == "action_execution_rejected" for event in result.events):
        run.set_slot(step.target, None, "action")
    if run.state.slots.get(step.target) is None:
        frame.attempts += 1
        run.missed = frame.attempts >= HINT_FROM  # before that the validation's own words, if any, say what is wrong
    else:
        _go_to_requested(run, frame, result)


def _go_to_requested(run: Run, frame: Frame, result: ActionResult) -> None:
    """A form whose `required_slots` depend on the answers says which question is next; None: no more of them."""
    asked = run.compiled.forms.get(frame.flow)
    wanted = [event.get("value") for event in result.events if event.get("name") == "requested_slot"]
    if asked is None or not wanted:
        return
    flow = run.compiled.flows[frame.flow]
    if wanted[-1] is None:
        goto(run, frame, flow, len(asked) if len(asked) < len(flow.steps) else END)
        return
    slot = run.compiled.slot_id(str(wanted[-1]), flow.skill)
    if slot in asked:
        goto(run, frame, flow, asked.index(slot))
    else:
        run.log("unknown_slot", name=wanted[-1], skill=flow.skill)


def _after_asking(run: Run, frame: Frame, last: Say | None) -> None:
    step = run.step_of(frame)
    if step is not None and run.state.slots.get(step.target) is None:
        wait_after_question(run, frame, step.target, last.buttons if last else ())


def _follow_up(run: Run, frame: Frame, name: str, skill: str, purpose: str) -> bool:
    """Runs another action before the flow goes on; False when it was a response, already said, or nothing to run."""
    scope = run.compiled.scopes[skill]
    if name in scope.responses:
        run.say(scope.responses[name], frame)
        return run.top is not frame
    if name == "action_listen":
        run.log("event_refused", event="followup", name=name)
        return False
    run.run_action(frame, scope.actions.get(name, f"{skill}:{name}"), purpose)
    return True


def _take_event(run: Run, event: Mapping[str, Any], skill: str) -> str | None:
    """Applies one event of an action; returns the name of a follow-up action."""
    kind = event.get("event")
    if kind == "slot":
        _set_from_action(run, str(event.get("name")), event.get("value"), skill)
    elif kind == "followup":
        return str(event.get("name"))
    elif kind == "reset_slots":
        run.reset_slots(list(run.state.slots))
    elif kind == "restart":
        run.state.stack.clear()
        run.reset_slots(list(run.state.slots))
    elif kind == "action_execution_rejected":
        run.log("action_rejected", name=event.get("name"))
    elif why := why_refused(event):
        run.log("event_refused", event=kind, why=why)
    return None


def _set_from_action(run: Run, name: str, value: Any, skill: str) -> None:
    slot = run.compiled.slot_id(name, skill)
    if slot is None:
        run.log("unknown_slot", name=name, skill=skill)
        return
    fits, coerced = run.fits(slot, value)
    if not fits:
        run.log("slot_does_not_fit", slot=slot, value=value)
    run.set_slot(slot, coerced if fits else value, "action")


def _emit(run: Run, frame: Frame, skill: str, messages: Sequence[Say]) -> Say | None:
    said: Say | None = None
    for message in messages:
        said = _fill(run, frame, skill, message)
        if said is not None:
            run.effects.append(said)
    return said


def _fill(run: Run, frame: Frame, skill: str, message: Say) -> Say | None:
    if message.utter is None or message.text:
        return replace(message, flow=frame.flow, step=frame.step or "")
    scope = run.compiled.scopes.get(skill)
    response = scope.responses.get(message.utter, message.utter) if scope else message.utter
    found = run.render(response, frame, values=message.values)
    if found is None:
        run.log("nothing_to_say", response=response)
        return None
    return replace(
        found,
        buttons=(*found.buttons, *message.buttons),
        image=message.image or found.image,
        attachment=message.attachment or found.attachment,
        custom=message.custom or found.custom,
    )


# -- outside events -------------------------------------------------------------------------------


def resume(run: Run, command: Resume | TimedOut) -> bool:
    """Wakes the frame that waits for this event, wherever on the stack it is. False: none does, nothing is changed."""
    found = _waiting_frame(run, command)
    if found is None:
        run.log("resume_ignored", event=command.event, key=command.key)
        return False
    flow, frame = found
    wait = frame.wait
    assert wait is not None
    frame.wait = None
    skill = frame.flow.partition(":")[0]
    run.log("resumed" if isinstance(command, Resume) else "timed_out", event=command.event, key=command.key)
    if flow.end != len(run.state.stack):
        drop_patterns(run)
        if flow.end != len(run.state.stack):
            bring_to_top(run, flow)
            flow.frame.quiet = True
    if isinstance(command, Resume):
        for name, value in command.slots.items():
            _set_from_action(run, name, value, skill)
    elif wait.slot is not None:
        _set_from_action(run, wait.slot, wait.on_timeout, skill)
    step = run.step_of(frame)
    assert step is not None
    move_on(run, frame, run.compiled.flows[frame.flow], step)
    return True


def _waiting_frame(run: Run, command: Resume | TimedOut) -> tuple[OpenFlow, Frame] | None:
    for flow in open_flows(run):
        for frame in run.state.stack[flow.start : flow.end]:
            if frame.wait is not None and (frame.wait.event, frame.wait.key) == (command.event, command.key):
                return flow, frame
    return None
