"""How people sound, and that somebody angry is offered a person."""

from __future__ import annotations

import pytest

from bot.flows import CannotHandle, FlowState, HandOff, OfferPerson
from bot.messages import Text
from bot.understand import Understanding, interpret
from tests.bot.flows.talk import NOW, Talk, compiled

FLOWS = compiled(
    """
flows:
  order:
    description: Orders
    words: [order]
    run_pattern_completed: false
    steps: [{collect: amount}, {action: utter_done}]
""",
    """
slots: {amount: {type: float}}
responses: {utter_done: [{text: done}], utter_ask_amount: [{text: How many?}]}
""",
)


def heard(text: str) -> Understanding:
    return interpret(Text(text=text), FlowState(), FLOWS, locale="en", now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "you are thieves, you stole my money", "This is useless", "NOBODY ANSWERS!! terrible service", "nyinyi ni wezi",
        "mmenikasirisha sana", "huduma mbovu sana, mnanipotezea muda", "bure kabisa", "😡😡", "wakora nyinyi",
    ],
)  # fmt: skip
def test_angry_people_are_offered_a_person(text: str) -> None:
    found = heard(text)
    assert found.mood.angry
    assert found.mood.score <= -0.6
    assert OfferPerson() in found.commands
    assert CannotHandle("") not in found.commands


@pytest.mark.parametrize(
    "text",
    [
        "hello", "cancel", "I lost my ticket", "there is a small problem with my order", "not bad", "tiketi yangu imepotea",
        "nimechoka sana leo", "this is not a scam, right?", "order", "nina shida kidogo", "I am late",
    ],
)  # fmt: skip
def test_others_are_not(text: str) -> None:
    assert not heard(text).mood.angry


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("asante sana, nimefurahi", 0.5, 1), ("great, thank you so much", 0.5, 1), ("poa", 0.1, 0.6), ("ok", 0, 0),
        ("it is a bit slow", -0.6, -0.1), ("not good", -0.6, -0.01), ("mbaya sana", -1, -0.3), ("❤", 0.1, 1),
    ],
)  # fmt: skip
def test_scores(text: str, low: float, high: float) -> None:
    assert low <= heard(text).mood.score <= high


def test_who_asks_for_a_person_gets_one_and_no_offer() -> None:
    assert heard("useless, I want to talk to a person").commands.count(HandOff()) <= 1
    talk = Talk(FLOWS)
    assert talk.write("you are useless thieves") == [
        "I am sorry that this is going badly. Would you rather talk to a person?"
    ]
    assert talk.buttons == ["Talk to a person"]


def test_what_an_angry_person_answers_counts_all_the_same() -> None:
    talk = Talk(FLOWS, locale="sw")
    talk.write("order")
    said = talk.write("2, na nyinyi ni wezi!")
    assert said == ["Samahani kwa usumbufu huu. Ungependa kuzungumza na mtu?", "done"]
    assert talk.logged("flow_completed")


def test_the_mood_is_kept_with_the_message_and_no_word_of_it() -> None:
    kept = heard("useless! ann@x.co").to_json()
    assert kept["mood"]["angry"] is True
    assert "ann" not in str(kept)
