"""Which language a message is written in, by the words that only one of ours has."""

from __future__ import annotations

from bot.flows.words import normalise
from bot.understand.lexicon import LANGUAGES, lexicon

__all__ = ["spoken"]


def spoken(text: str) -> str | None:
    """The language with the most telling words; None when no word tells, or two languages are mixed evenly.

    "hi" and "menu" tell nothing: people write them in every language.
    """
    words = set(normalise(text).split())
    found = sorted(((len(words & lexicon(each).telling), each) for each in LANGUAGES), reverse=True)
    (most, language), (next_most, _) = found[:2]
    return language if most > next_most else None
