"""A number in digits or words: `2`, `1,500`, `KSh 2.5k`, `twenty five`, `elfu moja mia tano`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.understand.lexicon import Lexicon, NumberWords

__all__ = ["find_digits", "read_number"]

_DIGITS = re.compile(
    r"(?<![\w.])([-+]?)(\d{1,3}(?:[ ,]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)\s?([kKmM](?![a-zA-Z]))?(?![\d])"
)
_SUFFIX = {"k": 1_000, "m": 1_000_000}


def read_number(text: str, words: str, lexicons: Sequence[Lexicon]) -> float | None:
    """The one number in a message; None when there is none, or more than one. `words` is the text normalised."""
    digits = [match for match in _DIGITS.finditer(text) if match.group(2)]
    if len(digits) > 1:
        return None
    if digits:
        return _from_digits(digits[0])
    tokens = words.split()
    for lexicon in lexicons:
        number = _from_words(tokens, lexicon.numbers)
        if number is not None:
            return float(number)
    return None


def find_digits(text: str) -> tuple[int, int] | None:
    """Where the one number in digits stands."""
    found = [match for match in _DIGITS.finditer(text) if match.group(2)]
    return (found[0].start(), found[0].start() + len(found[0].group().rstrip())) if len(found) == 1 else None


def _from_digits(match: re.Match[str]) -> float:
    sign, digits, suffix = match.groups()
    grouped = re.fullmatch(r"\d{1,3}([ ,]\d{3})+(\.\d+)?", digits)
    plain = re.sub(r"[ ,]", "", digits) if grouped else digits.replace(",", ".")
    return float(sign + plain) * _SUFFIX.get((suffix or "").lower(), 1)


def _from_words(tokens: Iterable[str], words: NumberWords) -> int | None:
    """The first run of number words; None when there are two runs that do not belong together."""
    runs: list[list[str]] = [[]]
    for token in tokens:
        if token in words.units or token in words.scales:
            runs[-1].append(token)
        elif not (token in words.joiners and runs[-1]) and runs[-1]:
            runs.append([])
    found = [run for run in runs if run]
    if len(found) != 1:
        return None
    return _sum_scale_first(found[0], words) if words.scale_first else _sum_scale_last(found[0], words)


def _sum_scale_last(tokens: Sequence[str], words: NumberWords) -> int:
    total = current = 0
    for token in tokens:
        if token in words.units:
            current += words.units[token]
            continue
        scale = words.scales[token]
        current = max(current, 1) * scale
        if scale >= 1_000:
            total, current = total + current, 0
    return total + current


def _sum_scale_first(tokens: Sequence[str], words: NumberWords) -> int:
    """ "elfu mbili mia tatu na kumi na tano": each scale takes the number right after it, the rest is added."""
    total = 0
    scale = 0
    for token in tokens:
        if token in words.scales:
            total += scale  # a scale without a number counts once
            scale = words.scales[token]
        elif scale:
            total += scale * words.units[token]
            scale = 0
        else:
            total += words.units[token]
    return total + scale
