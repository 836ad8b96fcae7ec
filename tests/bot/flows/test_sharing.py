"""A set compiled beside another does what it would do alone, and holds only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.flows import Compiled, FlowState, StartFlow, UserText, View, advance, compile_beside, compile_flows, load_skill
from bot.flows.sharing import Layered

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
FILES = {
    "flows/a.yml": """\
flows:
  order:
    description: Orders
    words: {en: [order]}
    steps:
      - collect: count
      - noop: true
        next:
          - if: slots.count > 3
            then: [{action: utter_many, next: END}]
          - else: [{action: utter_few, next: END}]
  other:
    description: Another
    steps:
      - action: utter_few
""",
    "flows/b.yml": "flows:\n  hours:\n    description: Hours\n    steps:\n      - set_slots: [{open: true}]\n      - action: utter_hours\n",
    "domain.yml": """\
slots: {count: {type: float}, open: {type: any}}
responses:
  utter_ask_count: [{text: "How many?"}]
  utter_many: [{text: "Many, {count}."}]
  utter_few: [{text: "Few."}]
  utter_hours: [{text: "8 to 5"}]
""",
    "locales/sw.yml": 'responses:\n  utter_few: [{text: "Chache."}]\n',
}
SHIPPED = load_skill("shop", FILES)
BASE = compile_flows([SHIPPED])


def beside(**changed: str) -> tuple[Compiled, Compiled]:
    """(beside the shipped one, alone)."""
    files = FILES | changed
    source = load_skill("shop", files)
    return compile_beside(BASE, [SHIPPED], [source]), compile_flows([source])


def changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[file]
    return {file: FILES[file].replace(old, new)}


CHANGES: dict[str, dict[str, str]] = {
    "a text": changed("domain.yml", "How many?", "How much?"),
    "a translation": changed("locales/sw.yml", "Chache", "Kidogo"),
    "a condition": changed("flows/a.yml", "slots.count > 3", "slots.count > 5"),
    "true to 1": changed("flows/b.yml", "open: true", "open: 1"),
    "a flow taken away": {"flows/b.yml": "flows: {}\n"},
    "a flow more": {"flows/c.yml": "flows:\n  more:\n    description: More\n    steps: [{action: utter_few}]\n"},
    "a slot more, that a text names": {
        "domain.yml": FILES["domain.yml"].replace("open: {type: any}", "open: {type: any}, who: {type: text}"),
    },
    "another type": changed("domain.yml", "count: {type: float}", "count: {type: text}"),
    "words": changed("flows/a.yml", "[order]", "[buy, order]"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_says_what_it_would_say_alone(what: str) -> None:
    shared, alone = beside(**CHANGES[what])
    assert shared.content_hash == alone.content_hash != BASE.content_hash
    for each in fields(Compiled):
        mine, other = getattr(shared, each.name), getattr(alone, each.name)
        if isinstance(other, Mapping):
            assert set(mine) == set(other), each.name
            assert len(mine) == len(other), each.name
    for words, flow in (("5", "order"), ("4", "order"), ("2", "order"), ("", "hours"), ("", "other")):
        for locale in ("en", "sw"):
            assert said(shared, flow, words, locale) == said(alone, flow, words, locale)


def said(compiled: Compiled, flow: str, words: str, locale: str) -> Any:
    view = View(NOW, locale=locale)
    found: list[Any] = []
    step = advance(compiled, FlowState(), [StartFlow(f"shop:{flow}")], view)
    for _ in range(2 if words else 1):
        found += [(type(each).__name__, getattr(each, "text", "")) for each in step.effects]
        found.append(sorted(step.state.slots.items(), key=str))
        found.append([repr(value) for value in step.state.slots.values()])
        step = advance(compiled, step.state, [UserText(words)], view)
    return found


def test_a_text_of_ones_own_shares_every_flow() -> None:
    shared, _ = beside(**CHANGES["a text"])
    for name in ("flows", "slots", "scopes", "words", "examples", "intents", "initial", "entities", "synonyms"):
        assert getattr(shared, name) is getattr(BASE, name), name
    here = shared.responses[""]
    assert isinstance(here, Layered)
    assert [key for key in here if here[key] is not BASE.responses[""][key]] == ["shop:utter_ask_count"]
    assert shared.responses["sw"] is BASE.responses["sw"]


def test_a_changed_flow_shares_the_others() -> None:
    shared, _ = beside(**CHANGES["a condition"])
    assert [key for key in shared.flows if shared.flows[key] is not BASE.flows[key]] == ["shop:order"]
    assert shared.responses is BASE.responses


def test_kinds_that_are_equal_to_python_are_told_apart() -> None:
    shared, _ = beside(**CHANGES["true to 1"])
    assert shared.flows["shop:hours"] is not BASE.flows["shop:hours"]


def test_the_same_texts_are_the_same_set() -> None:
    assert beside()[0] is BASE
