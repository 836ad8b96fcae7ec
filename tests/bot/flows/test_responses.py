"""Which variation is said, in which language, with which values."""

from __future__ import annotations

from typing import Any

import pytest

from bot.flows import FlowState, Say, StartFlow, View, advance
from tests.bot.flows.talk import NOW, Talk, compiled


def say(variations: str, *, slots: dict[str, Any] | None = None, view: View | None = None) -> Say:
    flows = "flows: {f: {description: x, run_pattern_completed: false, steps: [{action: utter_x}]}}"
    domain = (
        "slots: {name: {type: text}, seats: {type: float}, vip: {type: bool}, tags: {type: list}}\nresponses:\n  utter_x:\n"
        + variations
    )
    made = compiled(flows, domain)
    state = FlowState(slots={f"shop:{key}": value for key, value in (slots or {}).items()})
    step = advance(made, state, [StartFlow("f")], view or View(now=NOW, contact={"name": "Ann"}))
    return next(effect for effect in step.effects if isinstance(effect, Say))


ORDER = """
    - text: plain
    - text: vip
      condition: slots.vip
    - text: console
      channel: console
    - text: vip on console
      condition: slots.vip
      channel: console
"""


@pytest.mark.parametrize(
    ("vip", "channel", "expected"),
    [
        (True, "console", "vip on console"),
        (False, "console", "console"),
        (True, "whatsapp", "vip"),
        (False, "whatsapp", "plain"),
    ],
)
def test_the_order_of_selection(vip: bool, channel: str, expected: str) -> None:
    assert say(ORDER, slots={"vip": vip}, view=View(now=NOW, channel=channel)).text == expected


def test_the_old_list_of_conditions_compares_types_too() -> None:
    old = "    - text: three\n      condition: [{type: slot, name: name, value: '3'}]\n    - text: other\n"
    assert say(old, slots={"name": "3"}).text == "three"
    assert say(old.replace("'3'", "3"), slots={"name": "3"}).text == "other"


def test_variations_are_chosen_by_the_seed_and_all_are_reached() -> None:
    three = "    - text: a\n    - text: b\n    - text: c\n"
    texts = [say(three, view=View(now=NOW, seed=seed)).text for seed in range(40)]
    assert set(texts) == {"a", "b", "c"}
    assert texts == [say(three, view=View(now=NOW, seed=seed)).text for seed in range(40)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name} has {seats}", "Bo has 3"),
        ("{{literal}} {name}", "{literal} Bo"),
        ("Hi {contact.name}{contact.nick}!", "Hi Ann!"),
        ("[{vip}]", "[]"),
        ("tags: {tags}", "tags: a, b"),
        ('{"json": 1}', '{"json": 1}'),
    ],
)
def test_interpolation_never_prints_none(text: str, expected: str) -> None:
    slots = {"name": "Bo", "seats": 3.0, "tags": ["a", "b"]}
    assert say(f"    - text: '{text}'\n", slots=slots).text == expected


def test_a_missing_value_is_noted() -> None:
    made = Talk(
        compiled(
            "flows: {f: {description: x, steps: [{action: utter_x}]}}",
            "slots: {name: {type: text}}\nresponses: {utter_x: [{text: 'Hi {name}'}]}",
        )
    )
    made.do(StartFlow("f"))
    assert made.logged("missing_value")[0]["names"] == ("name",)


def test_jinja_where_it_is_asked_for() -> None:
    text = '    - text: "{% if slots.vip %}Dear {% endif %}{{ slots.name | upper }}{{ slots.nothing.at.all }}"\n      metadata: {template: jinja}\n'
    assert say(text, slots={"vip": True, "name": "Bo"}).text == "Dear BO"


@pytest.mark.parametrize(
    "text",
    [
        "{{ slots.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{% for i in range(1000000) %}xxxxxxxxxx{% endfor %}",
        "{{ 1 / 0 }}",
        "{{ contact.update({'name': 'x'}) }}",
    ],
)
def test_jinja_is_kept_in_its_sandbox(text: str) -> None:
    assert say(f'    - text: "before {text}"\n      metadata: {{template: jinja}}\n').text in ("", "before ")


def test_buttons_images_and_custom_are_filled_too() -> None:
    said = say(
        """
    - text: t
      image: "https://x.co/{name}.png"
      buttons: [{title: "For {name}", payload: "/SetSlots(name={name})", description: "d {seats}"}, {title: Only title}]
      custom: {kind: card, lines: ["{name}", 3]}
""",
        slots={"name": "Bo", "seats": 2.0},
    )
    assert said.image == "https://x.co/Bo.png"
    assert [(b.title, b.payload, b.description) for b in said.buttons] == [
        ("For Bo", "/SetSlots(name=Bo)", "d 2"),
        ("Only title", "Only title", ""),
    ]
    assert said.custom == {"kind": "card", "lines": ["Bo", 3]}
    assert said.utter == "shop:utter_x"


def test_a_repeated_question_is_worded_anew() -> None:
    domain = """
slots: {n: {type: float}}
responses:
  utter_ask_n: [{text: "How many?"}]
  utter_ask_n_again: [{text: "A number of seats, please."}]
"""
    made = Talk(compiled("flows: {f: {description: x, steps: [{collect: n}]}}", domain))
    assert made.do(StartFlow("f")) == ["How many?"]
    assert made.write("banana") == ["I need a number here.", "A number of seats, please."]


def test_among_several_wordings_another_one_is_taken() -> None:
    domain = 'slots: {n: {type: float}}\nresponses: {utter_ask_n: [{text: "one"}, {text: "two"}]}'
    made = Talk(compiled("flows: {f: {description: x, steps: [{collect: n}]}}", domain))
    first = made.do(StartFlow("f"))
    assert made.write("banana") != first


def test_languages_fall_back_from_region_to_language_to_default() -> None:
    made = compiled(
        "flows: {f: {description: x, run_pattern_completed: false, steps: [{action: utter_x}]}}",
        "responses: {utter_x: [{text: Hello}]}",
        **{"locales/sw.yml": "responses: {utter_x: [{text: Habari}]}"},
    )
    for locale, text in (("sw-KE", "Habari"), ("sw", "Habari"), ("en", "Hello"), ("fr", "Hello")):
        assert Talk(made, locale=locale).do(StartFlow("f")) == [text]


def test_no_variation_that_fits_is_our_fault_and_said_so() -> None:
    domain = "slots: {vip: {type: bool}}\nresponses: {utter_x: [{text: vip, condition: slots.vip}]}"
    made = Talk(compiled("flows: {f: {description: x, steps: [{action: utter_x}]}}", domain))
    assert made.do(StartFlow("f")) == ["Sorry, something went wrong on our side. Please try again."]
    assert made.state.stack == []
