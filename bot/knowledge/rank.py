"""Which of the passages found answers the question, if any does. Pure.

A score is a mean of two signs. *Meaning*: the cosine of question and passage after the mean of ordinary sentences was taken off both: e5 puts
everything between 0.75 and 0.95, and only what is left after that tells a near passage from a far one. *Words*: the share of the question's
content words that the passage has, rare ones weighing more. Without an embedding the words stand alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Centre", "Rated", "Rating", "content_words", "rate"]

T = TypeVar("T")

MEANING = 0.65  # weight of meaning beside words
LETTERS = 7  # of a word that are compared, after its ending is off

_WORD = re.compile(r"\w+", re.UNICODE)
# Words of questions that say nothing about their subject, in English and Swahili.
_EMPTY = frozenset(
    _WORD.findall(
        """
    a about all am an and any are as at be been by can come could did do does for from get give go had has have how i if in into is it its let like
    may me my need not of on or our please should so some tell that the their them then there these they this to up us want was we were what
    when where which who whom whose why will with would you your
    am i'm is it's there's what's where's who's okay ok hi hello hey
    ya wa za la cha vya kwa na ni si je ipi yupi nini nani wapi lini vipi gani ngapi kama au hii huo hiyo hizi hizo yangu yako yake yetu yenu
    mimi wewe yeye sisi nyinyi wao nina una ana tuna mna wana naomba tafadhali nataka ningependa kuwa kuna je katika pia tu sana hapa huko
    habari mambo sasa niambie
        """
    )
)


@dataclass(frozen=True, slots=True)
class Centre:
    """The mean vectors of ordinary questions and ordinary passages by one model."""

    query: Sequence[float]
    passage: Sequence[float]


@dataclass(frozen=True, slots=True)
class Rating(Generic[T]):
    """What is known of one candidate. `vector` may be empty."""

    item: T
    words: str
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class Rated(Generic[T]):
    """All between 0 and 1; `meaning` is None without embeddings."""

    item: T
    score: float
    meaning: float | None
    words: float


def content_words(text: str) -> list[str]:
    """Folded, each once, in their order."""
    return list(
        dict.fromkeys(w for w in _WORD.findall(text.casefold()) if w not in _EMPTY and (len(w) > 1 or w.isdigit()))
    )


def rate(
    query: str, candidates: Sequence[Rating[T]], *, vector: Sequence[float] | None, centre: Centre | None
) -> list[Rated[T]]:
    """Best first."""
    asked = content_words(query)
    bags = [frozenset(_stem(w) for w in _WORD.findall(each.words.casefold())) for each in candidates]
    spread = Counter(stem for bag in bags for stem in bag)
    weights = {word: math.log(1 + (1 + len(bags)) / (1 + spread[_stem(word)])) for word in asked}
    total = sum(weights.values())
    question = _centred(vector, centre.query) if vector is not None and centre is not None else None
    rated = []
    for each, bag in zip(candidates, bags, strict=True):
        words = sum(weight for word, weight in weights.items() if _stem(word) in bag) / total if total else 0.0
        meaning = None
        if question is not None and each.vector and centre is not None:
            meaning = max(0.0, _dot(question, _centred(each.vector, centre.passage)))
        score = words if meaning is None else MEANING * meaning + (1 - MEANING) * words
        rated.append(Rated(each.item, score, meaning, words))
    return sorted(rated, key=lambda each: -each.score)


def _stem(word: str) -> str:
    """A light one for English endings; of a long word the first letters, which two forms of a Swahili noun share too."""
    for ending in ("ies", "ing", "es", "ed", "er", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word.removesuffix(ending)
            break
    return word[:LETTERS]


def _centred(vector: Sequence[float], mean: Sequence[float]) -> list[float]:
    moved = [a - b for a, b in zip(vector, mean, strict=True)]
    length = math.sqrt(_dot(moved, moved))
    return [each / length for each in moved] if length else moved


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))
