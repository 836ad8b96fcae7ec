"""The dialogue engine: `advance(compiled, state, commands, view)` gives the next state and what to do.

Pure: no clock, no randomness, no I/O. It runs until it must wait: for an answer, for an outside event, or for the result
of an action that the host runs (then call `advance` again with its ActionResult).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.flows.collect import HAND_OFF_FROM, PERSON_FROM, offer_person, run_collect, wait_after_question
from bot.flows.commands import ActionResult, CameBack, Command, Resume, SessionStart, TimedOut
from bot.flows.defaults import BUILTINS
from bot.flows.effects import Effect, Say
from bot.flows.interrupt import open_or_resume
from bot.flows.model import Compiled, Flow, Step
from bot.flows.move import move_on
from bot.flows.outside import resume, take_action_result
from bot.flows.reconcile import reconcile
from bot.flows.run import MAX_STEPS_PER_TURN, Run, View
from bot.flows.state import FlowState, Frame
from bot.flows.templates import Filling
from bot.flows.turn import start_session, take_commands

__all__ = ["Advance", "advance"]

MAX_REMEMBERED = 10  # messages that `repeat` can say again


@dataclass(frozen=True, slots=True)
class Advance:
    state: FlowState
    effects: list[Effect]


def advance(compiled: Compiled, state: FlowState, commands: Sequence[Command], view: View) -> Advance:
    """One step of the conversation; `state` is left as it is.

    Effects stand in the order in which they happened. When they end with a RunAction, `state.pending.kind` is `action`
    and nothing but its ActionResult goes on.
    """
    run = Run(compiled, state.copy(), view)
    if run.state.compiled_hash != compiled.content_hash:
        reconcile(run)
    pending = run.state.pending
    in_turn = pending is not None and pending.kind == "action"
    if in_turn:
        take_action_result(run, commands)
        _go(run)
    else:
        run.state.counters = {}
        _take_turn(run, commands)
    run.state.revision += 1
    _remember(run)
    return Advance(run.state, run.effects)


def _take_turn(run: Run, commands: Sequence[Command]) -> None:
    """What the host reports comes first, each report as far as it goes; then what the person wants."""
    wishes: list[Command] = []
    for command in commands:
        if isinstance(command, CameBack):
            run.is_back = True
        elif not isinstance(command, (SessionStart, Resume, TimedOut, ActionResult)):
            wishes.append(command)
        elif _is_suspended(run) or not _take_report(run, command):
            run.log("command_ignored", command=type(command).__name__)
        else:
            _go(run)
    if _is_suspended(run):
        for command in wishes:
            run.log("command_ignored", command=type(command).__name__)
    elif wishes:
        run.stopped = run.quiet = False
        run.before = run.state.pending
        take_commands(run, wishes)
        _go(run)
    elif run.state.pending is None:
        _go(run)


def _take_report(run: Run, command: SessionStart | Resume | TimedOut | ActionResult) -> bool:
    """False: nobody waits for it."""
    if isinstance(command, ActionResult):
        return False
    run.stopped = False
    if isinstance(command, SessionStart):
        start_session(run, command)
        return True
    return resume(run, command)


def _is_suspended(run: Run) -> bool:
    return run.state.pending is not None and run.state.pending.kind == "action"


def _go(run: Run) -> None:
    state, counters = run.state, run.state.counters
    steps = counters.get("steps", 0)
    while not run.stopped:
        if not state.stack:
            if not _finished(run):
                state.pending = None
                break
            continue
        steps += 1
        if steps > MAX_STEPS_PER_TURN:
            steps = 0
            run.fail("budget", f"more than {MAX_STEPS_PER_TURN} steps in one turn")
            continue
        _run_frame(run, state.stack[-1])
    counters["steps"] = steps


def _run_frame(run: Run, frame: Frame) -> None:
    flow = run.compiled.flows[frame.flow]
    if frame.wait is not None:
        run.wait_for_event(frame)
        return
    if frame.ctx.get("failed"):
        _offer_retry_again(run, frame)
        return
    if frame.step is None:
        frame.step = flow.steps[0].id
        if frame.kind != "pattern":
            run.log("flow_started", flow=flow.id)
    step = flow.steps[flow.index[frame.step]]
    if run.view.trace:
        run.log("step", flow=flow.id, step=step.id)
    _HANDLERS[step.kind](run, frame, flow, step)


def _offer_retry_again(run: Run, frame: Frame) -> None:
    if run.quiet and run.before is not None:
        run.state.pending = run.before
        run.stopped = True
        return
    run.push_pattern("pattern_internal_error", error_type="action", info="", retry=True)


def _finished(run: Run) -> bool:
    """Pushes what follows the end of everything; False: nothing does."""
    ended, run.ended = run.ended, None
    if ended is None or not ended.run_pattern_completed:
        return False
    name = ended.title(run.view.locale)
    return run.push_pattern("pattern_completed", skill=ended.skill, previous_flow_name=name) is not None


# -- the step types -------------------------------------------------------------------------------


def _utter(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    if run.say(step.target, frame) is not None:
        move_on(run, frame, flow, step)


def _action(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    run.run_action(frame, step.target, "step")


def _builtin(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    """A default action, or the one of the same name in the domain of the skill for which a pattern runs."""
    own = run.scope_of(frame).actions.get(step.target)
    if own is not None:
        run.run_action(frame, own, "step")
        return
    # A default action may take its own frame or those below off the stack.
    move_on_later = BUILTINS[step.target](run, frame)
    if move_on_later and run.top is frame and not run.stopped:
        move_on(run, frame, flow, step)


def _named(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    """A response or action whose name only shows now; one that does not exist is passed over, as patterns expect."""
    assert step.named is not None
    filling = Filling(run.state.slots, frame.ctx, {}, run.view.contact, run.view.organization, run.view.now)
    name, scope = step.named(filling).strip(), run.scope_of(frame)
    if frame.ctx.get("attempts") and name == frame.ctx.get("utter"):
        name = frame.ctx.get("utter_again") or name
    if name in scope.actions:
        run.run_action(frame, scope.actions[name], "step")
    elif name in scope.responses:
        _utter(run, frame, flow, replace(step, target=scope.responses[name]))
    elif name in BUILTINS:
        _builtin(run, frame, flow, replace(step, target=name))
    else:
        move_on(run, frame, flow, step)


def _listen(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    slot = frame.ctx.get("slot")
    if slot is not None:
        _listen_for(run, frame, flow, step, slot)
        return
    frame.entered = True
    run.wait_for_answer(frame, options=run.before.options if run.quiet and run.before else ())


def _listen_for(run: Run, frame: Frame, flow: Flow, step: Step, slot: str) -> None:
    """In a pattern that fills a slot: until it has a value. Back from a digression the pattern goes round and asks again."""
    asked = run.before if run.quiet and run.before is not None and run.before.slot == slot else None
    if frame.entered and (asked is None or run.state.slots.get(slot) is not None):
        move_on(run, frame, flow, step)
        return
    frame.entered = True
    if asked is not None:
        run.wait_for_answer(frame, slot=slot, options=asked.options)
        return
    attempts = frame.ctx.get("attempts", 0)
    if attempts >= HAND_OFF_FROM:
        frame.ctx["attempts"] = 0
        frame.entered = False
        run.push_pattern("pattern_human_handoff", reason="repeated_failure")
        return
    said = next((effect for effect in reversed(run.effects) if isinstance(effect, Say)), None)
    offered = offer_person(run, frame) if attempts >= PERSON_FROM else ()
    wait_after_question(run, frame, slot, (*(said.buttons if said else ()), *offered))


def _set_slots(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    for slot, value in step.assignments:
        run.set_slot(slot, value, "flow")
    move_on(run, frame, flow, step)


def _noop(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    move_on(run, frame, flow, step)


def _link(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    """The flow ends (with those that called it) and the target begins; guards are not asked."""
    stack, root = run.state.stack, run.root()
    is_pattern = run.compiled.flows[step.target].is_pattern
    skill, quiet = run.skill_of(frame), False
    if frame.kind == "pattern" or root is None:
        run.settle_slots(stack.pop())
    else:
        ended = stack[root]
        del stack[root:]
        run.settle_slots(ended)
        run.log("flow_completed", flow=ended.flow)
        quiet = ended.quiet
        if is_pattern:
            run.ended = run.compiled.flows[ended.flow]
    if is_pattern:
        made = run.push(step.target, "pattern")
        made.ctx = {"skill": skill}
    else:
        made = open_or_resume(run, step.target, "link")
    made.quiet = made.quiet or quiet


def _call(run: Run, frame: Frame, flow: Flow, step: Step) -> None:
    run.push(step.target, "call")


_HANDLERS: dict[str, Callable[[Run, Frame, Flow, Step], None]] = {
    "utter": _utter,
    "action": _action,
    "builtin": _builtin,
    "named": _named,
    "listen": _listen,
    "collect": run_collect,
    "set_slots": _set_slots,
    "noop": _noop,
    "link": _link,
    "call": _call,
}


def _remember(run: Run) -> None:
    """Keeps what was said, for `repeat`; the messages of one turn belong together, also when its first step said nothing."""
    said = [_as_json(effect) for effect in run.effects if isinstance(effect, Say)]
    if said:
        before = run.state.last_bot if run.state.counters.get("said") else []
        run.state.counters["said"] = 1
        run.state.last_bot = [*before, *said][-MAX_REMEMBERED:]


def _as_json(said: Say) -> dict[str, object]:
    found: dict[str, object] = {"text": said.text}
    if said.buttons:
        found["buttons"] = [[button.title, button.payload, button.description] for button in said.buttons]
    for key in ("image", "attachment", "custom", "utter"):
        if value := getattr(said, key):
            found[key] = value
    return found
