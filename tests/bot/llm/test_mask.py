"""What is personal leaves as a placeholder, and comes back as it was."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.mask import PLACEHOLDER, Mask

PERSONAL = [
    "0722 000 111",
    "0722000111",
    "+254722000111",
    "+254 722-000-111",
    "254722000111",
    "amina.otieno@work.co.ke",
    "4111 1111 1111 1111",
    "12345678",
    "A012345678Z",
    "TKT-8F3K2",
    "0190c1de-7a3b-7c11-8f00-0123456789ab",
]
PLAIN = ["KES 1,500", "2026-06-01", "10:00", "seat A1", "25", "Hall B12", "3.5", "events:events_register", "Level 2"]


@pytest.mark.parametrize("value", PERSONAL)
def test_personal_data_is_hidden_and_shown(value: str) -> None:
    mask = Mask()
    hidden = mask.hide(f"please use {value}, thanks")
    assert value not in hidden
    assert PLACEHOLDER.search(hidden)
    assert mask.show(hidden) == f"please use {value}, thanks"


@pytest.mark.parametrize("value", PLAIN)
def test_what_everybody_may_know_stays(value: str) -> None:
    assert Mask().hide(f"is it {value} or not") == f"is it {value} or not"


@pytest.mark.parametrize("said", ["my name is juma", "naitwa Juma", "I am Juma", "mimi ni Juma", "call me juma"])
def test_a_name_that_is_said_is_hidden(said: str) -> None:
    assert "uma" not in Mask().hide(said)
    assert Mask().hide("I am interested in this is fine") == "I am interested in this is fine"


def test_a_known_name_is_hidden_by_any_of_its_words_and_in_any_case() -> None:
    hidden = Mask(["Amina Wanjiru Otieno", "Jo"]).hide("AMINA and otieno, Wanjiru's; Jo joined, aminated")
    assert hidden == "[NAME_1] and [NAME_2], [NAME_3]'s; Jo joined, aminated"


def test_the_same_value_has_the_same_placeholder_everywhere() -> None:
    mask = Mask()
    assert mask.hide({"a": ["0722000111", "0733000111"], "b": "0722000111"}) == {
        "a": ["[PHONE_1]", "[PHONE_2]"],
        "b": "[PHONE_1]",
    }


def test_a_placeholder_that_somebody_types_brings_nothing_back() -> None:
    mask = Mask()
    hidden = mask.hide("0722000111 and [PHONE_1] and [EMAIL_7]")
    assert mask.show(hidden) == "0722000111 and […] and […]"


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_is_hidden_comes_back(text: str, names: list[str]) -> None:
    mask = Mask(names)
    assert mask.show(mask.hide(text)) == PLACEHOLDER.sub("[…]", text)


@pytest.mark.parametrize(
    "text",
    ["1" * 4096, "a." * 2048, "0 " * 2048, "A-" * 2048, "a@" * 2048, "+1 " * 1365, "I am A" * 680, "A1-" * 1365],
)
def test_a_text_that_was_made_to_be_slow_is_not(text: str) -> None:
    started = time.process_time()
    Mask(["Amina Otieno"]).hide(text)
    assert time.process_time() - started < 0.5
