"""Any text at all, against pypred 0.4.0: what is a condition there is one here, with the same result.

Declared differences (flows.md section 5): `and` binds tighter than `or`, so a text that mixes them without parentheses is not
compared; values that cannot be ordered are false with a warning, where pypred raises; and a text that is only `empty`,
`undefined` or `{}` is false, where pypred takes it for no condition.
"""

from __future__ import annotations

import warnings

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.expressions import ConditionError, parse
from tests.bot.flows.test_expressions import SLOTS, lints, ours

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pypred

VALUES = [f"slots.{name}" for name in SLOTS] + ["slots.unknown", "Gold", "'Gold'", '"Ann"', "''", "3", "0", "-1", "2.5"]
VALUES += ["true", "False", "NULL", "undefined", "empty"]
OPERATORS = ["=", "==", "!=", ">", ">=", "<", "<=", "is", "is not", "IS", "contains", "CONTAINS", "matches"]
LOOSE = [*VALUES, *OPERATORS, "and", "or", "not", "AND", "Not", "(", ")", "{", "}", "{'Gold' 3}", "'^A'", "# x\n", ","]

operands = st.one_of(st.sampled_from(VALUES), st.sampled_from(["{3 true}", "{'Gold' 'Ann'}", "{slots.tier}"]))
comparisons = st.builds("{} {} {}".format, operands, st.sampled_from(OPERATORS), operands)
patterns = st.builds(
    "{} matches {}".format, operands, st.sampled_from(["'^A'", "'(?i)gold$'", '"^.{3}$"', "'['", "''"])
)
terms = st.one_of(operands, comparisons, patterns)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.sampled_from([" and ", " or ", " OR "])
    return st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        inner.map("not ({})".format),
        st.builds(lambda word, parts: word.join(parts), joined, st.lists(inner, min_size=2, max_size=3)),
    )


structured = st.recursive(terms, _larger, max_leaves=8)
loose = st.lists(st.sampled_from(LOOSE), min_size=1, max_size=8).map(" ".join)


def _is_bare_nothing(text: str) -> bool:
    return text.translate(str.maketrans("", "", "() \n")).lower().replace("#x", "") in ("empty", "undefined", "{}")


@settings(max_examples=1_500, deadline=None)
@given(st.one_of(structured, loose))
def test_agrees_with_pypred_on_any_text(text: str) -> None:
    predicate = pypred.Predicate(text)
    try:
        parse(text)
    except ConditionError:
        assert not predicate.is_valid(), "a condition there, none here"
        return
    if _is_bare_nothing(text):
        return
    assert predicate.is_valid(), "a condition here, none there"
    if "CN-COND-003" in lints(text):
        return
    result, warned = ours(text)
    try:
        expected = bool(predicate.evaluate({"slots": SLOTS}))
    except TypeError:
        assert warned
        return
    except AttributeError:  # pypred breaks on a set of `empty`
        return
    assert result == expected
