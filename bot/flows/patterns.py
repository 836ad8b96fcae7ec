"""Regular expressions that may take for ever on a text that does not fit.

`(a+)+$` looks at 2^n ways to cut n letters. What is told here is a repetition in a repetition between whose rounds nothing must
stand that the inner one could not take as well; other slow patterns (two alternatives that take the same) are not seen.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["SAFE_LENGTH", "may_hang"]

SAFE_LENGTH = 25  # characters that a pattern of this kind still decides within a second
_MANY = 10  # from so many rounds on a repetition counts
_LETTERS = string.printable + "éßñ中ع "
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)


@lru_cache(maxsize=1024)
def may_hang(pattern: str) -> bool:
    try:
        return any(_is_risky(item) for item in _loops(_parser.parse(pattern)))
    except (re.error, RecursionError, OverflowError):
        return False


def _loops(tree: Iterable[Any]) -> Iterable[Any]:
    """What each repetition repeats."""
    for code, argument in tree:
        if code in _REPEATS:
            _, high, item = argument
            if high >= _MANY or high is op.MAXREPEAT:
                yield item
            yield from _loops(item)
        else:
            for inner in _inside(code, argument):
                yield from _loops(inner)


def _inside(code: Any, argument: Any) -> list[Any]:
    if code is op.SUBPATTERN:
        return [argument[-1]]
    if code is op.BRANCH:
        return list(argument[1])
    if code in (op.ASSERT, op.ASSERT_NOT):
        return [argument[1]]
    return []


def _is_risky(item: Iterable[Any]) -> bool:
    """Whether an endless repetition of `item` can be cut in many ways."""
    inner: set[str] = set()
    fixed: set[str] = set(_LETTERS)
    has_fixed = False
    for code, argument in _flat(item):
        if code in _REPEATS:
            low, high, repeated = argument
            letters = _letters(repeated)
            if high is op.MAXREPEAT or high >= _MANY:
                inner |= letters
            elif low > 0:
                has_fixed, fixed = True, fixed & letters
        else:
            letters = _letters([(code, argument)])
            if letters:
                has_fixed, fixed = True, fixed & letters
    return bool(inner) and not (has_fixed and not fixed & inner)


def _flat(item: Iterable[Any]) -> Iterable[Any]:
    for code, argument in item:
        if code is op.SUBPATTERN:
            yield from _flat(argument[-1])
        elif code is op.BRANCH:
            for way in argument[1]:
                if any(each[0] in _REPEATS for each in _flat(way)):
                    yield from _flat(way)
        else:
            yield code, argument


def _letters(tree: Iterable[Any]) -> set[str]:
    """Letters that the elements take, of a sample of all there are."""
    found: set[str] = set()
    for code, argument in tree:
        if code in _REPEATS:
            found |= _letters(argument[2])
        elif code is op.ANY:
            found |= set(_LETTERS)
        elif code is op.LITERAL:
            found.add(chr(argument))
        elif code is op.NOT_LITERAL:
            found |= set(_LETTERS) - {chr(argument)}
        elif code is op.IN:
            found |= _of_set(argument)
        else:
            for inner in _inside(code, argument):
                found |= _letters(inner)
    return found


def _of_set(items: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    negated = False
    for code, argument in items:
        if code is op.NEGATE:
            negated = True
        elif code is op.LITERAL:
            found.add(chr(argument))
        elif code is op.RANGE:
            found |= {letter for letter in _LETTERS if argument[0] <= ord(letter) <= argument[1]}
        elif code is op.CATEGORY:
            found |= {letter for letter in _LETTERS if re.fullmatch(_CATEGORIES.get(argument, "."), letter, re.DOTALL)}
    return set(_LETTERS) - found if negated else found


_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}
