"""The traps that engines of this kind fall into (engine.md section 7): where each is tested, and the tests of those that stand nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.flows import ActionResult, CannotHandle, ChitChat, Say, StartFlow, compile_flows, load_skill
from tests.bot.flows.talk import Talk, compiled

TRAPS = {
    "YAML 1.1 booleans": "test_load.py::test_yes_no_and_on_are_words_and_not_booleans",
    "precedence of and/or": "test_expressions.py::test_and_binds_tighter_than_or_and_the_mix_is_a_lint",
    "comparing with null": "test_expressions.py::test_values_that_cannot_be_compared_are_false_with_a_warning",
    "bool slot false or unset": "test_traps.py::test_a_bool_that_is_false_is_not_unset",
    "ask_before_filling clears once per visit": "test_steps.py::test_ask_before_filling_clears_once_per_visit_and_not_every_turn",
    "a rejected value is not a correction": "test_correction.py::test_a_value_after_a_rejected_one_is_no_correction",
    "abandoned branch": "test_correction.py::test_an_answer_on_the_abandoned_branch_is_kept_until_it_is_asked_again",
    "the same slot collected twice": "test_steps.py::test_the_same_slot_collected_twice_is_asked_once",
    "END of a called flow": "test_correction.py::test_end_in_a_called_flow_returns_to_the_parent",
    "cancel inside a call": "test_correction.py::test_cancel_inside_a_called_flow_cancels_its_parent",
    "an interrupting flow that needs the same slot": (
        "test_registration.py::test_an_interrupting_flow_that_needs_the_same_slot_gives_it_back"
    ),
    "a flow started while it is on the stack": "test_registration.py::test_a_flow_on_the_stack_is_not_started_twice_but_resumed",
    "start of the active flow": "test_registration.py::test_asking_for_what_is_already_running_puts_its_question_again",
    "link cycles and call recursion": "test_steps.py::test_going_in_circles_ends_with_an_apology",
    "a pattern that starts a pattern": "test_traps.py::test_a_pattern_may_lead_to_another_pattern_and_the_question_comes_back",
    "patterns in a circle": "test_traps.py::test_patterns_that_link_in_a_circle_are_refused_and_the_default_ones_hold",
    "answer and correction in one message": "test_correction.py::test_answer_and_correction_in_one_message",
    "cancel as a value": "test_traps.py::test_cancel_is_an_answer_where_the_question_offers_it",
    "yes to going on, or the answer itself": "test_registration.py::test_the_waiting_answer_may_be_given_instead_of_yes",
    "a button of an earlier turn": "test_comeback.py::test_an_old_option_asks_before_it_changes_the_answer",
    "two messages at once": "test_steps.py::test_two_messages_at_once_are_two_turns",
    "an action that says something and sets what the next branch reads": (
        "test_traps.py::test_the_next_branch_reads_what_the_action_set_while_speaking"
    ),
    "FollowupAction": "test_actions.py::test_a_followup_action_runs_before_the_flow_goes_on",
    "an exception after an utterance": "test_traps.py::test_what_was_said_before_an_action_failed_stays_said",
    "slots of an action and of a question": (
        "test_actions.py::test_a_slot_that_an_action_sets_outlives_the_flow_and_a_collected_one_does_not"
    ),
    "categorical coercion": "test_slots_and_state.py::test_values_are_brought_into_the_type_of_the_slot",
    "None in a text": "test_responses.py::test_interpolation_never_prints_none",
    "Unicode flow ids": "test_steps.py::test_unicode_flow_ids",
    "two flows of one name in a clarification": "test_slots_and_state.py::test_clarification_of_two_flows_with_one_name_tells_them_apart",
    "rejected for ever": "test_commands.py::test_a_refused_answer_ends_at_a_person_and_not_in_a_circle",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_its_test(trap: str) -> None:
    file, _, name = TRAPS[trap].partition("::")
    source = (Path(__file__).parent / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", source, re.MULTILINE), TRAPS[trap]


QUESTION = """
slots: {a: {type: text}, b: {type: bool}, c: {type: categorical, values: [keep, cancel]}}
actions: [shop_act]
responses:
  utter_ask_a: [{text: "A?"}]
  utter_ask_b: [{text: "B?"}]
  utter_ask_c: [{text: "C?"}]
  utter_first: [{text: "First."}]
  utter_last: [{text: "Last."}]
  utter_bad: [{text: "No."}]
"""


def test_a_bool_that_is_false_is_not_unset() -> None:
    flows = """
flows:
  main:
    description: x
    run_pattern_completed: false
    steps:
      - collect: b
        next:
          - if: slots.b is null
            then: [{action: utter_bad, next: END}]
          - if: not slots.b
            then: [{action: utter_last, next: END}]
          - else: END
"""
    talk = Talk(compiled(flows, QUESTION))
    talk.do(StartFlow("main"))
    assert talk.write("no") == ["Last."], "false is an answer: it is not asked again"


def test_a_pattern_may_lead_to_another_pattern_and_the_question_comes_back() -> None:
    flows = """
flows:
  main: {description: x, steps: [{collect: a}]}
  pattern_chitchat: {steps: [{link: pattern_search}]}
"""
    talk = Talk(compiled(flows, QUESTION))
    talk.do(StartFlow("main"))
    talk.do(ChitChat())
    assert talk.uttered == ["utter_no_knowledge_base", "utter_ask_a"]


def test_patterns_that_link_in_a_circle_are_refused_and_the_default_ones_hold() -> None:
    flows = """
flows:
  main: {description: x, steps: [{collect: a}]}
  pattern_chitchat: {steps: [{link: pattern_search}]}
  pattern_search: {steps: [{link: pattern_chitchat}]}
"""
    skill = load_skill("shop", {"flows.yml": flows, "domain.yml": QUESTION})
    talk = Talk(compile_flows([skill]))
    found = {d.code for d in (*skill.diagnostics, *talk.flows.diagnostics) if d.severity == "error"}
    assert found == {"CN-FLOW-041"}
    talk.do(StartFlow("main"))
    talk.do(ChitChat())
    assert talk.uttered == ["utter_cannot_handle", "utter_ask_a"]


def test_cancel_is_an_answer_where_the_question_offers_it() -> None:
    talk = Talk(compiled("flows: {main: {description: x, steps: [{collect: c}, {collect: a}]}}", QUESTION))
    talk.do(StartFlow("main"))
    assert talk.write("cancel") == ["A?"]
    assert talk.slot("c") == "cancel"
    talk.write("cancel")
    assert talk.uttered[0] == "utter_flow_cancelled_rasa", "the control: elsewhere it is the wish"


ACTING = """
flows:
  main:
    description: x
    run_pattern_completed: false
    steps:
      - action: utter_first
      - action: shop_act
        next:
          - if: slots.a = 'done'
            then: [{action: utter_last, next: END}]
          - else: [{action: utter_bad, next: END}]
"""


def test_the_next_branch_reads_what_the_action_set_while_speaking() -> None:
    result = ActionResult(events=[{"event": "slot", "name": "a", "value": "done"}], messages=[Say("Acting.")])
    talk = Talk(compiled(ACTING, QUESTION), actions={"shop_act": lambda seen: result})
    assert talk.do(StartFlow("main")) == ["First.", "Acting.", "Last."]


def test_what_was_said_before_an_action_failed_stays_said() -> None:
    talk = Talk(compiled(ACTING, QUESTION), actions={"shop_act": lambda seen: ActionResult(failed="boom")})
    talk.do(StartFlow("main"))
    assert talk.uttered == ["utter_first", "utter_internal_error_retry"]
    talk.actions["shop_act"] = lambda seen: ActionResult()
    assert talk.tap("Try again") == ["No."], "what was said is not said again"


def test_a_skill_that_is_alone_speaks_for_the_whole_chat_when_it_is_the_organization() -> None:
    """Foreign projects have one namespace: their patterns hold wherever the conversation stands."""
    flows = (
        "flows: {main: {description: x, steps: [{collect: a}]}, pattern_cannot_handle: {steps: [{action: utter_bad}]}}"
    )
    project = load_skill("project", {"flows.yml": flows, "domain.yml": QUESTION})
    talk = Talk(compile_flows([project], organization="project"))
    assert talk.do(CannotHandle()) == ["No."]
