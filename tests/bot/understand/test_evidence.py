"""Each reading tells on which characters of the text it rests."""

from __future__ import annotations

from typing import Any

import pytest

from bot.flows import Command, FlowState, SetSlot, StartFlow, View, advance
from bot.messages import Text
from bot.understand import interpret
from tests.bot.flows.talk import NOW, compiled

ASKED = {
    "email": "{type: text, accept: email}",
    "name": "{type: text, accept: name}",
    "phone": "{type: text, accept: phone}",
    "day": "{type: text, accept: date}",
    "hour": "{type: text, accept: time}",
    "start": "{type: text, accept: datetime}",
    "price": "{type: text, accept: amount}",
    "seats": "{type: float}",
    "tier": "{type: categorical, values: [gold, silver]}",
    "city": "{type: text, mappings: [{type: from_entity, entity: city}]}",
    "sure": "{type: bool}",
}
FLOWS = compiled(
    "flows:\n"
    + "".join(f"  ask_{name}: {{description: x, if: false, steps: [{{collect: {name}}}]}}\n" for name in ASKED)
    + "  book: {description: Books, words: [book it], steps: [{collect: seats}, {collect: day}, {collect: city}]}\n",
    "slots: {"
    + ", ".join(f"{name}: {kind}" for name, kind in ASKED.items())
    + "}\nresponses: {"
    + ", ".join(f"utter_ask_{name}: [{{text: q}}]" for name in ASKED)
    + "}\n",
    **{
        "nlu.yml": "nlu:\n- lookup: city\n  examples: [Dar es Salaam]\n- flow: book\n  examples: [I want to book seats please]\n"
    },
)


def at(slot: str) -> FlowState:
    return advance(FLOWS, FlowState(), [StartFlow(f"ask_{slot}", forced=True)], View(now=NOW)).state


def evidence(text: str, state: FlowState) -> dict[str, str]:
    found = interpret(Text(text=text), state, FLOWS, locale="en", now=NOW)
    return {_name(each.command): text[slice(*each.span)] for each in found.considered if not each.lost}


def _name(command: Command) -> Any:
    return command.name.partition(":")[2] if isinstance(command, SetSlot) else type(command).__name__


@pytest.mark.parametrize(
    ("slot", "text", "stands"),
    [
        ("email", "it is ann@example.com, thanks", "ann@example.com"),
        ("name", "my name is Ann Njeri", "Ann Njeri"),
        ("phone", "call me on 0712 345 678 please", "0712 345 678"),
        ("day", "maybe on the 5th of December", "5th of December"),
        ("hour", "let us say 14:30 then", "14:30"),
        ("start", "come tomorrow at 14:30 then", "tomorrow at 14:30"),
        ("price", "I pay KES 500 for it", "KES 500"),
        ("seats", "we are 4 people", "4"),
        ("seats", "we are four people", "four"),
        ("tier", "Gold for me please", "Gold"),
        ("city", "to dar-es-salaam, Sir", "dar-es-salaam"),
        ("sure", "yes of course", "yes of course"),
    ],
)
def test_a_value_rests_on_the_words_it_was_read_from(slot: str, text: str, stands: str) -> None:
    assert evidence(text, at(slot)) == {slot: stands}


def test_values_of_a_wish_rest_on_their_own_words() -> None:
    found = evidence("I want to book two seats please, for Friday to Dar es Salaam", FlowState())
    assert {name: found[name] for name in ("seats", "day", "city")} == {
        "seats": "two",
        "day": "Friday",
        "city": "Dar es Salaam",
    }


def test_words_rest_on_themselves_without_politeness() -> None:
    assert evidence("Book it, please!", FlowState()) == {"StartFlow": "Book it"}
