"""Which of the offered options a text means: by title, number, place or nearly by title."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from bot.flows.words import normalise
from bot.understand.lexicon import Lexicon

__all__ = ["exact_option", "near_option"]

NEAR = 0.82  # "registar" for "register"; below this, different short words meet
MARGIN = 0.08


def exact_option(words: str, titles: Sequence[str], lexicons: Sequence[Lexicon], *, places: bool) -> int | None:
    """Index of the option with this very title, or named by its place: `2`, `two`, `the second one`, `ya pili`, `last`.

    `places` is off when numbers are answers themselves; a number in words is no place among "One day" and "Two days".
    """
    if not words:
        return None
    for n, title in enumerate(titles):
        if normalise(title) == words:
            return n
    if not places:
        return None
    for lexicon in lexicons:
        place = lexicon.ordinals.get(words)
        if place is None and not any(_begins_with_number(title, lexicons) for title in titles):
            place = lexicon.counted.get(words)
        if place is not None:
            n = place - 1 if place > 0 else len(titles) - 1
            return n if 0 <= n < len(titles) else None
    return None


def _begins_with_number(title: str, lexicons: Sequence[Lexicon]) -> bool:
    first = normalise(title).partition(" ")[0]
    return first[:1].isdigit() or any(first in lexicon.numbers.units for lexicon in lexicons)


def near_option(words: str, titles: Sequence[str]) -> int | None:
    """Index of the one option whose title is meant in spite of typing errors, or that is named inside a sentence."""
    if len(words) < 3:
        return None
    scores = sorted(((_likeness(words, normalise(title)), n) for n, title in enumerate(titles)), reverse=True)
    if not scores or scores[0][0] < NEAR:
        return None
    if len(scores) > 1 and scores[0][0] - scores[1][0] < MARGIN:
        return None
    return scores[0][1]


def _likeness(words: str, title: str) -> float:
    if not title:
        return 0.0
    if len(title) >= 3 and f" {title} " in f" {words} ":
        return 0.95
    if len(words) >= 4 and f" {words} " in f" {title} ":
        return 0.9
    return difflib.SequenceMatcher(None, words, title).ratio()
