"""Message templates: what they ask for, what is sent, and that the preview is made of just that."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.templates import TEMPLATES
from bot.render.template import TemplateText, Variable, filled, problem_of, shown, unsendable, variables
from channels.emulator.validate.template import check_create

RICH: list[dict[str, Any]] = [
    {"type": "HEADER", "format": "TEXT", "text": "For {{1}}", "example": {"header_text": ["Asha"]}},
    {"type": "BODY", "text": "{{2}} at {{1}}, again {{1}}.", "example": {"body_text": [["nine", "Doors"]]}},
    {"type": "FOOTER", "text": "Bye"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Yes"},
            {"type": "URL", "text": "Map", "url": "https://x.example/{{1}}"},
            {"type": "COPY_CODE", "text": "Copy"},
        ],
    },
]


def test_each_place_is_asked_for_once_with_its_example() -> None:
    assert [(each.key, each.example) for each in variables(RICH)] == [
        ("header:1", "Asha"),
        ("body:1", "nine"),
        ("body:2", "Doors"),
        ("button:1", ""),
        ("button:2", ""),
    ]


def test_what_is_sent_has_metas_form_and_the_preview_shows_it() -> None:
    values = {"header:1": "Ann", "body:1": "ten", "body:2": "Gates", "button:1": "hall", "button:2": "SAVE5"}
    sent = filled(RICH, values)
    assert sent == (
        {"type": "header", "parameters": [{"type": "text", "text": "Ann"}]},
        {"type": "body", "parameters": [{"type": "text", "text": "ten"}, {"type": "text", "text": "Gates"}]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "hall"}]},
        {
            "type": "button",
            "sub_type": "copy_code",
            "index": "2",
            "parameters": [{"type": "coupon_code", "coupon_code": "SAVE5"}],
        },
    )
    assert shown(RICH, sent) == TemplateText("For Ann", "", "Gates at ten, again ten.", "Bye", ("Yes", "Map", "Copy"))
    assert shown(RICH).body == "{{2}} at {{1}}, again {{1}}."


def test_parameters_with_names_are_sent_by_name() -> None:
    parts = [{"type": "BODY", "text": "Dear {{first_name}}, {{what}}"}]
    sent = filled(parts, {"body:first_name": "Ann", "body:what": "hi"}, named=True)
    assert [each["parameter_name"] for each in sent[0]["parameters"]] == ["first_name", "what"]
    assert shown(parts, sent).body == "Dear Ann, hi"


@pytest.mark.parametrize(
    ("value", "problem"),
    [("", "empty"), ("  ", "empty"), ("a\nb", "spaces"), ("a     b", "spaces"), ("x" * 1025, "long"), ("fine", "")],
)
def test_values_that_whatsapp_refuses_are_told_before(value: str, problem: str) -> None:
    assert problem_of(Variable("body:1", "1", "body"), value) == problem
    if value == "fine":
        assert problem_of(Variable("header", "image", "header", "link"), value) == "link"


def test_what_cannot_be_filled_in_by_hand_says_which_part() -> None:
    assert unsendable(RICH) == ""
    assert unsendable([], "AUTHENTICATION") == "one-time code"
    assert unsendable([{"type": "CAROUSEL", "cards": []}]) == "carousel"
    assert unsendable([{"type": "HEADER", "format": "LOCATION"}]) == "location header"
    assert unsendable([{"type": "BUTTONS", "buttons": [{"type": "FLOW", "text": "Go"}]}]) == "flow button"


def test_the_demos_templates_are_ones_that_meta_would_take() -> None:
    for each in TEMPLATES:
        check_create(dict(each))
        assert unsendable(each["components"], each["category"]) == ""
