"""Interrupt, correct, cancel, resume, repeat, skip, back, bad answers, old taps, restarts, publications: against a simple model.

The model knows flows as lists of questions, and a stack of them with their answers; what a pattern asks on top is `mode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.flows import (
    Back,
    CameBack,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    Compiled,
    FlowState,
    HandOff,
    Help,
    Knowledge,
    Reopen,
    Repeat,
    Restart,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
    Unusable,
)
from bot.flows.run import MAX_STEPS_PER_TURN
from tests.bot.flows.talk import Talk, compiled

# Questions of each flow, in order; `order` asks its middle two in a flow that it calls. `tail` and `gone` are in one version only.
FLOWS: dict[str, dict[str, list[str]]] = {
    "old": {
        "order": ["item", "town", "street", "note"],
        "post": ["town", "weight"],
        "gone": ["colour", "note"],
        "menu": [],
    },
    "new": {"order": ["item", "town", "street", "note", "tail"], "post": ["town", "weight"], "menu": []},
}
CALLED = {"town": "address", "street": "address"}  # where `order` asks them
VALUES = ["one", "two", "three"]
BAD = "bad"


def _source(flows: dict[str, list[str]]) -> Compiled:
    text = "flows:\n"
    for name, slots in flows.items():
        steps = "".join(f"      - {{id: ask_{slot}, collect: {slot}{_rejections(slot)}}}\n" for slot in slots)
        if name == "order":
            steps = "".join(
                f"      - {{id: ask_{slot}, collect: {slot}{_rejections(slot)}}}\n"
                for slot in slots
                if slot not in CALLED
            ).replace("      - {id: ask_note", "      - {id: where, call: address}\n      - {id: ask_note", 1)
        text += f"  {name}:\n    description: x\n    steps:\n{steps}      - {{id: end, action: utter_end}}\n"
    text += "  address:\n    description: x\n    if: false\n    steps:\n"
    text += "".join(f"      - {{id: ask_{slot}, collect: {slot}{_rejections(slot)}}}\n" for slot in CALLED)
    slots = sorted({slot for questions in flows.values() for slot in questions})
    domain = "slots:\n" + "".join(f"  {slot}: {{type: text, mappings: [{{type: from_llm}}]}}\n" for slot in slots)
    domain += 'responses:\n  utter_end: [{text: "End."}]\n  utter_bad: [{text: "No."}]\n'
    domain += "".join(f'  utter_ask_{slot}: [{{text: "{slot}?"}}]\n' for slot in slots)
    return compiled(text, domain)


def _rejections(slot: str) -> str:
    return f", rejections: [{{if: \"slots.{slot} = '{BAD}'\", utter: utter_bad}}]"


COMPILED = {name: _source(flows) for name, flows in FLOWS.items()}


@dataclass
class Open:
    flow: str
    answers: dict[str, str] = field(default_factory=dict)


@dataclass
class Model:
    version: str = "old"
    stack: list[Open] = field(default_factory=list)  # uppermost last
    mode: str = ""  # what a pattern asks: go_on, which, welcome, change, clarify
    change: tuple[str, str] = ("", "")

    @property
    def top(self) -> Open | None:
        return self.stack[-1] if self.stack else None

    def questions(self, flow: str) -> list[str]:
        return FLOWS[self.version][flow]

    def at(self, each: Open) -> int:
        """The place of the first question without an answer."""
        slots = self.questions(each.flow)
        return next((n for n, slot in enumerate(slots) if slot not in each.answers), len(slots))

    def asked(self, each: Open) -> str:
        return self.questions(each.flow)[self.at(each)]

    def settle(self) -> None:
        """The uppermost flow may have come to its end."""
        top = self.top
        if top is not None and self.at(top) == len(self.questions(top.flow)):
            self.end()

    def end(self) -> None:
        self.stack.pop()
        self.mode = "" if not self.stack else "go_on" if len(self.stack) == 1 else "which"

    def raise_(self, each: Open) -> None:
        self.stack.remove(each)
        self.stack.append(each)

    def clear(self) -> None:
        self.stack, self.mode = [], ""


class Repair(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.talk = Talk(COMPILED["old"])

    def do(self, *commands: Command, silent: bool = False) -> None:
        self.talk.do(*commands)
        assert self.talk.said or silent, f"nothing was said to {commands}"
        assert self.talk.state.counters.get("steps", 0) <= MAX_STEPS_PER_TURN
        assert not self.talk.logged("internal_error")

    # -- wishes

    @rule(flow=st.sampled_from(["order", "post", "gone", "menu"]))
    def start(self, flow: str) -> None:
        model = self.model
        if flow not in FLOWS[model.version]:
            self.do(StartFlow(flow))
            self._not_understood()
            return
        known = next((each for each in model.stack if each.flow == flow), None)
        model.mode = ""
        if known is not None:
            model.raise_(known)
        else:
            model.stack.append(Open(flow))
        self.do(StartFlow(flow))
        model.settle()

    @precondition(lambda self: self.model.stack)
    @rule(value=st.sampled_from(VALUES))
    def answer(self, value: str) -> None:
        """The value of the open question, also while a pattern asks something else."""
        model = self.model
        top = model.stack[-1]
        slot = model.asked(top)
        top.answers[slot] = value
        model.mode = ""
        self.do(SetSlot(f"shop:{slot}", value))
        model.settle()

    @precondition(lambda self: self.model.stack)
    @rule()
    def bad_answer(self) -> None:
        top = self.model.stack[-1]
        self.model.mode = ""
        self.do(SetSlot(f"shop:{self.model.asked(top)}", BAD))

    @precondition(lambda self: self.model.stack)
    @rule(data=st.data(), value=st.sampled_from(VALUES))
    def any_slot(self, data: st.DataObject, value: str) -> None:
        """A correction, or a value given ahead."""
        model, top = self.model, self.model.stack[-1]
        slot = data.draw(st.sampled_from(model.questions(top.flow)))
        top.answers[slot] = value
        model.mode = ""
        self.do(SetSlot(f"shop:{slot}", value))
        model.settle()

    @rule()
    def cancel(self) -> None:
        model = self.model
        self.do(Cancel())
        if model.stack:
            model.end()
        else:
            model.mode = ""

    @rule()
    def back(self) -> None:
        model, top = self.model, self.model.top
        if top is not None and not model.mode and (n := model.at(top)):
            del top.answers[model.questions(top.flow)[n - 1]]
        model.mode = ""
        self.do(Back())

    @rule(
        command=st.sampled_from(
            [Repeat(), SkipQuestion(), Help(), ChitChat(), Knowledge("q"), HandOff(), Unusable("image")]
        )
    )
    def aside(self, command: Command) -> None:
        self.do(command)

    @rule()
    def not_understood(self) -> None:
        self.do(CannotHandle())
        self._not_understood()

    def _not_understood(self) -> None:
        if self.model.mode == "clarify":
            self.model.mode = ""

    @rule()
    def clarify(self) -> None:
        self.model.mode = "clarify"
        self.do(Clarify(("order", "post")))

    @rule(command=st.sampled_from([Restart(), SessionStart()]))
    def wipe(self, command: Command) -> None:
        self.model.clear()
        self.do(command, silent=isinstance(command, SessionStart))

    # -- what patterns ask

    @precondition(lambda self: self.model.mode in ("go_on", "welcome", "change"))
    @rule(yes=st.booleans())
    def yes_or_no(self, yes: bool) -> None:
        model = self.model
        slot = "confirm_reopen" if model.mode == "change" else "continue_interrupted_flow_confirmation"
        top = model.stack[-1]
        if model.mode == "change" and yes:
            top.answers[model.change[0]] = model.change[1]
        elif model.mode != "change" and not yes:
            model.stack = []
        model.mode = ""
        self.do(SetSlot(slot, yes, "button"))

    @precondition(lambda self: self.model.mode == "which")
    @rule(data=st.data())
    def which(self, data: st.DataObject) -> None:
        model = self.model
        chosen = data.draw(st.sampled_from([*(each.flow for each in model.stack), "leave"]))
        if chosen == "leave":
            model.clear()
        else:
            model.raise_(next(each for each in model.stack if each.flow == chosen))
        model.mode = ""
        name = chosen if chosen == "leave" else f"shop:{chosen}"
        self.do(SetSlot("interrupted_flow_to_continue", name, "button"))

    # -- time, old buttons, publications

    @rule()
    def new_session(self) -> None:
        model = self.model
        if not any(model.at(each) for each in model.stack):
            model.clear()
        self.do(SessionStart(keep=True), silent=True)

    @rule()
    def came_back(self) -> None:
        self.do(CameBack(), CannotHandle())
        self._not_understood()
        if self.model.stack:
            self.model.mode = "welcome"

    @rule(
        flow=st.sampled_from(["order", "post", "gone"]),
        slot=st.sampled_from(["item", "town", "street", "note", "weight"]),
        value=st.sampled_from(VALUES),
    )
    def old_tap(self, flow: str, slot: str, value: str) -> None:
        model = self.model
        owner = CALLED[slot] if flow == "order" and slot in CALLED else flow
        self.do(Reopen(f"shop:{owner}", f"ask_{slot}", {slot: value}, value))
        each = next((each for each in model.stack if each.flow == flow), None)
        if each is None or slot not in model.questions(flow):
            return
        place = model.questions(flow).index(slot)
        if place == model.at(each):
            model.raise_(each)
            each.answers[slot] = value
            model.mode = ""
            model.settle()
        elif place < model.at(each):
            model.raise_(each)
            model.mode = "" if each.answers[slot] == value else "change"
            model.change = (slot, value)

    @rule(version=st.sampled_from(["old", "new"]))
    def publish(self, version: str) -> None:
        """What stood at a question that is gone is dropped, and the person told before anything else."""
        model = self.model
        kept = [
            each
            for each in model.stack
            if each.flow in FLOWS[version]
            and (each.flow not in FLOWS[model.version] or model.asked(each) in FLOWS[version][each.flow])
        ]
        lost = len(kept) < len(model.stack)
        model.version, model.stack = version, kept
        for each in kept:
            each.answers = {slot: value for slot, value in each.answers.items() if slot in FLOWS[version][each.flow]}
        self.talk.flows = COMPILED[version]
        self.do(CannotHandle())
        self._not_understood()
        if lost:
            model.mode = ""
            assert "utter_code_change" in self.talk.uttered

    # -- what always holds

    @initialize(flows=st.permutations(["order", "post", "gone"]), answers=st.lists(st.sampled_from(VALUES), max_size=4))
    def begin(self, flows: Sequence[str], answers: list[str]) -> None:
        """Most of what can go wrong needs several open flows with answers."""
        for flow in flows[:2]:
            self.start(flow)
            for value in answers:
                if self.model.stack and not self.model.mode:
                    self.answer(value)

    @invariant()
    def agrees_with_the_model(self) -> None:
        state, model = self.talk.state, self.model
        roots = [frame.flow.partition(":")[2] for frame in state.stack if frame.kind not in ("call", "pattern")]
        assert roots == [each.flow for each in model.stack]
        assert len(roots) == len(set(roots)), "a flow is on the stack twice"
        if model.top is None:
            assert {slot: value for slot, value in state.slots.items() if value is not None} == {}, (
                "slots of ended flows are left"
            )
        else:
            for slot in model.questions(model.top.flow):
                assert self.talk.slot(slot) == model.top.answers.get(slot), slot
        assert self.talk.asked == self._expected_question()
        assert state.stack or state.pending is None

    def _expected_question(self) -> str | None:
        model = self.model
        if model.mode:
            return {
                "go_on": "continue_interrupted_flow_confirmation",
                "welcome": "continue_interrupted_flow_confirmation",
                "which": "interrupted_flow_to_continue",
                "change": "confirm_reopen",
                "clarify": None,
            }[model.mode]
        return model.asked(model.top) if model.top is not None else None

    @invariant()
    def is_never_stuck(self) -> None:
        """Cancelling leads out, with a word each time; so does leaving and asking for the menu."""
        for wishes in ([Cancel()] * (len(self.model.stack) + 1), [Restart(), StartFlow("menu")]):
            talk = Talk(self.talk.flows)
            talk.state = FlowState.from_json(self.talk.state.to_json())
            _follow(talk, wishes)
            assert talk.state.stack == []
            assert talk.state.pending is None


def _follow(talk: Talk, wishes: Sequence[Any]) -> None:
    for wish in wishes:
        assert talk.do(wish), f"nothing was said to {wish}"


Repair.TestCase.settings = settings(max_examples=300, stateful_step_count=20, deadline=None)
TestRepair = Repair.TestCase


def test_the_machine_can_tell() -> None:
    """The control: a bot that loses an answer does not agree with the model."""
    machine = Repair()
    machine.begin(["order", "post", "gone"], ["one"])
    machine.agrees_with_the_model()
    machine.talk.state.slots.clear()
    with pytest.raises(AssertionError):
        machine.agrees_with_the_model()
