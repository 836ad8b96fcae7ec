"""Coming back: after a silence, and to an earlier question by one of its old buttons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.flows import (
    ActionResult,
    CameBack,
    CannotHandle,
    Reopen,
    Resume,
    SessionStart,
    SetSlot,
    StartFlow,
    UserText,
    WaitFor,
    compile_flows,
    load_skill,
    session_rules,
)
from bot.flows.effects import Log
from tests.bot.flows.registration import DOMAIN, FILES, FLOWS
from tests.bot.flows.talk import Talk, compiled


@pytest.fixture
def talk() -> Talk:
    made = Talk(compiled(FLOWS, DOMAIN, **FILES), actions={"shop_register": lambda seen: ActionResult()})
    made.do(StartFlow("register"))
    for answer in ("Ann W", "ann@x.co", "Gold"):
        made.write(answer)
    assert made.asked == "lounge"
    return made


def step(talk: Talk, slot: str, flow: str = "shop:register") -> str:
    return next(
        each.id for each in talk.flows.flows[flow].steps if each.kind == "collect" and each.target == f"shop:{slot}"
    )


def old_tap(talk: Talk, slot: str, title: str, value: object = None, *, flow: str = "shop:register") -> list[str]:
    values = {} if value is None else {slot: value}
    return talk.do(Reopen(flow, step(talk, slot, flow), values, title))


# -- after a silence ------------------------------------------------------------------------------


def test_a_plain_answer_goes_on_as_if_nothing_had_been(talk: Talk) -> None:
    assert talk.do(CameBack(), SetSlot("lounge", True)) == ["How many seats?"]


def test_words_nobody_understands_are_met_by_where_we_were(talk: Talk) -> None:
    talk.do(CameBack(), CannotHandle())
    assert talk.uttered == ["utter_ask_welcome_back"]
    assert "registration" in talk.said[0]
    assert talk.write("yes") == ["Do you want the lounge?"]
    assert talk.state.stack[-1].attempts == 0, "it was no wrong answer"


def test_leaving_it_closes_it(talk: Talk) -> None:
    talk.do(CameBack(), CannotHandle())
    talk.tap("No, leave it")
    assert talk.uttered == ["utter_interrupted_flows_cancelled"]
    assert (talk.state.stack, talk.state.slots) == ([], {})


def test_the_waiting_answer_may_be_given_to_the_welcome(talk: Talk) -> None:
    talk.do(CameBack(), SetSlot("lounge", False))
    talk.later(hours=3)
    talk.do(CameBack(), CannotHandle())
    assert talk.write("4")[-1] == "Ann W, ann@x.co, Gold, 4: right?"


def test_free_text_after_a_silence_is_not_taken_for_a_name() -> None:
    made = Talk(compiled(FLOWS, DOMAIN))
    made.do(StartFlow("register"))
    made.do(CameBack(), UserText("is anybody there"))
    assert made.uttered == ["utter_ask_welcome_back"]
    assert made.slot("full_name") is None
    made.write("yes")
    assert made.write("Ann W") == ["Your e-mail?"]


def test_a_new_wish_after_a_silence_comes_first_and_then_the_offer_to_go_on(talk: Talk) -> None:
    talk.do(CameBack(), StartFlow("opening_hours"))
    assert talk.uttered == ["utter_hours", "utter_ask_continue_interrupted_flow_confirmation"]


def test_with_nothing_open_there_is_nothing_to_come_back_to() -> None:
    made = Talk(compiled(FLOWS, DOMAIN))
    made.do(CameBack(), CannotHandle())
    assert made.uttered == ["utter_ask_rephrase"]


def test_the_next_day_what_was_half_done_is_still_there_and_silent(talk: Talk) -> None:
    assert talk.do(SessionStart(keep=True)) == []
    assert talk.asked == "lounge"
    talk.do(CameBack(), CannotHandle())
    assert talk.uttered == ["utter_ask_welcome_back"]


def test_the_next_day_a_question_that_nobody_answered_is_closed() -> None:
    made = Talk(compiled(FLOWS, DOMAIN))
    made.do(StartFlow("register"))
    made.do(SessionStart(keep=True))
    assert made.state.stack == []


def test_a_new_session_in_the_manner_of_rasa_closes_everything(talk: Talk) -> None:
    talk.do(SessionStart())
    assert (talk.state.stack, talk.state.slots) == ([], {})
    assert [
        effect.detail["flow"] for effect in talk.effects if isinstance(effect, Log) and effect.kind == "flow_cancelled"
    ]


def test_what_is_due_outside_survives_the_night() -> None:
    flows = "flows: {pay: {description: Pays, steps: [{action: shop_pay}, {action: utter_paid}]}}"
    made = Talk(
        compiled(flows, "actions: [shop_pay]\nresponses: {utter_paid: [{text: Paid.}]}"),
        actions={"shop_pay": lambda seen: ActionResult(wait=WaitFor("paid", "k", timeout_s=999_999))},
    )
    made.do(StartFlow("pay"))
    made.do(SessionStart(keep=True))
    assert made.do(Resume("paid", "k"))[0] == "Paid."


# -- sessions -------------------------------------------------------------------------------------

KEPT = """
flows:
  profile:
    description: Asks for the language
    persisted_slots: [lang]
    steps:
      - collect: lang
"""
KEPT_DOMAIN = 'slots: {lang: {type: text}}\nresponses: {utter_ask_lang: [{text: "Which?"}]}\n'


@pytest.mark.parametrize(("carry_over", "kept"), [(True, "sw"), (False, None)])
def test_slots_are_carried_over_unless_the_session_says_no(carry_over: bool, kept: str | None) -> None:
    made = Talk(compiled(KEPT, KEPT_DOMAIN))
    made.do(StartFlow("profile"))
    made.do(UserText("sw"))
    made.do(SessionStart(carry_over=carry_over))
    assert made.slot("lang") == kept


def test_the_start_of_a_session_keeps_what_the_host_knows() -> None:
    made = Talk(compiled(KEPT, KEPT_DOMAIN))
    made.do(SessionStart(metadata={"referral": "ad-7"}))
    assert made.slot("session_started_metadata", "core") == {"referral": "ad-7"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("", (timedelta(hours=24), True)),
        ("session_config: {session_expiration_time: 30}", (timedelta(minutes=30), True)),
        ("session_config: {session_expiration_time: 0}", (None, True)),
        ("session_config: {carry_over_slots_to_new_session: false}", (timedelta(minutes=60), False)),
        ("session_config: {session_expiration_time: 5, start_session_after_expiry: false}", (None, True)),
    ],
)
def test_the_session_config_of_the_organization_counts(config: str, expected: tuple[timedelta | None, bool]) -> None:
    project = load_skill("project", {"flows.yml": KEPT, "domain.yml": KEPT_DOMAIN + config})
    rules = session_rules(compile_flows([project], organization="project"), default=timedelta(hours=24))
    assert rules[:2] == expected
    assert rules.is_own == bool(config)
    assert session_rules(compile_flows([project]), default=timedelta(hours=24))[:2] == (timedelta(hours=24), True)


# -- old buttons ----------------------------------------------------------------------------------


def test_an_old_option_asks_before_it_changes_the_answer(talk: Talk) -> None:
    [asked] = old_tap(talk, "tier", "Silver", "Silver")
    assert "*Silver*" in asked
    assert talk.slot("tier") == "Gold"
    assert talk.write("yes") == ["How many seats?"], "the branch of the new answer is taken"
    assert talk.slot("tier") == "Silver"


def test_declined_it_stays_as_it_was(talk: Talk) -> None:
    old_tap(talk, "tier", "Silver", "Silver")
    talk.tap("No, keep it")
    assert talk.uttered == ["utter_reopen_kept", "utter_ask_lounge"]
    assert talk.slot("tier") == "Gold"


def test_an_old_option_that_is_the_answer_already_changes_nothing(talk: Talk) -> None:
    old_tap(talk, "tier", "Gold", "gold")
    assert talk.uttered == ["utter_option_same", "utter_ask_lounge"]


def test_an_old_option_in_words_asks_that_question_again(talk: Talk) -> None:
    old_tap(talk, "email", "My e-mail")
    assert talk.uttered == ["utter_ask_reopen"]
    assert talk.write("yes") == ["Your e-mail?"]
    assert talk.write("new@x.co") == ["Do you want the lounge?"]


@pytest.mark.parametrize(
    ("flow", "at"), [("shop:register", "gone"), ("shop:newsletter", "0_collect_email"), ("nowhere:x", "y")]
)
def test_an_option_of_what_is_not_open_is_closed_kindly(talk: Talk, flow: str, at: str) -> None:
    talk.do(Reopen(flow, at, {"email": "x@x.co"}, "x"))
    assert talk.uttered == ["utter_option_closed", "utter_ask_lounge"]
    assert talk.slot("email") == "ann@x.co"


def test_an_option_of_a_finished_conversation_is_closed_kindly() -> None:
    made = Talk(compiled(FLOWS, DOMAIN))
    made.do(Reopen("shop:register", "x", {"tier": "Gold"}, "Gold"))
    assert made.uttered == ["utter_option_closed"]
    assert made.state.stack == []


def test_an_older_copy_of_the_open_question_is_closed_and_the_question_put_again(talk: Talk) -> None:
    talk.state.stack[-1].asked = 7  # as the host counts; the copy was shown at 3
    talk.do(Reopen("shop:register", step(talk, "lounge"), {"lounge": True}, "Yes", 3))
    assert talk.uttered == ["utter_option_closed", "utter_ask_lounge"]
    assert talk.slot("lounge") is None


def test_an_option_of_the_interrupted_question_answers_it_without_further_ado(talk: Talk) -> None:
    talk.do(StartFlow("opening_hours"))
    assert talk.uttered[-1] == "utter_ask_continue_interrupted_flow_confirmation"
    assert old_tap(talk, "lounge", "Yes", True) == ["How many seats?"]


def test_an_old_option_of_an_interrupted_flow_brings_that_flow_back(talk: Talk) -> None:
    talk.do(StartFlow("newsletter"))
    assert talk.asked == "email"
    old_tap(talk, "tier", "Silver", "Silver")
    assert talk.uttered == ["utter_ask_change"]
    assert talk.write("yes") == ["How many seats?"]
    assert talk.open_flows == ["newsletter", "register"]


def test_an_option_cannot_set_what_its_question_did_not_ask(talk: Talk) -> None:
    talk.do(Reopen("shop:register", step(talk, "tier"), {"email": "evil@x.co"}, "x"))
    assert talk.uttered[0] == "utter_option_closed"
    assert talk.slot("email") == "ann@x.co"


def test_back_from_the_confirmation_leaves_the_answer(talk: Talk) -> None:
    old_tap(talk, "tier", "Silver", "Silver")
    assert talk.write("back") == ["Do you want the lounge?"]
    assert talk.slot("tier") == "Gold"
