"""The default actions: what each does, and that an action of the same name takes its place."""

from __future__ import annotations

import pytest

from bot.flows import ActionResult, Clarify, HandOffRequested, Say, SetSlot, StartFlow, UserText
from bot.flows.defaults import BUILTINS
from bot.flows.steps import BUILTIN_ACTIONS, DEFAULT_ACTIONS
from tests.bot.flows.talk import Talk, compiled

# Every action of flows.md section 9 (`action_listen` is a step of its own kind): what is said, and whether a question is open then.
AS_A_STEP = [
    ("action_restart", ["utter_end"], False),
    ("action_session_start", ["utter_end"], False),
    ("action_default_fallback", ["utter_ask_rephrase", "utter_end"], False),
    ("action_run_slot_rejections", ["utter_end"], False),
    ("action_cancel_flow", [], False),
    ("action_correct_flow_slot", ["utter_end"], False),
    ("action_clean_stack", ["utter_end"], False),
    ("action_continue_interrupted_flow", ["utter_end"], False),
    ("action_cancel_interrupted_flows", ["utter_end"], False),
    ("action_trigger_search", ["utter_no_knowledge_base", "utter_end"], False),
    ("action_trigger_chitchat", ["utter_cannot_handle", "utter_end"], False),
    ("action_repeat_bot_messages", ["utter_ask_a", "utter_end"], False),
    ("action_reset_routing", ["utter_end"], False),
    ("action_handoff_metric", ["utter_end"], False),
    ("action_hangup", ["utter_end"], False),
    ("action_extract_slots", ["utter_end"], False),
    ("action_deactivate_loop", [], False),
    ("action_unlikely_intent", ["utter_end"], False),
    ("action_default_ask_affirmation", ["utter_clarification_no_options_rasa", "utter_end"], False),
    ("action_back", ["utter_ask_a"], True),
    ("action_clarify_flows", ["utter_clarification_no_options_rasa", "utter_end"], False),
]

DOMAIN = """
slots: {a: {type: text}, b: {type: text}}
responses:
  utter_ask_a: [{text: "A?"}]
  utter_ask_b: [{text: "B?"}]
  utter_end: [{text: "End."}]
"""


def running(action: str, *, domain: str = DOMAIN) -> Talk:
    flows = f"""
flows:
  other:
    description: Below
    steps: [{{collect: b}}, {{action: utter_end}}]
  main:
    description: Runs the action after a question
    run_pattern_completed: false
    steps:
      - collect: a
      - action: {action}
      - action: utter_end
"""
    talk = Talk(compiled(flows, domain), actions={action: lambda seen: ActionResult(messages=[Say("Mine.")])})
    talk.do(StartFlow("main"))
    return talk


def test_each_has_its_work() -> None:
    assert {name for name, _, _ in AS_A_STEP} == DEFAULT_ACTIONS
    assert set(BUILTINS) == BUILTIN_ACTIONS


@pytest.mark.parametrize("name", sorted(DEFAULT_ACTIONS))
def test_a_custom_action_of_the_same_name_runs_instead(name: str) -> None:
    talk = running(name, domain=f"actions: [{name}]" + DOMAIN)
    assert talk.do(UserText("x"))[:2] == ["Mine.", "End."]
    assert talk.ran == [f"shop:{name}"]


@pytest.mark.parametrize(("name", "said", "is_open"), AS_A_STEP)
def test_as_a_step_of_a_flow(name: str, said: list[str], is_open: bool) -> None:
    talk = running(name)
    talk.do(UserText("x"))
    assert talk.uttered == said
    assert bool(talk.state.stack) == is_open
    assert talk.slot("a") is None


def test_the_metric_of_a_hand_off_tells_a_person_too() -> None:
    talk = running("action_handoff_metric")
    talk.do(UserText("x"))
    assert any(isinstance(effect, HandOffRequested) for effect in talk.effects)


def test_hanging_up_closes_what_lies_below() -> None:
    talk = running("action_hangup")
    talk.do(StartFlow("other"))
    talk.do(StartFlow("main"))
    talk.do(UserText("x"))
    assert talk.state.stack == []


def test_a_word_of_the_domain_is_what_the_fallback_says() -> None:
    talk = running("action_default_fallback", domain=DOMAIN + '  utter_default: [{text: "What?"}]\n')
    assert talk.do(UserText("x")) == ["What?", "End."]


def test_how_many_are_offered_in_a_clarification_is_a_slot() -> None:
    flows = (
        "flows:\n"
        + "".join(f"  f{n}: {{description: x, steps: [{{action: utter_end}}]}}\n" for n in range(5))
        + "  set: {description: x, run_pattern_completed: false, persisted_slots: [max_clarification_options], steps: [{set_slots: [{max_clarification_options: 2}]}]}\n"
    )
    talk = Talk(compiled(flows, DOMAIN))
    talk.do(Clarify(tuple(f"f{n}" for n in range(5))))
    assert len(talk.buttons) == 3
    talk.do(StartFlow("set"))
    talk.do(Clarify(tuple(f"f{n}" for n in range(5))))
    assert len(talk.buttons) == 2


def test_a_skill_may_bring_an_action_for_the_patterns_of_its_flows() -> None:
    domain = "actions: [action_repeat_bot_messages]" + DOMAIN
    talk = Talk(
        compiled("flows: {main: {description: x, steps: [{collect: a}]}}", domain),
        actions={"action_repeat_bot_messages": lambda seen: ActionResult(messages=[Say("I said it.")])},
    )
    talk.do(StartFlow("main"))
    assert talk.write("repeat") == ["I said it.", "A?"]
    assert talk.do(SetSlot("a", "x"))
