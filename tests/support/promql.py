"""As much of PromQL as our alerts are written in, so that they are tested also where there is no promtool.

Selectors, `rate` over a range, `sum`, `min` and `max` with `by`, arithmetic and comparison with one-to-one matching by labels, `or`. Not the
extrapolation of `rate` at the edges of a range: series that grow evenly have the same rate without.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Series", "evaluate", "names_in", "read_series"]

STEP_S = 60
LOOK_BACK_S = 300
Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]

TOKEN = re.compile(
    r'\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w.])|(?P<word>[a-zA-Z_]\w*)|(?P<text>"[^"]*")|(?P<span>\[\d+[smh]\])|(?P<sign>=~|!~|!=|>=|<=|==|[-+*/<>=(){},]))'
)
SECONDS = {"s": 1, "m": 60, "h": 3600}
LEVELS: tuple[tuple[str, ...], ...] = (("or",), (">", ">=", "<", "<=", "=="), ("+", "-"), ("*", "/"))
AGGREGATES: dict[str, Callable[[list[float]], float]] = {"sum": sum, "min": min, "max": max}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
}
COUNT: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else math.nan,
}


@dataclass(frozen=True)
class Series:
    """One value a minute."""

    name: str
    labels: Labels
    values: list[float]


def read_series(text: str, values: str) -> Series:
    """In promtool's notation: `name{label="value"}` and `0+20x5 7 1x3`."""
    name, _, inside = text.partition("{")
    labels = frozenset(re.findall(r'(\w+)="([^"]*)"', inside))
    return Series(name.strip(), labels, [value for part in values.split() for value in _expanded(part)])


def _expanded(part: str) -> Iterator[float]:
    found = re.fullmatch(r"(-?[\d.]+)(?:([+-][\d.]+))?(?:x(\d+))?", part)
    assert found is not None, f"no values: {part}"
    first, step, times = float(found[1]), float(found[2] or 0), int(found[3] or 0)
    return (first + step * i for i in range(times + 1))


def names_in(expression: str) -> set[str]:
    """The series that it asks for."""
    found = set()
    tokens = list(_tokens(re.sub(r"\b(by|without)\s*\([^)]*\)", "", expression)))
    depth = 0
    for i, (kind, text) in enumerate(tokens):
        depth += (text == "{") - (text == "}")
        following = tokens[i + 1][1] if i + 1 < len(tokens) else ""
        if kind == "word" and depth == 0 and following != "(" and text not in ("or", "and", "unless", "by"):
            found.add(text)
    return found


def evaluate(expression: str, series: list[Series], at_s: int) -> Vector:
    reader = _Reader(list(_tokens(expression)), series, at_s)
    found = reader.level(0)
    assert reader.at == len(reader.tokens), f"not understood from {reader.tokens[reader.at :]}"
    return found if isinstance(found, dict) else {frozenset(): found}


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = TOKEN.match(text, at)
        assert found is not None, f"not understood: {text[at:]}"
        assert found.lastgroup is not None, "every branch has a name"
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], series: list[Series], at_s: int) -> None:
        self.tokens = tokens
        self.at = 0
        self._series = series
        self._at_s = at_s

    def level(self, n: int) -> Vector | float:
        if n == len(LEVELS):
            return self._term()
        left = self.level(n + 1)
        while self._peek() in LEVELS[n]:
            sign = self._take()
            left = _joined(sign, left, self.level(n + 1))
        return left

    def _term(self) -> Vector | float:
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(text)
        if text == "(":
            inner = self.level(0)
            self._expect(")")
            return inner
        assert kind == "word", f"not understood: {text}"
        if text in AGGREGATES:
            return self._aggregate(text)
        if text == "rate":
            self._expect("(")
            matching, span_s = self._select(self._take())
            self._expect(")")
            return {each.labels: rate for each in matching if (rate := self._rate(each, span_s)) is not None}
        matching, _ = self._select(text)
        return {each.labels: value for each in matching if (value := self._value(each)) is not None}

    def _aggregate(self, name: str) -> Vector:
        by = self._by()
        self._expect("(")
        inner = self.level(0)
        self._expect(")")
        by = by or self._by()
        assert isinstance(inner, dict), f"{name} of a number"
        groups: dict[Labels, list[float]] = {}
        for labels, value in inner.items():
            groups.setdefault(frozenset(each for each in labels if each[0] in by), []).append(value)
        return {labels: AGGREGATES[name](values) for labels, values in groups.items()}

    def _by(self) -> set[str]:
        if self._peek() != "by":
            return set()
        self._take()
        self._expect("(")
        found = set()
        while (text := self._take()) != ")":
            found |= {text} - {","}
        return found

    def _select(self, name: str) -> tuple[list[Series], int]:
        found = [each for each in self._series if each.name == name]
        if self._peek() == "{":
            self._take()
            while self._peek() != "}":
                label, sign, wanted = self._take(), self._take(), self._take().strip('"')
                found = [each for each in found if _matches(dict(each.labels).get(label, ""), sign, wanted)]
                if self._peek() == ",":
                    self._take()
            self._take()
        span_s = 0
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "span":
            span = self._take()
            span_s = int(span[1:-2]) * SECONDS[span[-2]]
        return found, span_s

    def _value(self, series: Series) -> float | None:
        i = self._at_s // STEP_S
        is_old = i - (len(series.values) - 1) > LOOK_BACK_S // STEP_S
        return None if is_old else series.values[min(i, len(series.values) - 1)]

    def _rate(self, series: Series, span_s: int) -> float | None:
        last = self._at_s // STEP_S
        seen = series.values[max(0, last - span_s // STEP_S) : last + 1]
        if len(seen) < 2:
            return None
        grown = sum(b - a if b >= a else b for a, b in itertools.pairwise(seen))
        return grown / ((len(seen) - 1) * STEP_S)

    def _peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _expect(self, sign: str) -> None:
        assert self._take() == sign, f"{sign} expected before {self.tokens[self.at :]}"


def _matches(value: str, sign: str, wanted: str) -> bool:
    if sign in ("=~", "!~"):
        return (re.fullmatch(wanted, value) is not None) == (sign == "=~")
    return (value == wanted) == (sign == "=")


def _joined(sign: str, left: Vector | float, right: Vector | float) -> Vector | float:
    if sign == "or":
        assert isinstance(left, dict), "or is for vectors"
        assert isinstance(right, dict), "or is for vectors"
        return {**right, **left}
    pairs = list(_pairs(left, right))
    if sign in COMPARE:
        return {labels: a for labels, a, b in pairs if COMPARE[sign](a, b)}
    made = {labels: COUNT[sign](a, b) for labels, a, b in pairs}
    return made if isinstance(left, dict) or isinstance(right, dict) else made[frozenset()]


def _pairs(left: Vector | float, right: Vector | float) -> Iterator[tuple[Labels, float, float]]:
    if isinstance(left, dict):
        for labels, a in left.items():
            other: Mapping[Labels, float] = right if isinstance(right, dict) else {labels: right}
            if labels in other:
                yield labels, a, other[labels]
    elif isinstance(right, dict):
        yield from ((labels, left, b) for labels, b in right.items())
    else:
        yield frozenset(), left, right
