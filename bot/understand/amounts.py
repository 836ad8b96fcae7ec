"""Amounts of money: `KES 1,500`, `1500 bob`, `$20`, `shilingi elfu mbili`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.understand.lexicon import Lexicon
from bot.understand.numbers import read_number

__all__ = ["Amount", "find_amounts"]

_CURRENCIES = {
    "KES": ("kes", "ksh", "kshs", "ksh.", "kshs.", "bob", "sh", "shs", "/=", "shilling", "shillings", "shilingi"),
    "TZS": ("tzs", "tsh", "tshs"),
    "UGX": ("ugx", "ush", "ushs"),
    "USD": ("usd", "us$", "$", "dollar", "dollars", "dola"),
    "EUR": ("eur", "€", "euro", "euros"),
    "GBP": ("gbp", "£", "pound", "pounds"),
}
_SHILLINGS = frozenset(("sh", "shs", "/=", "shilling", "shillings", "shilingi"))  # of the country's own
_OF_COUNTRY = {"KE": "KES", "TZ": "TZS", "UG": "UGX"}
_NAMES = {name: code for code, names in _CURRENCIES.items() for name in names}
_NAME = "|".join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True))
_FIGURES = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"
_BEFORE = re.compile(rf"(?<![a-z])(?P<name>{_NAME})\s*(?P<figures>{_FIGURES})(?P<k>k|m)?(?![a-z\d])")
_AFTER = re.compile(rf"(?<![\w.])(?P<figures>{_FIGURES})(?P<k>k|m)?\s*(?P<name>{_NAME})(?![a-z])")
_WORDED = re.compile(rf"(?<![a-z])(?P<name>{_NAME})(?![a-z])")
_TIMES = {"k": 1_000.0, "m": 1_000_000.0}


@dataclass(frozen=True, slots=True)
class Amount:
    """`value` in whole units of the currency."""

    currency: str
    value: float
    span: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.currency} {self.value:.15g}"


def find_amounts(text: str, words: str, lexicons: Sequence[Lexicon], country: str) -> list[Amount]:
    """All that name a currency; in words only when the message has no other number. `text` is plain, `words` normalised."""
    found: list[Amount] = []
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(text):
            if all(match.end() <= other.span[0] or match.start() >= other.span[1] for other in found):
                value = float(match["figures"].replace(",", "")) * _TIMES.get(match["k"] or "", 1.0)
                found.append(Amount(_currency(match["name"], country), value, match.span()))
    if found or any(letter.isdigit() for letter in text):
        return sorted(found, key=lambda each: each.span)
    named = _WORDED.search(text)
    number = read_number(text, words, lexicons) if named else None
    return [Amount(_currency(named["name"], country), number, (0, len(text)))] if named and number is not None else []


def _currency(name: str, country: str) -> str:
    return _OF_COUNTRY.get(country, "KES") if name in _SHILLINGS else _NAMES[name]
