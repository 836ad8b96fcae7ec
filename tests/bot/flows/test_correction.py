"""Changing an earlier answer: back to the earliest question it touches, and no further."""

from __future__ import annotations

import pytest

from bot.flows import ActionResult, SetSlot, StartFlow
from tests.bot.flows.registration import DOMAIN, FLOWS
from tests.bot.flows.talk import Talk, compiled


@pytest.fixture
def talk() -> Talk:
    made = Talk(compiled(FLOWS, DOMAIN), actions={"shop_register": lambda seen: ActionResult()})
    made.do(StartFlow("shop:register"))
    for answer in ("Ann W", "ann@x.co", "Gold", "yes"):
        made.write(answer)
    assert made.asked == "seats"
    return made


def test_a_corrected_value_is_confirmed_and_the_open_question_put_again(talk: Talk) -> None:
    assert talk.do(SetSlot("email", "new@x.co")) == ["Changed: email: new@x.co.", "How many seats?"]
    assert talk.slot("email") == "new@x.co"


def test_a_corrected_value_is_checked_like_any_other(talk: Talk) -> None:
    said = talk.do(SetSlot("email", "broken"))
    assert said == ["Changed: email: broken.", "broken is no e-mail.", "Your e-mail?"]
    assert talk.write("good@x.co") == ["How many seats?"]


def test_a_correction_at_the_confirmation_asks_to_confirm_again(talk: Talk) -> None:
    talk.write("2")
    assert talk.asked == "ok"
    assert talk.do(SetSlot("seats", 3))[-1] == "Ann W, ann@x.co, Gold, 3: right?"


def test_answer_and_correction_in_one_message(talk: Talk) -> None:
    said = talk.do(SetSlot("seats", 2), SetSlot("email", "new@x.co"))
    assert said[-1] == "Ann W, new@x.co, Gold, 2: right?"


def test_an_impossible_answer_with_a_correction_does_not_jump_past_the_open_question(talk: Talk) -> None:
    said = talk.do(SetSlot("email", "new@x.co"), SetSlot("seats", 99))
    assert said[-2:] == ["Between 1 and 9.", "How many seats?"]


def test_a_branch_taken_on_the_old_value_is_taken_anew(talk: Talk) -> None:
    talk.do(SetSlot("tier", "Silver"))
    assert talk.asked == "seats"
    talk.do(SetSlot("tier", "Gold"))
    assert talk.asked == "lounge", "its answer lay on the abandoned branch"


def test_an_answer_on_the_abandoned_branch_is_kept_until_it_is_asked_again(talk: Talk) -> None:
    talk.do(SetSlot("tier", "Silver"))
    assert talk.slot("lounge") is True


def test_answers_behind_the_branch_stay(talk: Talk) -> None:
    talk.write("2")
    talk.do(SetSlot("tier", "Silver"))
    assert talk.asked == "ok"
    assert talk.slot("seats") == 2


def test_the_same_value_again_is_no_correction(talk: Talk) -> None:
    assert talk.do(SetSlot("tier", "gold")) == ["How many seats?"]


def test_a_value_after_a_rejected_one_is_no_correction(talk: Talk) -> None:
    assert talk.do(SetSlot("seats", 12)) == ["Between 1 and 9.", "How many seats?"]
    assert talk.do(SetSlot("seats", 3)) == ["Ann W, ann@x.co, Gold, 3: right?"]


def test_a_value_given_ahead_skips_its_question(talk: Talk) -> None:
    fresh = Talk(talk.flows)
    fresh.do(StartFlow("shop:register"), SetSlot("email", "a@x.co"), SetSlot("seats", 2))
    assert fresh.asked == "full_name"
    assert fresh.write("Ann W") == ["Gold or Silver?"]
    assert fresh.write("silver") == ["Ann W, a@x.co, Silver, 2: right?"]


def test_a_value_given_ahead_and_changed_before_its_question_does_not_move_the_flow() -> None:
    talk = Talk(compiled(FLOWS, DOMAIN))
    talk.do(StartFlow("shop:register"), SetSlot("seats", 2))
    assert talk.do(SetSlot("seats", 4)) == ["Changed: seats: 4.", "What is your name?"]


def test_cancel_after_a_correction_cancels_the_flow(talk: Talk) -> None:
    talk.do(SetSlot("email", "new@x.co"))
    assert talk.write("cancel")[0] == "Okay, I have stopped: registration."
    assert talk.state.slots == {}


CALLS = """
flows:
  parent:
    description: Orders something
    steps:
      - collect: item
      - call: address
      - collect: note
  address:
    description: Asks for the address
    if: false
    steps:
      - collect: town
      - collect: street
"""
CALLS_DOMAIN = """
slots: {item: {type: text}, town: {type: text}, street: {type: text}, note: {type: text}}
responses:
  utter_ask_item: [{text: "Item?"}]
  utter_ask_town: [{text: "Town?"}]
  utter_ask_street: [{text: "Street?"}]
  utter_ask_note: [{text: "Note?"}]
"""


def ordering(*answers: str) -> Talk:
    talk = Talk(compiled(CALLS, CALLS_DOMAIN))
    talk.do(StartFlow("parent"))
    for answer in answers:
        talk.write(answer)
    return talk


def test_slots_of_a_called_flow_stay_correctable_after_it_has_ended() -> None:
    talk = ordering("bread", "Nakuru", "Main St")
    assert talk.asked == "note"
    assert talk.do(SetSlot("town", "Kisumu")) == ["Changed: town: Kisumu.", "Note?"]
    assert talk.slot("street") == "Main St"


def test_going_back_enters_the_called_flow_again() -> None:
    talk = ordering("bread", "Nakuru", "Main St")
    assert talk.write("back") == ["Street?"]
    assert talk.open_flows == ["parent", "address"]
    assert talk.write("back") == ["Town?"]
    assert talk.write("back") == ["Item?"]
    assert talk.open_flows == ["parent"]
    assert talk.write("milk") == ["Town?"]


def test_slots_of_a_called_flow_can_be_given_before_it_starts() -> None:
    talk = ordering()
    talk.do(SetSlot("town", "Nakuru"))
    assert talk.write("bread") == ["Street?"]


def test_called_slots_are_reset_when_the_parent_ends_and_not_before() -> None:
    talk = ordering("bread", "Nakuru", "Main St")
    assert talk.slot("town") == "Nakuru"
    talk.write("none")
    assert talk.state.slots == {}


def test_cancel_inside_a_called_flow_cancels_its_parent() -> None:
    talk = ordering("bread")
    assert talk.write("cancel")[0] == "Okay, I have stopped: parent."
    assert talk.state.stack == []


def test_end_in_a_called_flow_returns_to_the_parent() -> None:
    flows = CALLS.replace("      - collect: town\n", "      - collect: town\n        next: END\n")
    talk = Talk(compiled(flows, CALLS_DOMAIN))
    talk.do(StartFlow("parent"))
    talk.write("bread")
    assert talk.write("Nakuru") == ["Note?"]
