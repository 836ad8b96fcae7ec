"""One call of the engine at work: a copy of the state, and what every part of the engine does to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.flows.effects import Button, Effect, Log, RunAction, Say
from bot.flows.expressions import Condition, Scope
from bot.flows.model import Compiled, Flow, Scopes, Step, Variation
from bot.flows.responses import choose
from bot.flows.state import FlowState, Frame, FrameKind, OfferedOption, Pending
from bot.flows.templates import Filling
from bot.flows.values import Unfit, coerce

__all__ = ["MAX_ACTIONS_PER_TURN", "MAX_STEPS_PER_TURN", "Run", "View"]

MAX_STEPS_PER_TURN = 200  # a flow that goes in circles must not spin; the longest real journey takes 14
MAX_ACTIONS_PER_TURN = 20

_NOTHING: Mapping[str, Any] = {}
_CORE = "core:"


@dataclass(frozen=True, slots=True)
class View:
    """What the engine may know of the world: `now` (aware), the person's language, a seed for choices of wording.

    `revision`: what the host marks the options with that this step says; it grows, and tells older buttons from newer ones.
    `trace`: log every step and branch too, for whoever looks over the engine's shoulder.
    """

    now: datetime
    locale: str = "en"
    seed: int = 0
    channel: str = "whatsapp"
    clarify_starts: bool = False  # several wishes in one message: ask which, instead of one after the other
    contact: Mapping[str, Any] = field(default_factory=dict)
    organization: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0
    trace: bool = False


class Run:
    """`stopped` ends the loop. `quiet`: the open question stands, it is not said again. `missed`: the answer just given will
    not do. `is_back`: the person was away for a while."""

    __slots__ = (
        "before",
        "compiled",
        "effects",
        "ended",
        "errors",
        "is_back",
        "missed",
        "quiet",
        "state",
        "stopped",
        "view",
    )

    def __init__(self, compiled: Compiled, state: FlowState, view: View) -> None:
        self.compiled = compiled
        self.state = state
        self.view = view
        self.effects: list[Effect] = []
        self.before = state.pending
        self.stopped = False
        self.quiet = False
        self.missed = False
        self.is_back = False
        self.ended: Flow | None = None  # the last user flow that ended
        self.errors = 0

    # -- the stack

    @property
    def top(self) -> Frame | None:
        return self.state.stack[-1] if self.state.stack else None

    def root(self) -> int | None:
        """Index of the uppermost user flow's own frame, below the flows that it calls and below patterns."""
        stack = self.state.stack
        for n in range(len(stack) - 1, -1, -1):
            if stack[n].kind not in ("call", "pattern"):
                return n
        return None

    def root_of(self, flow: str | None) -> int | None:
        """Index of this flow's own frame, of the uppermost user flow when no flow is named."""
        if flow is None:
            return self.root()
        for n, frame in enumerate(self.state.stack):
            if frame.flow == flow and frame.kind not in ("call", "pattern"):
                return n
        return None

    def group_end(self, root: int) -> int:
        """Index after the last frame of the flow at `root` and those that it calls."""
        stack = self.state.stack
        end = root + 1
        while end < len(stack) and stack[end].kind == "call":
            end += 1
        return end

    def push(self, flow: str, kind: FrameKind = "flow") -> Frame:
        frame = Frame(flow, kind)
        self.state.stack.append(frame)
        return frame

    def push_pattern(self, name: str, *, skill: str | None = None, **ctx: Any) -> Frame | None:
        """Puts the pattern on top: the version of `skill` (else of the running one), the organization's, or the default.

        `context.skill` is the skill it speaks for: slots, words and actions in it are meant as that skill means them.
        """
        skill = skill or self.skill_on_top()
        flow = self.compiled.flow_id(name, skill)
        if flow is None:
            self.log("pattern_missing", pattern=name)
            return None
        frame = self.push(flow, "pattern")
        frame.ctx = {"skill": skill, **ctx}
        return frame

    def has_own(self, pattern: str, skill: str) -> bool:
        """Whether this pattern is another one than core's for flows of `skill`."""
        scope = self.compiled.scopes.get(skill)
        return scope is not None and not scope.flows.get(pattern, _CORE).startswith(_CORE)

    def skill_of(self, frame: Frame) -> str:
        """The skill for which a frame speaks: of a pattern, the one that it stands above."""
        return str(frame.ctx.get("skill") or frame.flow.partition(":")[0])

    def scope_of(self, frame: Frame) -> Scopes:
        compiled = self.compiled
        return compiled.scopes.get(self.skill_of(frame)) or compiled.scopes["core"]

    def skill_on_top(self) -> str:
        root = self.root()
        return self.state.stack[root].flow.partition(":")[0] if root is not None else "core"

    # -- slots

    def set_slot(self, slot: str, value: Any, source: str) -> None:
        slots = self.state.slots
        if slots.get(slot) == value and type(slots.get(slot)) is type(value):
            if source in ("action", "flow"):  # whoever writes it tells so; an answer that changes nothing is none
                self.log("slot_set_again", slot=slot, value=value, source=source)
            return
        if value is None:
            slots.pop(slot, None)
            if self.compiled.initial.get(slot) is not None:
                slots[slot] = None
        else:
            slots[slot] = value
        self.log("slot_set", slot=slot, value=value, source=source)

    def reset_slots(self, slots: Iterable[str], *, is_told: bool = True) -> None:
        """They fall back to what they began with; told of those that held something else."""
        held = self.state.slots
        for slot in slots:
            initial, before = self.compiled.initial.get(slot), held.get(slot)
            if initial is not None:
                held[slot] = initial
            else:
                held.pop(slot, None)
            if is_told and before != initial:
                self.log("slot_reset", slot=slot, value=initial)

    def fits(self, slot: str, value: Any) -> tuple[bool, Any]:
        """(fits, the value in the slot's type)."""
        found = self.compiled.slots.get(slot)
        if found is None:
            return False, None
        try:
            return True, coerce(found, value)
        except Unfit:
            return False, None

    # -- conditions

    def holds(self, condition: Condition, frame: Frame | None = None) -> bool:
        scope = Scope(self.state.slots, frame.ctx if frame else _NOTHING, now=self.view.now)
        result = bool(condition(scope))
        for warning in scope.warnings:
            self.log(
                "condition_warning", warning=warning, flow=frame.flow if frame else "", step=frame.step if frame else ""
            )
        return result

    # -- saying things

    def log(self, kind: str, **detail: Any) -> None:
        self.effects.append(Log(kind, detail))

    def say(self, response: str, frame: Frame, *, values: Mapping[str, Any] = _NOTHING, shift: int = 0) -> Say | None:
        """Says a response; one of core's in the words of the skill or organization, if these have their own.

        None, and an internal error, when there is nothing to say.
        """
        said = self.render(response, frame, values=values, shift=shift)
        if said is None:
            self.log("nothing_to_say", response=response)
            self.fail("no_response", response)
            return None
        self.effects.append(said)
        return said

    def render(
        self, response: str, frame: Frame, *, values: Mapping[str, Any] = _NOTHING, shift: int = 0
    ) -> Say | None:
        view = self.view
        if response.startswith(_CORE):
            response = self.scope_of(frame).responses.get(response[len(_CORE) :], response)
        found = self.compiled.response(response, view.locale)
        if found is None:
            return None
        slots = self.state.slots
        if found.plain:
            variation: Variation | None = found.variations[0]
        else:
            variation = choose(found, Scope(slots, frame.ctx, now=view.now), view.channel, view.seed, shift=shift)
        if variation is None:
            return None
        filling = Filling(slots, frame.ctx, values, view.contact, view.organization, view.now)
        said = Say(
            text=variation.text(filling),
            buttons=tuple(Button(t(filling), p(filling), d(filling)) for t, p, d in variation.buttons),
            image=variation.image(filling) if variation.image else None,
            attachment=variation.attachment(filling) if variation.attachment else None,
            custom=variation.custom(filling) if variation.custom else None,
            utter=response,
            flow=frame.flow,
            step=frame.step or "",
        )
        if filling.missing:
            self.log("missing_value", response=response, names=tuple(filling.missing))
        return said

    # -- stopping

    def wait_for_answer(
        self, frame: Frame, *, slot: str | None = None, options: tuple[OfferedOption, ...] = ()
    ) -> None:
        frame.asked = frame.asked or self.view.revision  # put again it is still the same question
        self.state.pending = Pending("slot", frame.flow, frame.step or "", slot, options, asked=frame.asked)
        self.stopped = True

    def wait_for_event(self, frame: Frame) -> None:
        wait = frame.wait
        assert wait is not None
        until = datetime.fromisoformat(wait.until) if wait.until else None
        self.state.pending = Pending("event", frame.flow, frame.step or "", event=wait.event, key=wait.key, until=until)
        self.stopped = True

    def run_action(self, frame: Frame, name: str, purpose: str) -> None:
        """Suspends until the host has run the action. `purpose`: step, ask or validate."""
        counters = self.state.counters
        n = counters.get("actions", 0) + 1
        counters["actions"] = n
        if n > MAX_ACTIONS_PER_TURN:
            self.fail("budget", f"more than {MAX_ACTIONS_PER_TURN} actions in one turn")
            return
        key = f"{frame.flow}.{frame.step}.{n}"
        self.state.pending = Pending("action", frame.flow, frame.step or "", key=key, name=name, purpose=purpose)
        self.effects.append(RunAction(name, key, frame.flow, frame.step or ""))
        self.stopped = True

    def fail(self, kind: str, info: str, *, retry: bool = False) -> None:
        """Our own fault: the error pattern says so. The running flow ends, unless its step can be tried again."""
        self.log("internal_error", error=kind, info=info)
        self.errors += 1
        if not retry:
            self.drop_running()
        if self.errors > 1:  # the error pattern itself is broken: silence is better than a circle
            self.stopped = True
            self.state.pending = None
            return
        self.push_pattern("pattern_internal_error", error_type=kind, info=info, retry=retry)

    def drop_running(self) -> None:
        """Takes the running flow and all patterns above it off the stack; its slots fall back."""
        root = self.root()
        stack = self.state.stack
        if root is None:
            stack.clear()
            return
        frame = stack[root]
        del stack[root:]
        self.settle_slots(frame)
        self.log("flow_dropped", flow=frame.flow)

    def settle_slots(self, frame: Frame, *, is_end: bool = True) -> None:
        """At the end of an outermost flow: its slots fall back, those of the flow it interrupted come back."""
        flow = self.compiled.flows.get(frame.flow)
        slots = self.state.slots
        if flow is not None:
            self.reset_slots((slot for slot, _ in flow.resets), is_told=is_end)
        for slot, value in frame.saved.items():
            if value is not None:
                slots[slot] = value

    def step_of(self, frame: Frame) -> Step | None:
        flow = self.compiled.flows.get(frame.flow)
        if flow is None or frame.step is None:
            return None
        n = flow.index.get(frame.step)
        return flow.steps[n] if n is not None else None
