"""Every default pattern: what it says by default, what it knows, and that a skill or an organization may word its own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.flows import (
    ActionResult,
    CameBack,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    Error,
    HandOff,
    HandOffRequested,
    Help,
    Knowledge,
    OfferPerson,
    Reopen,
    Repeat,
    Restart,
    SessionStart,
    SetSlot,
    SkipQuestion,
    StartFlow,
    Unsure,
    Unusable,
    UserText,
    WaitFor,
    compile_flows,
    load_skill,
)
from bot.flows.core import core_skill
from tests.bot.flows.registration import DOMAIN, FLOWS
from tests.bot.flows.talk import Talk

MORE = """
  waits:
    description: Waits for something outside
    steps:
      - action: shop_wait
  survey:
    description: Ends by asking how it was
    steps:
      - link: pattern_human_handoff
"""
MORE_DOMAIN = (
    DOMAIN.replace("actions: [shop_register]", "actions: [shop_register, shop_wait]")
    .replace(
        "seats: {type: float}",
        'seats: {type: float, validation: {rejections: [{if: "slots.seats > 99", utter: utter_absurd}], refill_utter: utter_refill}}',
    )
    .replace(
        "responses:\n",
        'responses:\n  utter_absurd: [{text: "That is absurd."}]\n  utter_refill: [{text: "So how many?"}]\n',
        1,
    )
)


def talking(patterns: str = "", *, organization: str = "", domain: str = "", locale: str = "en") -> Talk:
    """The shop with patterns of its own, or of the organization."""
    skills = [
        load_skill(
            "shop", {"flows.yml": FLOWS + MORE + patterns, "domain.yml": MORE_DOMAIN + (domain if patterns else "")}
        )
    ]
    if organization:
        skills.append(
            load_skill("organization", {"flows.yml": "flows:" + organization, "domain.yml": "responses:\n" + domain})
        )
    made = compile_flows(skills)
    errors = [str(d) for d in (*(d for s in skills for d in s.diagnostics), *made.diagnostics) if d.severity == "error"]
    assert not errors, errors
    talk = Talk(
        made,
        locale=locale,
        actions={
            "shop_register": lambda seen: ActionResult(),
            "shop_wait": lambda seen: ActionResult(wait=WaitFor("paid", "k", timeout_s=60)),
        },
    )
    return talk


def answering(talk: Talk, *answers: str) -> Talk:
    talk.do(StartFlow("shop:register"))
    for answer in answers:
        talk.write(answer)
    return talk


# (pattern, what leads to it, what is said by default, what it knows)
Case = tuple[str, Sequence[Sequence[Command]], str, str]
CASES: list[Case] = [
    (
        "pattern_cancel_flow",
        [[StartFlow("register")], [Cancel()]],
        "utter_flow_cancelled_rasa",
        "registration",
    ),
    (
        "pattern_correction",
        [[StartFlow("register"), SetSlot("email", "a@x.co")], [SetSlot("email", "b@x.co")]],
        "utter_corrected_previous_input",
        "email",
    ),
    (
        "pattern_continue_interrupted",
        [[StartFlow("register")], [StartFlow("opening_hours")]],
        "utter_ask_continue_interrupted_flow_confirmation",
        "opening hours",
    ),
    (
        "pattern_clarification",
        [[Clarify(("register", "newsletter"))]],
        "utter_clarification_options_rasa",
        "registration, newsletter",
    ),
    (
        "pattern_completed",
        [[StartFlow("newsletter")], [UserText("a@x.co")]],
        "utter_can_do_something_else",
        "newsletter",
    ),
    ("pattern_chitchat", [[StartFlow("register")], [ChitChat()]], "utter_cannot_handle", ""),
    ("pattern_search", [[StartFlow("register")], [Knowledge("q")]], "utter_no_knowledge_base", "q"),
    (
        "pattern_human_handoff",
        [[StartFlow("register")], [HandOff()]],
        "utter_human_handoff",
        "asked",
    ),
    (
        "pattern_skip_question",
        [[StartFlow("register")], [SkipQuestion()]],
        "utter_skip_question_answer",
        "",
    ),
    (
        "pattern_cannot_handle",
        [[CannotHandle("cannot_handle_no_relevant_answer")]],
        "utter_no_relevant_answer_found",
        "cannot_handle_no_relevant_answer",
    ),
    (
        "pattern_internal_error",
        [[Error("rasa_internal_error_user_input_too_long", "9999")]],
        "utter_internal_error_input_too_long",
        "rasa_internal_error_user_input_too_long 9999",
    ),
    ("pattern_session_start", [[SessionStart()]], "", ""),
    ("pattern_restart", [[Restart()]], "utter_restart", ""),
    ("pattern_repeat_bot_messages", [[StartFlow("register")], [Repeat()]], "utter_ask_full_name", ""),
    ("pattern_unusable_input", [[StartFlow("register")], [Unusable("image")]], "utter_unusable_input", "image"),
    (
        "pattern_waiting",
        [[StartFlow("waits")], [UserText("?")]],
        "utter_still_waiting",
        "paid",
    ),
    (
        "pattern_welcome_back",
        [[StartFlow("register"), SetSlot("full_name", "Ann")], [CameBack(), CannotHandle()]],
        "utter_ask_welcome_back",
        "registration",
    ),
    (
        "pattern_closed_option",
        [[StartFlow("register")], [Reopen("shop:gone", "x")]],
        "utter_option_closed",
        "",
    ),
    (
        "pattern_reopen",
        [
            [StartFlow("register"), SetSlot("full_name", "Ann")],
            [SetSlot("email", "a@x.co")],
            [SetSlot("tier", "Gold")],
            [Reopen("shop:register", "2_collect_tier", {"tier": "Silver"}, "Silver")],
        ],
        "utter_ask_change",
        "Silver",
    ),
    ("pattern_help", [[StartFlow("register")], [Help()]], "utter_hint_name", ""),
    ("pattern_unsure", [[StartFlow("register")], [Unsure()]], "utter_unsure", ""),
    ("pattern_offer_person", [[StartFlow("register")], [OfferPerson()]], "utter_offer_person_kindly", ""),
    (
        "pattern_validate_slot",
        [[StartFlow("register"), SetSlot("seats", 100)]],
        "utter_absurd",
        "seats utter_refill",
    ),
    ("pattern_collect_information", [[StartFlow("register")]], "utter_ask_full_name", "full_name utter_ask_full_name"),
]
CONTEXT = {
    "pattern_cancel_flow": "canceled_name",
    "pattern_correction": "reset_step_id",
    "pattern_continue_interrupted": "previous_flow_name",
    "pattern_clarification": "clarification_options",
    "pattern_completed": "previous_flow_name",
    "pattern_search": "query",
    "pattern_human_handoff": "reason",
    "pattern_cannot_handle": "reason",
    "pattern_internal_error": "error_type} {context.info",
    "pattern_unusable_input": "what",
    "pattern_waiting": "event",
    "pattern_welcome_back": "interrupted_flow_name",
    "pattern_reopen": "reopen_title",
    "pattern_validate_slot": "validate} {context.refill_utter",
    "pattern_collect_information": "collect} {context.utter",
}


def _step_named(talk: Talk, slot: str) -> str:
    return next(step.id for step in talk.flows.flows["shop:register"].steps if step.target == f"shop:{slot}")


def _lead(talk: Talk, turns: Sequence[Sequence[Command]]) -> list[str]:
    said: list[str] = []
    for commands in turns:
        said = talk.do(
            *(
                Reopen(c.flow, _step_named(talk, "tier"), c.values, c.title)
                if isinstance(c, Reopen) and c.values
                else c
                for c in commands
            )
        )
    return said


@pytest.mark.parametrize(("pattern", "turns", "text", "known"), CASES, ids=[case[0] for case in CASES])
def test_the_default(pattern: str, turns: Sequence[Sequence[Command]], text: str, known: str) -> None:
    talk = talking()
    _lead(talk, turns)
    assert (text in talk.uttered) if text else talk.uttered == []


@pytest.mark.parametrize(("pattern", "turns", "text", "known"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("who", ["skill", "organization"])
def test_another_flow_of_the_same_id_takes_its_place(
    pattern: str, turns: Sequence[Sequence[Command]], text: str, known: str, who: str
) -> None:
    named = CONTEXT.get(pattern)
    shown = f" {{context.{named}}}" if named else ""
    own = f"""
  {pattern}:
    steps:
      - action: utter_own_words
"""
    if pattern in ("pattern_collect_information", "pattern_validate_slot"):
        own += "      - action: action_listen\n"
    words = f'  utter_own_words: [{{text: "Mine{shown}"}}]\n'
    talk = talking(own, domain=words) if who == "skill" else talking(organization=own, domain=words)
    said = _lead(talk, turns)
    # With nothing open no skill is speaking, so that only the organization's own pattern can hold.
    nobody_speaks = not talk.state.stack and pattern != "pattern_completed" and pattern != "pattern_cancel_flow"
    speaks_for_core = pattern in ("pattern_session_start", "pattern_restart", "pattern_clarification")
    if who == "skill" and (nobody_speaks or speaks_for_core):
        assert not any(each.startswith("Mine") for each in said)
        return
    if pattern == "pattern_correction":
        known = ""  # the step that is gone back to: none, its question has not come yet
    assert f"Mine {known}" in said if known else any(each.startswith("Mine") for each in said), said


def test_every_pattern_of_the_table_is_there() -> None:
    documented = {case[0] for case in CASES} | {
        "pattern_code_change",
        "pattern_customer_satisfaction",
        "pattern_back_at_start",
    }
    assert {flow for flow in core_skill().flows if flow.startswith("pattern_")} == documented


def test_a_text_of_a_pattern_can_be_worded_anew_without_the_pattern() -> None:
    skill = talking("\n", domain='  utter_flow_cancelled_rasa: [{text: "Gone: {context.canceled_name}"}]\n')
    answering(skill)
    assert skill.do(Cancel())[0] == "Gone: registration"
    whole = talking(organization=" {}", domain='  utter_ask_rephrase: [{text: "Pardon?"}]\n')
    assert whole.do(CannotHandle()) == ["Pardon?"]


def test_a_pattern_of_one_skill_does_not_hold_for_another() -> None:
    pattern = "  pattern_chitchat:\n    steps:\n      - action: utter_joke\n"
    one = load_skill("shop", {"flows.yml": FLOWS + pattern, "domain.yml": DOMAIN + '  utter_joke: [{text: "Ha."}]\n'})
    two = load_skill("other", {"flows.yml": FLOWS, "domain.yml": DOMAIN.replace("shop_register", "other_register")})
    talk = Talk(compile_flows([one, two]))
    talk.do(StartFlow("shop:register"))
    assert talk.do(ChitChat())[0] == "Ha."
    talk.do(Restart())
    talk.do(StartFlow("other:register"))
    talk.do(ChitChat())
    assert talk.uttered[0] == "utter_cannot_handle"


def test_own_pattern_of_the_ended_skill_closes_its_flow() -> None:
    talk = talking(
        "  pattern_completed:\n    steps:\n      - action: utter_bye\n",
        domain='  utter_bye: [{text: "Bye {context.previous_flow_name}"}]\n',
    )
    talk.do(StartFlow("newsletter"))
    assert talk.write("a@x.co") == ["Subscribed a@x.co.", "Bye newsletter"]


DEFAULT_CYCLE = """
  pattern_collect_information:
    steps:
      - id: start
        action: action_run_slot_rejections
      - action: "validate_{{context.collect}}"
        next:
          - if: "slots.{{context.collect}} is not null"
            then: END
          - else: ask
      - id: ask
        action: "{{context.utter}}"
      - action: "{{context.collect_action}}"
      - action: action_listen
        next: start
"""
SCRIPT: list[Command | str] = [
    StartFlow("register"),
    "Ann W",
    "not an e-mail @",
    "ann@x.co",
    HandOff(),
    "Gold",
    StartFlow("opening_hours"),
    "yes",
    "yes",
    "12",
    Repeat(),
    SetSlot("email", "new@x.co"),
    "2",
    "back",
    "3",
    Cancel(),
]


@pytest.mark.parametrize("who", ["skill", "organization"])
def test_the_cycle_of_a_question_as_a_flow_talks_like_the_built_in_one(who: str) -> None:
    plain, own = (
        talking(),
        talking(DEFAULT_CYCLE)
        if who == "skill"
        else talking(organization=DEFAULT_CYCLE, domain="  utter_x: [{text: x}]\n"),
    )
    for message in SCRIPT:
        first, second = (t.write(message) if isinstance(message, str) else t.do(message) for t in (plain, own))
        assert first == second, message
        assert plain.slot("email") == own.slot("email")
    assert own.state.stack == []


def test_an_own_cycle_that_is_refused_again_and_again_ends_at_a_person() -> None:
    talk = answering(talking(DEFAULT_CYCLE), "Ann W", "ann@x.co", "Silver")
    heard = []
    for _ in range(5):
        talk.write("50")
        heard.append(talk.uttered)
    assert "utter_offer_person" in heard[2]
    assert "utter_human_handoff" in heard[4]


def test_a_value_given_ahead_is_checked_by_the_domain_at_once() -> None:
    talk = talking()
    assert talk.do(StartFlow("register"), SetSlot("seats", 100)) == ["That is absurd.", "So how many?"]
    assert talk.do(SetSlot("seats", 200)) == ["That is absurd.", "So how many?"]
    assert talk.write("3") == ["What is your name?"]
    assert talk.slot("seats") == 3


def test_an_asked_value_that_the_domain_refuses_is_asked_with_the_refill() -> None:
    talk = answering(talking(), "Ann W", "a@x.co", "Silver")
    assert talk.write("100") == ["Between 1 and 9.", "So how many?"], "the step's own rejections come first"


def test_a_correction_may_be_confirmed_by_an_own_pattern() -> None:
    pattern = """
  pattern_correction:
    steps:
      - collect: confirm_correction
        ask_before_filling: true
        next:
          - if: slots.confirm_correction
            then:
              - action: action_correct_flow_slot
                next: END
          - else: END
"""
    words = '  utter_ask_confirm_correction: [{text: "Change to {context.corrected_text}?"}]\n'
    talk = answering(talking(pattern, domain=words), "Ann W", "a@x.co")
    assert talk.do(SetSlot("email", "b@x.co")) == ["Change to email: b@x.co?"]
    assert talk.do(SetSlot("email", "c@x.co")) == ["Change to email: c@x.co?"], "it replaces the first"
    assert talk.write("yes") == ["Gold or Silver?"]
    assert talk.slot("email") == "c@x.co"
    talk.do(SetSlot("email", "d@x.co"))
    assert talk.write("no") == ["Gold or Silver?"]
    assert talk.slot("email") == "c@x.co"
    talk.do(SetSlot("email", "e@x.co"))
    talk.do(Cancel())
    assert talk.uttered[0] == "utter_flow_cancelled_rasa"
    assert talk.state.slots == {}


def test_nothing_asks_how_it_was_unless_a_pattern_links_there() -> None:
    talk = talking(
        "  pattern_completed:\n    steps:\n      - link: pattern_customer_satisfaction\n",
        domain="  utter_y: [{text: y}]\n",
    )
    talk.do(StartFlow("newsletter"))
    assert talk.write("a@x.co") == ["Subscribed a@x.co.", "How was it?"]
    assert talk.write("good") == ["Thank you, I am glad to hear it."]
    assert talk.state.stack == []
    assert talk.state.slots == {}


def test_the_patterns_speak_swahili() -> None:
    talk = talking(locale="sw")
    answering(talk)
    assert talk.write("ruka")[0] == "Ninahitaji jibu hili ili tuendelee. Unaweza pia kuandika *ghairi* ili kuacha."
    talk.later(hours=2)
    assert talk.do(CameBack(), CannotHandle())[0].startswith("Karibu tena!")


def test_a_link_to_the_hand_off_says_so() -> None:
    talk = talking()
    talk.do(StartFlow("survey"))
    assert talk.uttered[0] == "utter_human_handoff"
    assert any(isinstance(effect, HandOffRequested) for effect in talk.effects)
