"""Lookup tables, regular expressions, synonyms and marked examples fill the slots that are mapped to them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.flows import (
    Command,
    Compiled,
    FlowState,
    SetSlot,
    StartFlow,
    UserText,
    View,
    advance,
    compile_flows,
    load_skill,
)
from bot.messages import Text
from bot.understand import understand
from tests.bot.flows.talk import NOW

DOMAIN = """
slots:
  seats: {type: float}
  day: {type: text, accept: date}
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  origin: {type: text, mappings: [{type: from_entity, entity: station}]}
  goal: {type: text, mappings: [{type: from_entity, entity: station}]}
  code: {type: text, mappings: [{type: controlled}, {type: from_entity, entity: code}]}
  wants: {type: bool, mappings: [{type: from_intent, intent: sure, value: true}, {type: from_intent, intent: never, value: false}]}
  note: {type: text, mappings: [{type: from_text, not_intent: sure}]}
  name: {type: text}
responses: {%s}
"""
ASKED = ("city", "seats", "day", "name", "origin", "goal", "code", "wants", "note")
VALUES: dict[str, Any] = {"seats": 2.0, "wants": True}
FLOWS = """
flows:
  book: {description: Books seats, steps: [%s]}
  ride:
    description: Another one
    steps: [{set_slots: [{code: null}]}, {collect: seats}]
"""
NLU = r"""
nlu:
- flow: book
  examples: [book seats, I want seats please, "seats to [Coast](city:Mombasa)"]
- intent: sure
  examples: [by all means, gladly]
- intent: never
  examples: [not in a hundred years]
- synonym: Dar es Salaam
  examples: [bongo]
- lookup: city
  examples: [Nairobi, Dar es Salaam]
- lookup: station
  examples: [Central, Airport]
- regex: code
  examples:
  - '[A-Z]{3}-\d{2}'
"""


@pytest.fixture(scope="module")
def trips() -> Compiled:
    files = {
        "domain.yml": DOMAIN % ", ".join(f"utter_ask_{slot}: [{{text: {slot}}}]" for slot in ASKED),
        "flows.yml": FLOWS % ", ".join(f"{{collect: {slot}}}" for slot in ASKED),
        "nlu.yml": NLU,
    }
    source = load_skill("shop", files)
    made = compile_flows([source])
    assert [str(each) for each in (*source.diagnostics, *made.diagnostics) if each.severity == "error"] == []
    return made


def at(trips: Compiled, slot: str, **slots: Any) -> FlowState:
    """Where the flow asks for the slot."""
    given = {name: slots.get(name, VALUES.get(name, "x")) for name in ASKED[: ASKED.index(slot)]}
    state = FlowState(slots={f"shop:{name}": value for name, value in given.items()})
    state = advance(trips, state, [StartFlow("book")], View(now=NOW)).state
    assert state.pending is not None
    assert state.pending.slot == f"shop:{slot}"
    return state


def meant(trips: Compiled, text: str, state: FlowState | None = None) -> dict[str, Any]:
    found = understand(Text(text=text), state or FlowState(), trips, locale="en", now=NOW)
    return {_name(each): getattr(each, "value", getattr(each, "text", None)) for each in found}


def _name(command: Command) -> str:
    return command.name.partition(":")[2] if isinstance(command, SetSlot) else type(command).__name__


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("I want two seats please, to Nairobi for Friday", {"city": "Nairobi", "seats": 2, "day": "2026-11-06"}),
        ("seats please, to bongo", {"city": "Dar es Salaam"}),
        ("book seats please, code abc-12", {"code": "abc-12"}),
        ("I want seats to the coast", {"city": "Mombasa"}),
        ("I want seats to Kisumu please", {}),
        ("I want seats to the Airport please", {}),
    ],
    ids=["several", "synonym", "regex", "marked example", "not in the table", "two slots could take it"],
)
def test_entities_come_along_with_the_wish(trips: Compiled, text: str, values: dict[str, Any]) -> None:
    assert meant(trips, text) == {"StartFlow": None, **values}


@pytest.mark.parametrize(
    ("slot", "text", "values"),
    [
        ("city", "well, nairobi I think", {"city": "Nairobi"}),
        ("city", "Kisumu", {"UserText": "Kisumu"}),
        ("origin", "from the airport, Sir", {"origin": "Airport"}),
        ("code", "it says ABC-12 here", {"code": "ABC-12"}),
        ("wants", "gladly", {"wants": True}),
        ("wants", "not in a hundred years", {"wants": False}),
        ("wants", "yes", {"wants": True}),
        ("note", "leave it at the Airport", {"UserText": "leave it at the Airport"}),
    ],
)
def test_an_entity_or_an_intent_answers_its_question(
    trips: Compiled, slot: str, text: str, values: dict[str, Any]
) -> None:
    assert meant(trips, text, at(trips, slot)) == values


def test_an_entity_elsewhere_in_an_answer_corrects_what_was_said_of_it(trips: Compiled) -> None:
    at_seats = at(trips, "seats", city="Nairobi")
    assert meant(trips, "two, and to Dar es Salaam", at_seats) == {"seats": 2, "city": "Dar es Salaam"}
    assert meant(trips, "two to Nairobi", at_seats) == {"seats": 2}


def test_a_free_answer_fills_what_is_open_and_corrects_nothing(trips: Compiled) -> None:
    state = at(trips, "name", city="Nairobi")
    assert meant(trips, "Ann of bongo, ABC-12", state) == {"UserText": "Ann of bongo, ABC-12", "code": "ABC-12"}


def test_where_only_entities_count_other_words_are_no_answer(trips: Compiled) -> None:
    state = at(trips, "code")
    for command in (UserText("whatever"), *understand(Text(text="whatever"), state, trips, locale="en", now=NOW)):
        assert advance(trips, state, [command], View(now=NOW)).state.slots.get("shop:code") is None
    for text in ("/SetSlots(code=ABC-12)", '/book{"code": "ABC-12"}'):
        typed = understand(Text(text=text), state, trips, locale="en", now=NOW)
        assert advance(trips, state, typed, View(now=NOW)).state.slots.get("shop:code") is None


def test_a_flow_is_told_what_it_only_sets(trips: Compiled) -> None:
    wish = [StartFlow("ride"), SetSlot("shop:code", "ABC-12", "nlu")]
    step = advance(trips, FlowState(), wish, View(now=NOW))
    assert [each for each in step.effects if "dropped" in str(each)] == []
    assert step.state.slots.get("shop:code") is None  # its own first step empties it
