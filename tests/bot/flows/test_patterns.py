"""Regular expressions of flows and examples: those that may take for ever are seen, and never asked about a long text."""

from __future__ import annotations

import time

import pytest

from bot.flows.patterns import SAFE_LENGTH, may_hang
from tests.bot.flows.test_expressions import SLOTS, lints, ours


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", r"^(\w+\s?)+$", r"^(\d+,?)+$", "(x*)*", "(a+|b+)*", "([a-z0-9]+[0-9])+", r"^\w+([.-]?\w+)*@"],
)
def test_a_repetition_in_a_repetition_is_seen(pattern: str) -> None:
    assert may_hang(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^([\w-]+\.)+com$",
        r"^[^@ ]+@[^@ ]+[.][^@ ]+$",
        r"(\s\w+)*",
        "^[A-Z]{6}$",
        ".*.*",
        "((a|b)+c)*",
        "(?i)gold$",
        r"^(\+?\d{1,3}[ -]?)?\d+$",
        "([a-z]+[0-9])+",
        r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$",
        "(",
    ],
)
def test_what_people_write_is_left_alone(pattern: str) -> None:
    assert not may_hang(pattern)


def test_it_is_told_and_never_asked_about_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    condition = r"slots.long matches '^(\w+\s?)+$'"
    assert lints(condition) == ["CN-COND-009"]
    monkeypatch.setitem(SLOTS, "long", "a" * 4_000 + "!")
    begun = time.process_time()
    result, warned = ours(condition)
    assert time.process_time() - begun < 0.5
    assert not result
    assert "for ever" in warned[0]
    monkeypatch.setitem(SLOTS, "long", "a" * SAFE_LENGTH)
    assert ours(condition) == (True, [])
