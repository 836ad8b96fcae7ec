"""Sentences that no word or example explains: what they are like, what that starts, and what else was considered."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.understanding import hear, judge, product, utterances
from bot.flows import Cancel, CannotHandle, Clarify, FlowState, HandOff, SetSlot, StartFlow, UserText, View, advance
from bot.messages import Text
from bot.understand import Source, Understanding, interpret
from tests.bot.flows.talk import NOW, compiled

PRODUCT = product()
ASKING = compiled(
    """
flows:
  register:
    description: Registers
    words: [register]
    steps: [{collect: name}, {collect: email}, {collect: age}, {collect: sure}]
  tickets: {description: Tickets, steps: [{action: utter_no}]}
""",
    """
slots: {name: {type: text, accept: name}, email: {type: text, accept: email}, age: {type: float}, sure: {type: bool}}
responses: {utter_no: [{text: no}], utter_ask_name: [{text: q}], utter_ask_email: [{text: q}], utter_ask_age: [{text: q}], utter_ask_sure: [{text: q}]}
""",
    **{"nlu.yml": "nlu:\n  - flow: tickets\n    examples: [where are my tickets, show me my tickets, I lost my ticket, send my ticket again]\n"},
)  # fmt: skip


def asking(slot: str) -> FlowState:
    state = advance(ASKING, FlowState(), [StartFlow("register")], View(now=NOW)).state
    before = {"name": "Ann", "email": "ann@x.co", "age": 3.0}
    for name, value in before.items():
        if name == slot:
            break
        state = advance(ASKING, state, [SetSlot(name, value)], View(now=NOW)).state
    assert state.pending is not None
    assert state.pending.slot == f"shop:{slot}"
    return state


def read(text: str, asked: str | None = None, **options: Any) -> Understanding:
    state = asking(asked) if asked else FlowState()
    return interpret(Text(text=text), state, ASKING, locale="en", now=NOW, **options)


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("please show me where my tickets are", "name", [StartFlow("shop:tickets")]),  # a question is no name
        ("I want to cancel", "name", [Cancel()]),
        ("nataka kughairi", "name", [Cancel()]),
        ("I want to talk to a person", "name", [HandOff()]),
        ("can I talk to someone", "age", [HandOff()]),
        ("Amina Wanjiru Otieno", "name", [SetSlot("shop:name", "Amina Wanjiru Otieno")]),
        ("my tickets are 3", "age", [SetSlot("shop:age", 3.0)]),  # short: an answer
        ("what does it cost to come there?", "name", [CannotHandle("")]),
    ],
)
def test_a_clear_wish_leaves_the_open_question_and_an_answer_does_not(
    text: str, asked: str, expected: list[Any]
) -> None:
    assert read(text, asked).commands == expected


def test_the_losers_are_kept_with_the_reason() -> None:
    found = read("tickets show", trace=True)
    assert found.commands == [StartFlow("shop:tickets")]
    lost = read("kindly cancel", "name", trace=True).to_json()["considered"]
    assert lost[0] == {"command": "Cancel", "source": "global", "confidence": 1.0, "span": [7, 13]}
    assert {"command": "SetSlot", "slot": "shop:name", "source": "slot", "confidence": 0.9, "span": [0, 13],
            "lost": "global counts before slot"} in lost  # fmt: skip


def test_nothing_that_a_person_wrote_is_kept_in_the_trace() -> None:
    kept = str(read("it is ann.secret@x.co", "email", trace=True).to_json())
    assert "shop:email" in kept
    assert "secret" not in kept


def test_what_the_words_explain_needs_no_vector() -> None:
    assert not read("register").unsure
    assert not read("yes", "sure").unsure
    assert read("kindly look whether something of mine is there").unsure


def test_too_little_lead_is_a_question_which_was_meant() -> None:
    choices = [
        found for each in utterances("fit") if isinstance((found := hear(each.text, PRODUCT).commands[0]), Clarify)
    ]
    assert choices
    assert all(1 <= len(choice.flows) <= 3 for choice in choices)


def test_offline_and_without_a_model_most_wishes_of_the_product_are_met_and_few_are_met_wrongly() -> None:
    score = judge([(each, hear(each.text, PRODUCT)) for each in utterances("test")])
    assert score.right >= 0.68
    assert score.wrong < 0.03


def test_the_halves_share_no_wording_with_each_other_nor_the_test_half_with_what_skills_know() -> None:
    from bot.flows.words import normalise
    from bot.understand import examples_of

    known = {example.text for example in examples_of(PRODUCT)}
    fit, test = ({normalise(each.text) for each in utterances(half)} for half in ("fit", "test"))
    assert not fit & test
    assert not test & known
    assert len(fit) + len(test) >= 240


def test_free_text_stays_free_text() -> None:
    free = compiled(
        "flows:\n  f: {description: x, words: [f], steps: [{collect: t}]}",
        "slots: {t: {type: text}}\nresponses: {utter_ask_t: [{text: q}]}",
    )
    state = advance(free, FlowState(), [StartFlow("f")], View(now=NOW)).state
    found = interpret(Text(text="the food was good and the music loud"), state, free, locale="en", now=NOW)
    assert found.commands == [UserText("the food was good and the music loud")]
    assert found.considered[0].source is Source.SLOT
