"""Takes the commands of a person's message: cleans them, and changes slots and stack accordingly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.flows.commands import (
    Answer,
    Back,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    HandOff,
    Knowledge,
    Repeat,
    Restart,
    Retry,
    SetSlot,
    SkipQuestion,
    StartFlow,
    Unusable,
    UserText,
)
from bot.flows.correct import begin_correction, go_back
from bot.flows.interrupt import bring_to_top, drop_patterns, open_flows
from bot.flows.move import move_on
from bot.flows.run import Run
from bot.flows.state import Frame, Pending

__all__ = ["start_session", "take_commands"]


def take_commands(run: Run, commands: Sequence[Command]) -> None:
    """Applies what a person wants, in order; when nothing usable is left the question is put again, or we say so."""
    _Turn(run, _only_the_answer(run, commands)).take()


def start_session(run: Run, *, keep: bool) -> None:
    """Closes what was open; slots that were kept stay. With `keep` what was half answered stays open, and is not asked aloud."""
    drop_patterns(run)
    if keep and _is_half_answered(run):
        run.push_pattern("pattern_session_start")
        run.quiet = True
        return
    for flow in open_flows(run):
        run.settle_slots(flow.frame)
        run.log("flow_cancelled", flow=flow.frame.flow, step=flow.frame.step)
    run.state.stack.clear()
    run.state.pending = run.before = None
    run.push_pattern("pattern_session_start")


def _is_half_answered(run: Run) -> bool:
    """An answer was given, and the next is waited for."""
    root, top = run.root(), run.top
    step = run.step_of(top) if top is not None and top.wait is None else None
    if root is None or top is None or step is None or step.kind != "collect" or len(run.state.stack[root].path) < 2:
        return False
    before = run.before
    if before is None or (before.kind, before.flow, before.step) != ("slot", top.flow, step.id):
        run.before = Pending("slot", top.flow, step.id, step.target, asked=top.asked)
    return True


def _only_the_answer(run: Run, commands: Sequence[Command]) -> Sequence[Command]:
    """With `force_slot_filling` whatever is said is the answer, and nothing else counts."""
    step = run.step_of(run.top) if run.top and run.state.pending and run.state.pending.slot else None
    if step is None or not step.force_slot_filling or not commands:
        return commands
    kept = [c for c in commands if _answers(run, c, step.target)]
    for command in commands:
        if command not in kept:
            _dropped(run, command, "force_slot_filling")
    return kept or [CannotHandle("force_slot_filling")]


def _answers(run: Run, command: Command, slot: str) -> bool:
    if isinstance(command, SetSlot):
        return run.compiled.slot_id(command.name, slot.partition(":")[0]) == slot
    return isinstance(command, UserText)


def _dropped(run: Run, command: Command, reason: str) -> None:
    run.log("command_dropped", command=type(command).__name__, reason=reason)


class _Turn:
    def __init__(self, run: Run, commands: Sequence[Command]) -> None:
        self._run = run
        self._commands = commands
        self._starts: list[str] = []  # flows to start, in the order said
        self._later: list[tuple[str, Any]] = []  # values for them
        self._corrections: dict[str, Any] = {}
        self._answered: list[str] = []
        self._pushed: list[Frame] = []  # the patterns that this message asks for
        self._understood = False
        self._reason = ""

    def take(self) -> None:
        run = self._run
        cancels = any(isinstance(command, Cancel) for command in self._commands)
        running = run.root()
        active = run.state.stack[running].flow if running is not None else None
        for command in self._commands:
            if isinstance(command, StartFlow):
                self._start(command, active if cancels else None)
            elif isinstance(command, SetSlot):
                self._set(command)
            elif isinstance(command, UserText):
                self._text(command.text)
            elif isinstance(command, CannotHandle):
                self._reason = self._reason or command.reason
            else:
                self._pattern(command)
        self._finish()

    # -- slots

    def _text(self, text: str) -> None:
        """Free text answers the open question, if its slot can take it."""
        run = self._run
        pending, top = run.state.pending, run.top
        if pending is None or pending.kind != "slot" or top is None or pending.flow != top.flow:
            return
        if pending.slot is None:
            step = run.step_of(top)
            if step is not None and step.kind == "listen":
                move_on(run, top, run.compiled.flows[top.flow], step)
                self._understood = True
            return
        if run.compiled.slots[pending.slot].controlled:
            return
        fits, value = run.fits(pending.slot, text)
        if fits and value is not None:
            run.set_slot(pending.slot, value, "user")
            self._understood = True

    def _set(self, command: SetSlot) -> None:
        run = self._run
        slot = run.compiled.slot_id(command.name, run.skill_on_top())
        slot = slot or self._slot_of_started(command.name)
        if slot is None:
            _dropped(run, command, "unknown slot")
            return
        if run.compiled.slots[slot].controlled and command.source not in ("button", "action"):
            _dropped(run, command, "controlled slot")
            return
        fits, value = run.fits(slot, command.value)
        if not fits:
            run.log("slot_does_not_fit", slot=slot, value=command.value)
            return
        if any(slot in run.compiled.flows[flow].collects for flow in self._starts):
            self._later.append((slot, value))
        elif not self._set_in_running(slot, value, command.source):
            if self._is_started_later(slot):
                self._later.append((slot, value))
            else:
                _dropped(run, command, "no running flow asks for it")

    def _named_flows(self) -> list[str]:
        """The flows that this message starts, wherever in it they are named."""
        found = [self._run.compiled.flow_id(c.flow) for c in self._commands if isinstance(c, StartFlow)]
        return [flow for flow in found if flow is not None]

    def _slot_of_started(self, name: str) -> str | None:
        slots = [self._run.compiled.slot_id(name, flow.partition(":")[0]) for flow in self._named_flows()]
        return next((slot for slot in slots if slot is not None), None)

    def _is_started_later(self, slot: str) -> bool:
        return any(slot in self._run.compiled.flows[flow].collects for flow in self._named_flows())

    def _set_in_running(self, slot: str, value: Any, source: str) -> bool:
        """An answer, a value given ahead, or a correction. False: the running flow does not ask for it."""
        run = self._run
        pending, top = run.state.pending, run.top
        if top is None:
            return False
        if pending is not None and pending.slot == slot and pending.flow == top.flow:
            run.set_slot(slot, value, source)
            self._answered.append(slot)
            self._understood = True
            return True
        if top.kind == "pattern" and slot in run.compiled.flows[top.flow].collects:
            run.set_slot(slot, value, source)
            self._understood = True
            return True
        root = run.root()
        if root is None or slot not in run.compiled.flows[run.state.stack[root].flow].collects:
            return False
        if drop_patterns(run):  # asked whether to go on, the person simply answers the open question
            run.log("flow_resumed", flow=run.state.stack[root].flow)
        self._understood = True
        old = run.state.slots.get(slot)
        if old is None or value is None:
            run.set_slot(slot, value, source)
            self._answered.append(slot)
        elif old != value:
            self._corrections[slot] = value
        return True

    # -- flows

    def _start(self, command: StartFlow, cancelled: str | None) -> None:
        run = self._run
        flow_id = run.compiled.flow_id(command.flow, run.skill_on_top())
        if flow_id is None or run.compiled.flows[flow_id].is_pattern:
            _dropped(run, command, "unknown flow")
            return
        if flow_id == cancelled:
            _dropped(run, command, "the same flow is cancelled")
            return
        flow = run.compiled.flows[flow_id]
        if flow.guard is not None and not command.forced and not run.holds(flow.guard):
            _dropped(run, command, "guard")
            return
        self._understood = True
        root = run.root()
        if root is not None and run.state.stack[root].flow == flow_id:
            if drop_patterns(run):
                run.log("flow_resumed", flow=flow_id)
            run.log("flow_already_active", flow=flow_id)
        elif flow_id not in self._starts:
            self._starts.append(flow_id)

    def _open_started(self) -> None:
        """The last named goes to the bottom, so that they run in the order said; above them what else was asked for."""
        run = self._run
        if not self._starts:
            return
        stack = run.state.stack
        asked_for: list[Frame] = []
        while stack and stack[-1].kind == "pattern":
            frame = stack.pop()
            if any(frame is pushed for pushed in self._pushed):
                asked_for.insert(0, frame)
            else:
                run.settle_slots(frame)
        if stack:
            run.log("flow_interrupted", flow=stack[-1].flow, step=stack[-1].step)
        for flow_id in reversed(self._starts):
            known = next((flow for flow in open_flows(run) if flow.frame.flow == flow_id), None)
            if known is not None:
                bring_to_top(run, known)
                run.log("flow_resumed", flow=flow_id)
            else:
                self._open(flow_id)
        stack.extend(asked_for)

    def _open(self, flow_id: str) -> None:
        """A new frame. Slots that flows below use too are put aside, and come back when it ends."""
        run = self._run
        flow = run.compiled.flows[flow_id]
        below = [run.compiled.flows[frame.flow].touches for frame in run.state.stack]
        interrupts = bool(run.state.stack)
        frame = run.push(flow_id, "interrupt" if interrupts else "flow")
        if not interrupts:
            return
        shared = frozenset().union(*below)
        for slot, initial in flow.resets:
            value = run.state.slots.get(slot)
            if slot in shared and value is not None:
                frame.saved[slot] = value
                run.set_slot(slot, initial, "frame")

    # -- everything else

    def _pattern(self, command: Command) -> None:
        run = self._run
        self._understood = True
        match command:
            case Cancel():
                self._cancel()
            case Back():
                drop_patterns(run)
                if not go_back(run):
                    self._push("pattern_back_at_start")
            case Restart():
                run.state.stack.clear()
                run.state.slots = dict(run.compiled.initial)
                run.state.pending = run.before = None
                self._starts.clear()
                self._push("pattern_restart")
            case Repeat():
                self._push("pattern_repeat_bot_messages")
            case HandOff():
                self._push("pattern_human_handoff", reason="asked")
            case SkipQuestion():
                self._push("pattern_skip_question")
            case ChitChat():
                self._push("pattern_chitchat")
            case Knowledge(query):
                self._push("pattern_search", query=query)
            case Answer(text, sources):
                self._push("pattern_search", answer=text, source=", ".join(sources), searched=True)
            case Clarify(flows):
                self._clarify(flows)
            case Unusable(what):
                self._unusable(what)
            case Retry():
                self._retry()
            case _:
                self._understood = False

    def _push(self, pattern: str, **ctx: Any) -> None:
        frame = self._run.push_pattern(pattern, **ctx)
        if frame is not None:
            self._pushed.append(frame)

    def _cancel(self) -> None:
        run = self._run
        drop_patterns(run)
        root = run.root()
        if root is None:
            self._push("pattern_cannot_handle", reason="nothing_to_cancel")
            return
        frames = run.state.stack[root : run.group_end(root)]
        title = run.compiled.flows[frames[0].flow].title(run.view.locale)
        flows = [frame.flow for frame in frames]
        self._push("pattern_cancel_flow", canceled_name=title, canceled_flow=flows[0], canceled_frames=flows)

    def _clarify(self, flows: Sequence[str]) -> None:
        run = self._run
        ids = [flow for name in flows if (flow := run.compiled.flow_id(name, run.skill_on_top()))]
        allowed = [flow for flow in ids if (guard := run.compiled.flows[flow].guard) is None or run.holds(guard)]
        drop_patterns(run)
        names = [run.compiled.flows[flow].title(run.view.locale) for flow in allowed]
        self._push("pattern_clarification", names=names, clarification_options=", ".join(names), flow_ids=allowed)

    def _unusable(self, what: str) -> None:
        run = self._run
        pending = run.state.pending
        if pending is not None and pending.kind == "event":
            self._push("pattern_waiting", event=pending.event)
            return
        if run.top is not None and pending is not None:
            run.top.attempts += 1
            run.missed = True
        self._push("pattern_unusable_input", what=what)

    def _retry(self) -> None:
        run = self._run
        drop_patterns(run)
        if run.top is not None and run.top.ctx.pop("failed", None):
            run.log("retried", flow=run.top.flow, step=run.top.step)
        else:
            self._understood = False

    def _finish(self) -> None:
        run = self._run
        if self._corrections:
            root = run.root()
            if root is not None and self._answered:
                run.state.stack[root].ctx["answered"] = self._answered
            frame = begin_correction(run, self._corrections)
            if frame is not None:
                self._pushed.append(frame)
        self._open_started()
        for slot, value in self._later:
            run.set_slot(slot, value, "user")
        if not self._understood:
            _not_understood(run, self._reason)


def _not_understood(run: Run, reason: str) -> None:
    """Puts the open question again, with more help each time; without one says that it was not understood."""
    run.log("cannot_handle", reason=reason)
    top, pending = run.top, run.state.pending
    if pending is not None and pending.kind == "event":
        run.push_pattern("pattern_waiting", event=pending.event)
        return
    if pending is not None and pending.slot is None:
        drop_patterns(run)
        top = run.top
    if top is None:
        run.push_pattern("pattern_cannot_handle", reason=reason)
        return
    step = run.step_of(top)
    if step is not None and step.kind == "listen":
        run.push_pattern("pattern_cannot_handle", reason=reason)
        return
    top.attempts += 1
    run.missed = pending is not None and pending.slot is not None
