"""Conditions: our evaluator against pypred, and where we differ on purpose."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.expressions import UNDEFINED, Condition, ConditionError, Parsed, Scope, compile_condition, parse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pypred

SLOTS: dict[str, Any] = {
    "name": "Ann",
    "tier": "Gold",
    "seats": 3.0,
    "zero": 0.0,
    "yes": True,
    "no": False,
    "nothing": None,
    "blank": "",
    "items": ["a", "Gold", 3.0],
    "none_left": [],
}


def _lookup(name: str) -> Condition:
    root, _, rest = name.partition(".")
    if root == "slots" and rest in SLOTS:
        return lambda scope: scope.slots[rest]
    return lambda scope: UNDEFINED


def ours(text: str) -> tuple[bool, list[str]]:
    scope = Scope(SLOTS)
    return bool(compile_condition(parse(text).tree, _lookup)(scope)), scope.warnings


def lints(text: str) -> list[str]:
    found: Parsed = parse(text)
    return [lint.code for lint in found.lints]


paths = st.sampled_from([f"slots.{name}" for name in SLOTS] + ["slots.unknown", "Gold"])
constants = st.sampled_from(
    ["true", "FALSE", "null", "undefined", "empty", "3", "0", "2.5", "-1", "'Gold'", '"Ann"', "''"]
)
sets = st.lists(st.sampled_from(["'Gold'", "'Ann'", "3", "0", "true"]), max_size=3).map(
    lambda v: "{" + " ".join(v) + "}"
)
operands = st.one_of(paths, constants)
comparisons = st.builds(
    lambda a, op, b: f"{a} {op} {b}",
    operands,
    st.sampled_from([">", ">=", "<", "<=", "=", "==", "!=", "is", "is not", "IS NOT"]),
    operands,
)
contains = st.builds(
    lambda a, b: f"{a} contains {b}",
    st.one_of(paths, sets),
    st.one_of(paths, st.sampled_from(["'Gold'", "3", "'n'", "true"])),
)
matches = st.builds(lambda a, b: f"{a} matches '{b}'", paths, st.sampled_from(["^A", "(?i)gold$", "x", "", "^.{3}$"]))
terms = st.one_of(comparisons, contains, matches, operands)


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        inner.map(lambda a: f"not ({a})"),
        inner.map(lambda a: f"({a})"),
        st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, st.sampled_from(["and", "or", "AND"]), inner),
    )


@settings(max_examples=600, deadline=None)
@given(st.recursive(terms, _combine, max_leaves=5))
def test_agrees_with_pypred(text: str) -> None:
    predicate = pypred.Predicate(text)
    if not predicate.is_valid():
        return
    try:
        expected = bool(predicate.evaluate({"slots": SLOTS}))
    except TypeError:
        expected = None  # declared difference: we say false and warn, see below
    result, warned = ours(text)
    if expected is None:
        assert warned
    else:
        assert result == expected, text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="slots.nameand r()'{}=<>!0123,\n", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    at = 0
    try:
        ours(text)
    except ConditionError as e:
        at = e.at
    assert 0 <= at <= len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slots.no = false", True),
        ("slots.nothing = false", False),  # an unset bool is tested with `is null`
        ("slots.nothing is null", True),
        ("slots.unknown is null", False),
        ("slots.unknown is undefined", True),
        ("slots.zero = false", True),
        ("'20' = 20", False),
        ("not slots.name matches '^B'", True),
        ("{'Gold' 'Silver'} contains slots.tier", True),
        ("slots.name contains 'n'", True),
        ("slots.nothing contains 'n'", False),
        ("slots.name matches '/ann/i'", False),
        ("slots.name matches '(?i)ann'", True),
    ],
)
def test_documented_results(text: str, expected: bool) -> None:
    assert ours(text) == (expected, [])


def test_and_binds_tighter_than_or_and_the_mix_is_a_lint() -> None:
    assert ours("slots.no and slots.no or slots.yes")[0] is True
    assert lints("slots.no and slots.no or slots.yes") == ["CN-COND-003"]
    assert lints("(slots.no and slots.no) or slots.yes") == []


@pytest.mark.parametrize("text", ["slots.nothing > 3", "slots.name > 5", "5 < slots.items"])
def test_values_that_cannot_be_compared_are_false_with_a_warning(text: str) -> None:
    result, warned = ours(text)
    assert result is False
    assert re.search("cannot compare", warned[0])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("slots.tier = Gold", "CN-COND-004"),
        ("slots.name is None", "CN-COND-004"),
        ("slots.name matches '/x/i'", "CN-COND-005"),
    ],
)
def test_likely_mistakes_are_linted(text: str, code: str) -> None:
    assert lints(text) == [code]


def test_commas_in_a_set_are_refused_with_a_hint() -> None:
    with pytest.raises(ConditionError) as e:
        parse("{'A', 'B'} contains slots.tier")
    assert "without commas" in e.value.suggestion
