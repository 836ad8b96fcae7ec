"""What may be wished for, and which wishes of a message count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.flows import (
    ActionResult,
    Cancel,
    CannotHandle,
    ChitChat,
    Clarify,
    Command,
    Error,
    HandOff,
    HandOffRequested,
    Knowledge,
    Repeat,
    SetSlot,
    SkipQuestion,
    StartFlow,
    Unsure,
    UserText,
    View,
)
from tests.bot.flows.registration import DOMAIN, FILES, FLOWS
from tests.bot.flows.talk import Talk, compiled

FORCED = """
  note:
    description: Takes a note as it is written
    steps:
      - collect: note
        force_slot_filling: true
        rejections: [{if: "slots.note matches '^no'", utter: utter_bad_seats}]
  vip:
    description: For guests with a lounge
    if: slots.lounge
    steps: [{action: utter_hours}]
"""


class Choosy(Talk):
    """Asks which, when a message wishes for several things."""

    @property
    def view(self) -> View:
        return replace(super().view, clarify_starts=True)


def talking(kind: type[Talk] = Talk) -> Talk:
    domain = DOMAIN.replace(
        "  ok: {type: bool}",
        "  ok: {type: bool}\n  note: {type: text}\n  code: {type: text, mappings: [{type: controlled}]}",
    )
    domain += '  utter_ask_note: [{text: "Note?"}]\n  utter_ask_code: [{text: "Code?"}]\n'
    return kind(compiled(FLOWS + FORCED, domain, **FILES), actions={"shop_register": lambda seen: ActionResult()})


# The eleven of the format; each says something, whatever is open.
ELEVEN: list[Command] = [
    StartFlow("register"),
    SetSlot("full_name", "Ann W"),
    Cancel(),
    Clarify(("register", "newsletter")),
    ChitChat(),
    Knowledge("what"),
    HandOff(),
    SkipQuestion(),
    Repeat(),
    CannotHandle(),
    Error("x"),
]


@pytest.mark.parametrize("command", ELEVEN, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("is_open", [False, True])
def test_each_is_answered(command: Command, is_open: bool) -> None:
    talk = talking()
    if is_open:
        talk.do(StartFlow("newsletter"))
    assert talk.do(command)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (StartFlow("nowhere"), "unknown flow"),
        (StartFlow("core:pattern_completed"), "unknown flow"),
        (StartFlow("vip"), "guard"),
        (SetSlot("nothing", 1), "unknown slot"),
        (SetSlot("code", "x"), "controlled slot"),
        (SetSlot("note", "x"), "no running flow asks for it"),
    ],
)
def test_what_cannot_be_is_dropped_and_the_question_put_again(command: Command, reason: str) -> None:
    talk = talking()
    talk.do(StartFlow("register"))
    assert talk.do(command)[-1] == "What is your name?"
    assert [each["reason"] for each in talk.logged("command_dropped")] == [reason]


def test_of_two_values_for_one_slot_the_last_counts() -> None:
    talk = talking()
    talk.do(StartFlow("register"), SetSlot("email", "old@x.co"), SetSlot("shop:email", "new@x.co"))
    assert talk.slot("email") == "new@x.co"
    assert talk.asked == "full_name", "it is no correction"


def test_several_wishes_run_in_the_order_said() -> None:
    talk = talking()
    assert talk.do(StartFlow("opening_hours"), StartFlow("newsletter")) == ["From 9 to 5.", "Your e-mail?"]


def test_several_wishes_are_clarified_where_that_is_set() -> None:
    talk = talking(Choosy)
    talk.do(StartFlow("opening_hours"), StartFlow("newsletter"))
    assert talk.uttered == ["utter_clarification_options_rasa"]
    assert talk.buttons == ["opening hours", "newsletter"]
    assert talk.tap("newsletter") == ["Your e-mail?"]


def test_one_wish_is_not_clarified() -> None:
    assert talking(Choosy).do(StartFlow("newsletter"), SetSlot("tier", "Gold")) == ["Your e-mail?"]


def test_a_forced_question_hears_nothing_but_its_answer() -> None:
    talk = talking()
    talk.do(StartFlow("note"))
    talk.do(HandOff(), StartFlow("newsletter"))
    assert talk.asked == "note"
    assert [each["reason"] for each in talk.logged("command_dropped")] == ["force_slot_filling"] * 2
    talk.write("cancel")
    assert talk.state.stack == [], "the word was the answer"
    assert not talk.logged("flow_cancelled")


@pytest.mark.parametrize("way_out", [HandOff(), Cancel()])
def test_a_forced_question_that_was_refused_too_often_lets_go(way_out: Command) -> None:
    talk = talking()
    talk.do(StartFlow("note"))
    for _ in range(3):
        talk.write("no")
    assert "utter_offer_person" in talk.uttered
    talk.do(way_out)
    assert any(isinstance(effect, HandOffRequested) for effect in talk.effects) or talk.state.stack == []


def test_a_refused_answer_ends_at_a_person_and_not_in_a_circle() -> None:
    talk = talking()
    talk.do(StartFlow("newsletter"))
    heard = []
    for _ in range(6):
        talk.do(CannotHandle())
        heard.append((talk.uttered, any(isinstance(effect, HandOffRequested) for effect in talk.effects)))
    assert heard[0][0] == ["utter_expect_email", "utter_ask_email"]
    assert heard[1][0] == ["utter_hint_email", "utter_ask_email"]
    assert heard[2][0] == heard[3][0] == ["utter_offer_person", "utter_ask_email"]
    assert heard[4] == (["utter_human_handoff"], True)
    assert heard[5][0][-1] == "utter_ask_email", "whoever goes on is still heard"


def test_without_a_question_too_help_grows() -> None:
    talk = talking()
    heard = []
    for _ in range(5):
        talk.do(CannotHandle())
        heard.append(talk.uttered)
    assert heard[0] == ["utter_ask_rephrase"]
    assert heard[1] == ["utter_ask_rephrase_again"]
    assert heard[2] == ["utter_ask_person"]
    assert heard[4] == ["utter_human_handoff"]
    talk.do(StartFlow("opening_hours"))
    talk.do(CannotHandle())
    assert talk.uttered == ["utter_ask_rephrase"], "what was understood in between begins anew"


def test_whoever_does_not_know_is_helped_twice_and_then_offered_a_way_out() -> None:
    talk = talking()
    talk.do(StartFlow("register"))
    for _ in range(2):
        talk.do(Unsure())
        assert talk.uttered == ["utter_unsure", "utter_ask_full_name"]
    talk.do(Unsure())
    assert talk.uttered == ["utter_offer_person", "utter_ask_full_name"]
    talk.do(Cancel())
    talk.do(Unsure())
    assert talk.uttered == ["utter_ask_rephrase"], "nothing is asked that one could be unsure of"


def test_help_in_the_middle_explains_the_question() -> None:
    talk = talking()
    talk.do(StartFlow("register"))
    for answer in ("Ann W", "ann@x.co"):
        talk.write(answer)
    talk.write("help")
    assert talk.uttered == ["utter_hint_options", "utter_help_words", "utter_ask_tier"]
    assert talk.write("msaada")[-1] == "Gold or Silver?"
    assert talk.asked == "tier"


def test_free_words_answer_and_the_same_words_elsewhere_do_not() -> None:
    talk = talking()
    talk.do(UserText("Ann W"))
    assert talk.uttered == ["utter_ask_rephrase"]
