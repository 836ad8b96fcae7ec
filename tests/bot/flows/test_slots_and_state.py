"""Slot types and lifetimes, sessions, interruption of several flows, changed flows under a live conversation."""

from __future__ import annotations

from typing import Any

import pytest

from bot.flows import (
    CannotHandle,
    ChitChat,
    Clarify,
    FlowState,
    Knowledge,
    SessionStart,
    SetSlot,
    StartFlow,
    Unusable,
    UserText,
    compile_flows,
    load_skill,
    progress,
)
from tests.bot.flows.talk import Talk, compiled

FLOWS = """
flows:
  one: {description: First, run_pattern_completed: false, steps: [{collect: a}, {collect: b}, {action: utter_end}]}
  two: {description: Second, run_pattern_completed: false, steps: [{collect: c}, {action: utter_end}]}
  three: {description: Third, run_pattern_completed: false, steps: [{collect: d}, {action: utter_end}]}
  keeps:
    description: Keeps the e-mail
    run_pattern_completed: false
    persisted_slots: [email]
    steps: [{collect: email}, {collect: a}, {action: utter_end}]
  sets:
    description: Sets
    run_pattern_completed: false
    steps: [{set_slots: [{seats: 5}, {tier: gold}]}, {action: utter_show}, {collect: a}]
"""
DOMAIN = """
slots:
  a: {type: text}
  b: {type: text}
  c: {type: text}
  d: {type: text}
  email: {type: text}
  seats: {type: float, initial_value: 1, min_value: 0, max_value: 10}
  tier: {type: categorical, values: [Gold, Silver]}
  flag: {type: bool}
  tags: {type: list}
responses:
  utter_ask_a: [{text: "A?"}]
  utter_ask_b: [{text: "B?"}]
  utter_ask_c: [{text: "C?"}]
  utter_ask_d: [{text: "D?"}]
  utter_ask_email: [{text: "E-mail?"}]
  utter_end: [{text: "end"}]
  utter_show: [{text: "{seats} {tier}"}]
"""


@pytest.fixture
def talk() -> Talk:
    return Talk(compiled(FLOWS, DOMAIN))


def test_slots_fall_back_to_their_initial_value(talk: Talk) -> None:
    assert talk.do(StartFlow("sets")) == ["5 Gold", "A?"]
    talk.write("x")
    assert talk.state.slots == {"shop:seats": 1.0}


def test_persisted_slots_stay_and_skip_the_question_next_time(talk: Talk) -> None:
    talk.do(StartFlow("keeps"))
    talk.write("ann@x.co")
    talk.write("x")
    assert talk.slot("email") == "ann@x.co"
    assert talk.slot("a") is None
    assert talk.do(StartFlow("keeps")) == ["A?"]


@pytest.mark.parametrize(
    ("slot", "given", "kept"),
    [
        ("tier", "gOLD", "Gold"),
        ("seats", "3", 3.0),
        ("flag", "true", True),
        ("a", 5, "5"),
    ],
)
def test_values_are_brought_into_the_type_of_the_slot(slot: str, given: Any, kept: Any) -> None:
    flows = f"flows: {{f: {{description: x, steps: [{{collect: {slot}, utter: utter_end}}, {{collect: b}}]}}}}"
    made = Talk(compiled(flows, DOMAIN))
    made.state.slots["shop:seats"] = None
    made.state.compiled_hash = made.flows.content_hash
    made.do(StartFlow("f"), SetSlot(slot, given))
    assert made.slot(slot) == kept


@pytest.mark.parametrize(
    ("slot", "given"),
    [("tier", "Bronze"), ("seats", "many"), ("seats", 11), ("seats", float("nan")), ("flag", "maybe"), ("a", {})],
)
def test_values_that_do_not_fit_are_not_taken(slot: str, given: Any) -> None:
    flows = (
        f"flows: {{f: {{description: x, steps: [{{collect: {slot}, utter: utter_end, ask_before_filling: true}}]}}}}"
    )
    made = Talk(compiled(flows, DOMAIN))
    made.do(StartFlow("f"))
    assert made.do(SetSlot(slot, given))[-1] == "end"
    assert made.asked == slot


# -- interruption ---------------------------------------------------------------------------------


def test_with_several_open_flows_it_asks_which(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(StartFlow("two"))
    talk.do(StartFlow("three"))
    assert talk.do(UserText("x")) == ["end", "Some things are still open: two, one. Which shall we go on with?"]
    assert talk.buttons == ["two", "one", "None of these"]
    assert talk.tap("one") == ["A?"]
    talk.do(UserText("x"))
    assert talk.do(UserText("y")) == ["end", "We have not finished this yet: *two*. Shall we go on with it?"]


def test_none_of_them_leaves_all(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(StartFlow("two"))
    talk.do(StartFlow("three"))
    talk.do(UserText("x"))
    talk.write("none of these")
    assert talk.state.stack == []
    assert talk.state.slots == {"shop:seats": 1.0}


def test_a_new_wish_instead_of_an_answer_to_go_on(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(StartFlow("two"))
    talk.do(UserText("x"))
    assert talk.do(StartFlow("three")) == ["D?"]
    assert talk.open_flows == ["one", "three"]


def test_cancel_asks_about_the_interrupted_flow_as_any_end_does(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(StartFlow("two"))
    assert talk.write("cancel") == [
        "Okay, I have stopped: two.",
        "We have not finished this yet: *one*. Shall we go on with it?",
    ]


def test_cancel_as_answer_to_go_on_cancels_the_interrupted_flow(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(StartFlow("two"))
    talk.do(UserText("x"))
    assert talk.write("cancel") == ["Okay, I have stopped: one."]
    assert talk.state.stack == []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (ChitChat(), "I cannot help with that here."),
        (Knowledge("why?"), "I have nothing to look that up in."),
        (Unusable("sticker"), "I can't use that here."),
    ],
)
def test_digressions_are_answered_and_the_question_put_again(talk: Talk, command: Any, text: str) -> None:
    talk.do(StartFlow("one"))
    assert talk.do(command) == [text, "A?"]


def test_clarification_offers_the_flows_and_takes_the_choice(talk: Talk) -> None:
    assert talk.do(Clarify(("shop:one", "shop:two"))) == ["Which of these do you mean?"]
    assert talk.buttons == ["one", "two"]
    assert talk.write("2") == ["C?"]


def test_clarification_of_two_flows_with_one_name_tells_them_apart() -> None:
    flows = "flows:\n" + "".join(
        f"  {n}: {{description: d{n}, name: Same, steps: [{{action: utter_end}}]}}\n" for n in ("x", "y")
    )
    made = Talk(compiled(flows, DOMAIN))
    made.do(Clarify(("shop:x", "shop:y")))
    assert len(set(made.buttons)) == 2


def test_after_an_unclear_clarification_the_open_question_comes_back(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(Clarify(("shop:two", "shop:three")))
    assert talk.do(CannotHandle()) == ["A?"]


# -- sessions and versions ------------------------------------------------------------------------


def test_a_new_session_closes_what_was_open_and_then_hears_the_message(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    talk.do(UserText("x"))
    assert talk.do(SessionStart(), StartFlow("two")) == ["C?"]
    assert talk.open_flows == ["two"]
    assert talk.slot("a") is None
    assert talk.do(SessionStart(), UserText("hm")) == [
        "Sorry, I did not understand that. Could you put it another way? *menu* shows what I can do."
    ]


def test_no_command_changes_nothing(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    assert talk.do() == []
    assert talk.asked == "a"


def test_a_state_of_another_version_is_begun_anew() -> None:
    assert FlowState.from_json({"v": 99, "slots": {"x": 1}}) == FlowState()
    assert FlowState.from_json(None) == FlowState()


def test_progress_says_how_far_a_flow_has_come(talk: Talk) -> None:
    assert progress(talk.flows, talk.state, "en") is None
    talk.do(StartFlow("one"))
    talk.do(UserText("x"))
    assert progress(talk.flows, talk.state, "en") == ("shop:one", "one", 2, 2)


def deploy(talk: Talk, flows: str) -> None:
    talk.flows = compile_flows([load_skill("shop", {"flows.yml": flows, "domain.yml": DOMAIN})])


def test_the_same_step_in_a_changed_flow_goes_on(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    deploy(talk, FLOWS.replace("description: First", "description: Changed"))
    assert talk.do(UserText("x")) == ["B?"]


def test_a_moved_question_is_asked_anew(talk: Talk) -> None:
    talk.do(StartFlow("one"))
    deploy(talk, FLOWS.replace("[{collect: a}, {collect: b}", "[{action: utter_show}, {collect: a}, {collect: b}"))
    assert talk.do(UserText("x")) == ["A?"]
    assert talk.do(UserText("x")) == ["B?"]


def test_a_flow_that_is_gone_is_dropped_and_the_person_told(talk: Talk) -> None:
    talk.do(StartFlow("two"))
    talk.do(StartFlow("one"))
    talk.do(UserText("x"))
    deploy(talk, "\n".join(line for line in FLOWS.splitlines() if not line.startswith("  one:")))
    said = talk.do()
    assert said == ["Sorry, what we were doing has changed in the meantime. Please start it again.", "C?"]
    assert talk.open_flows == ["two"]
    assert talk.slot("a") is None
