"""Takes the commands of a person's message: cleans them, and changes slots and stack accordingly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.flows.clean import clean, dropped
from bot.flows.collect import HAND_OFF_FROM, PERSON_FROM
from bot.flows.comeback import bring_back, find_passed, is_vague, reopen, welcome_back
from bot.flows.commands import (
    Answer,
    Back,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    Error,
    HandOff,
    Help,
    Knowledge,
    OfferPerson,
    Reopen,
    Repeat,
    Restart,
    Retry,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
    Unsure,
    Unusable,
    UserText,
)
from bot.flows.correct import begin_correction, go_back
from bot.flows.interrupt import OpenFlow, drop_patterns, open_flows, open_or_resume
from bot.flows.move import move_on
from bot.flows.resolve import CORE
from bot.flows.run import Run
from bot.flows.state import Frame
from bot.flows.templates import show

__all__ = ["start_session", "take_commands"]


def take_commands(run: Run, commands: Sequence[Command]) -> None:
    """Applies what a person wants, in order; when nothing usable is left the question is put again, or we say so."""
    _Turn(run, clean(run, commands)).take()


def start_session(run: Run, command: SessionStart) -> None:
    """Closes what was open, or leaves it as it stands without a word; slots that were kept stay."""
    flows = open_flows(run)
    quiet = command.keep and any(_is_half_done(run, flow) for flow in flows)
    if quiet:
        run.quiet = True
    else:
        for flow in flows:
            run.settle_slots(flow.frame)
            run.log("flow_cancelled", flow=flow.frame.flow, step=flow.frame.step)
        drop_patterns(run)
        run.state.stack.clear()
        run.state.pending = run.before = None
    run.state.misses = 0
    if command.metadata is not None:
        run.set_slot("core:session_started_metadata", dict(command.metadata), "session")
    frame = run.push_pattern("pattern_session_start", skill=CORE, carry_over=command.carry_over)
    if frame is not None:
        frame.quiet = quiet


def _is_half_done(run: Run, flow: OpenFlow) -> bool:
    """An answer was given, or something outside is due."""
    waits = any(frame.wait is not None for frame in run.state.stack[flow.start : flow.end])
    return waits or len(flow.frame.path) > 1


class _Turn:
    def __init__(self, run: Run, commands: Sequence[Command]) -> None:
        self._run = run
        self._commands = commands
        self._starts: list[str] = []  # flows to start, in the order said
        self._later: list[tuple[str, Any]] = []  # values for them
        self._corrections: dict[str, Any] = {}
        self._titles: dict[str, str] = {}  # of values that are ids
        self._answered: list[str] = []
        self._given: list[tuple[str, bool]] = []  # slots that have got a value, and whether it was asked for
        self._pushed: list[Frame] = []  # the patterns that this message asks for
        self._understood = False
        self._reason = ""

    def take(self) -> None:
        news = self._take_news_off()
        self._take()
        self._run.state.stack.extend(news)

    def _take_news_off(self) -> list[Frame]:
        """Patterns that have not spoken yet (what was open is gone): whatever is wished for, they come first."""
        stack = self._run.state.stack
        news: list[Frame] = []
        while stack and stack[-1].kind == "pattern" and stack[-1].step is None:
            news.insert(0, stack.pop())
        return news

    def _take(self) -> None:
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
        if run.compiled.slots[pending.slot].controlled or (run.is_back and is_vague(run, pending.slot, is_text=True)):
            return
        fits, value = run.fits(pending.slot, text)
        if fits and value is not None:
            run.set_slot(pending.slot, value, "user")
            self._given.append((pending.slot, True))
            self._understood = True

    def _set(self, command: SetSlot) -> None:
        run = self._run
        slot = run.compiled.slot_id(command.name, run.skill_on_top())
        slot = slot or self._slot_of_started(command.name)
        if slot is None:
            dropped(run, command, "unknown slot")
            return
        if run.compiled.slots[slot].controlled and command.source not in ("button", "action", "nlu"):
            dropped(run, command, "controlled slot")
            return
        fits, value = run.fits(slot, command.value)
        if not fits:
            run.log("slot_does_not_fit", slot=slot, value=command.value)
            return
        if command.title:
            self._titles[slot] = command.title
        if any(self._is_taken_by(flow, slot, command.source) for flow in self._starts):
            self._later.append((slot, value))
        elif not self._set_in_running(slot, value, command.source):
            if self._is_started_later(slot):
                self._later.append((slot, value))
            else:
                dropped(run, command, "no running flow asks for it")

    def _is_taken_by(self, flow: str, slot: str, source: str) -> bool:
        """A flow that only sets a slot is still told its entity: "cancel my ticket for the book fair"."""
        found = self._run.compiled.flows[flow]
        return slot in found.collects or (source == "nlu" and slot in found.touches)

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
            if run.is_back and source != "button" and is_vague(run, slot, is_text=False):
                return True
            run.set_slot(slot, value, source)
            self._answered.append(slot)
            self._given.append((slot, True))
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
        if old is None:
            run.set_slot(slot, value, source)
            self._answered.append(slot)
            self._given.append((slot, False))
        elif old != value:
            self._corrections[slot] = value
        return True

    def _say_what_is_noted(self) -> None:
        """Of values that were given ahead, when the question stays open: else it would look as if nobody had listened."""
        run = self._run
        pending, top = run.state.pending, run.top
        if (
            pending is None
            or pending.slot is None
            or top is None
            or (pending.flow, pending.step) != (top.flow, top.step)
        ):
            return
        if self._starts or self._pushed or any(asked for _, asked in self._given):
            return
        noted = [show(run.state.slots[slot]) for slot, _ in self._given if _can_be_shown(run, slot)]
        if noted:
            run.say("core:utter_noted", top, values={"noted": ", ".join(noted)})

    # -- flows

    def _start(self, command: StartFlow, cancelled: str | None) -> None:
        run = self._run
        flow_id = run.compiled.flow_id(command.flow, run.skill_on_top())
        if flow_id is None or run.compiled.flows[flow_id].is_pattern:
            dropped(run, command, "unknown flow")
            return
        if flow_id == cancelled:
            dropped(run, command, "the same flow is cancelled")
            return
        flow = run.compiled.flows[flow_id]
        if flow.guard is not None and not command.forced and not run.holds(flow.guard):
            dropped(run, command, "guard")
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
            open_or_resume(run, flow_id, "interrupt" if stack else "flow")
        stack.extend(asked_for)

    # -- everything else

    def _pattern(self, command: Command) -> None:
        run = self._run
        self._understood = True
        match command:
            case Cancel():
                self._cancel()
            case Back():
                self._back()
            case Restart():
                run.state.stack.clear()
                run.reset_slots(list(run.state.slots))
                run.state.pending = run.before = None
                self._starts.clear()
                self._push("pattern_restart", skill=CORE)
            case Repeat():
                self._push("pattern_repeat_bot_messages")
            case HandOff():
                self._push("pattern_human_handoff", reason="asked")
            case OfferPerson():
                self._push("pattern_offer_person")
            case SkipQuestion():
                if run.top is not None and run.state.pending is not None and run.state.pending.slot:
                    count_miss(run, run.top)
                self._push("pattern_skip_question")
            case Help():
                self._push("pattern_help")
            case Unsure():
                self._help_out()
            case Error(error_type, info):
                run.log("internal_error", error=error_type, info=info)
                self._push("pattern_internal_error", error_type=error_type, info=info, retry=False)
            case Reopen():
                self._reopen(command)
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

    def _back(self) -> None:
        """From a question in between to the one below; else one question back."""
        run = self._run
        in_between = run.top is not None and run.top.kind == "pattern" and "slot" not in run.top.ctx
        drop_patterns(run)
        if in_between and run.top is not None:
            run.log("flow_resumed", flow=run.top.flow)
        elif not go_back(run):
            self._push("pattern_back_at_start")

    def _reopen(self, command: Reopen) -> None:
        run = self._run
        passed = find_passed(run, command.flow, command.step)
        if passed is not None and passed.standing is not None:
            # Not answered yet. An older copy of the question may have shown other data: that one is closed.
            if command.values and command.revision >= passed.standing.asked:
                bring_back(run, passed)
                for name, value in command.values.items():
                    self._set(SetSlot(name, value, "button"))
            else:
                self._push("pattern_closed_option", same=False)
            return
        frame = reopen(run, command, passed) if passed is not None else None
        if frame is None:
            self._push("pattern_closed_option", same=False)
        else:
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
        known = [flow for name in flows if (flow := run.compiled.flow_id(name, run.skill_on_top()))]
        ids = [flow for flow in dict.fromkeys(known) if not run.compiled.flows[flow].is_pattern]
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
            count_miss(run, run.top)
        self._push("pattern_unusable_input", what=what)

    def _help_out(self) -> None:
        """Whoever does not know what to answer is helped; the third time the usual way out is offered."""
        run = self._run
        top, pending = run.top, run.state.pending
        if top is None or pending is None or pending.slot is None:
            self._understood = False
            return
        count_miss(run, top)
        if max(top.attempts, top.ctx.get("attempts", 0)) < PERSON_FROM:
            run.missed = False
            self._push("pattern_unsure", can_skip=run.has_own("pattern_skip_question", run.skill_on_top()))

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
            frame = begin_correction(run, self._corrections, self._titles)
            if frame is not None:
                self._pushed.append(frame)
        if run.view.clarify_starts and len(self._starts) > 1:
            self._clarify(self._starts)
        else:
            self._open_started()
            for slot, value in self._later:
                run.set_slot(slot, value, "user")
                self._given.append((slot, False))
        self._say_what_is_noted()
        for slot, asked in self._given:
            _validate(run, slot, asked=asked)
        if self._understood:
            run.state.misses = 0
        else:
            _not_understood(run, self._reason)


def _validate(run: Run, slot: str, *, asked: bool) -> None:
    """The domain's own rejections hold from the moment a value is given; those of an open question are left to its step."""
    found = run.compiled.slots[slot]
    if not found.rejections or run.state.slots.get(slot) is None:
        return
    skill = run.skill_on_top()
    if asked and (not run.has_own("pattern_validate_slot", skill) or (run.top is not None and "slot" in run.top.ctx)):
        return
    if not any(run.holds(rejection.condition) for rejection in found.rejections):
        return
    scope = run.compiled.scopes[skill]
    question = f"utter_ask_{found.name}" if f"utter_ask_{found.name}" in scope.responses else ""
    utter = found.refill_utter.partition(":")[2] if found.refill_utter else question
    run.push_pattern(
        "pattern_validate_slot",
        validate=found.name,
        refill_utter=utter,
        refill_action="" if utter else f"action_ask_{found.name}",
        rejections=[rejection.utter.partition(":")[2] for rejection in found.rejections],
        slot=slot,
    )


def _can_be_shown(run: Run, slot: str) -> bool:
    """Words of the person's own; what a list or an entity gave is an id."""
    found, value = run.compiled.slots[slot], run.state.slots.get(slot)
    return not found.controlled and found.type in ("text", "float") and isinstance(value, (str, float, int))


def count_miss(run: Run, frame: Frame) -> None:
    """One more answer that did not help, to the question that this frame puts."""
    run.missed = True
    if "slot" in frame.ctx:
        frame.ctx["attempts"] = frame.ctx.get("attempts", 0) + 1
    else:
        frame.attempts += 1


def _not_understood(run: Run, reason: str) -> None:
    """Puts the open question again, with more help each time; without one says that it was not understood."""
    run.log("cannot_handle", reason=reason)
    top, pending = run.top, run.state.pending
    if pending is not None and pending.kind == "event":
        run.push_pattern("pattern_waiting", event=pending.event)
        return
    if run.is_back and welcome_back(run) is not None:
        return
    if pending is not None and pending.slot is None:
        drop_patterns(run)
        top = run.top
    step = run.step_of(top) if top is not None else None
    if top is not None and not (step is not None and step.kind == "listen" and "slot" not in top.ctx):
        count_miss(run, top)
        run.missed = pending is not None and pending.slot is not None
        return
    run.state.misses += 1
    if run.state.misses >= HAND_OFF_FROM:
        run.state.misses = 0
        run.push_pattern("pattern_human_handoff", reason="repeated_failure")
    else:
        run.push_pattern("pattern_cannot_handle", reason=reason, attempts=run.state.misses)
