"""Which of the passages found answers the question, if any does. Pure.

A score is a mean of two signs. *Meaning*: the cosine of question and passage after the mean of ordinary sentences was taken off both: e5 puts
everything between 0.75 and 0.95, and only what is left after that tells a near passage from a far one. *Words*: the share of the question's
content words that the passage has, rare ones weighing more. Without an embedding the words stand alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Centre", "Rated", "Rating", "content_words", "rate"]

T = TypeVar("T")

MEANING = 0.7  # weight of meaning beside words; fitted with KNOWN
LETTERS = 7  # of a word that are compared, after its ending is off

_ENDINGS = ("ies", "ing", "es", "ed", "er", "s")
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
    """Best first. Some milliseconds for a hundred candidates: in a thread where others wait."""
    asked = content_words(query)
    bags = [frozenset(_stem(w) for w in _WORD.findall(each.words.casefold())) for each in candidates]
    spread = Counter(stem for bag in bags for stem in bag)
    weights = {word: math.log(1 + (1 + len(bags)) / (1 + spread[_stem(word)])) for word in asked}
    total = sum(weights.values())
    meanings = _meanings([each.vector for each in candidates], vector, centre)
    rated = []
    for each, bag, meaning in zip(candidates, bags, meanings, strict=True):
        words = sum(weight for word, weight in weights.items() if _stem(word) in bag) / total if total else 0.0
        score = words if meaning is None else MEANING * meaning + (1 - MEANING) * words
        rated.append(Rated(each.item, score, meaning, words))
    return sorted(rated, key=lambda each: -each.score)


def _meanings(
    passages: Sequence[Sequence[float]], question: Sequence[float] | None, centre: Centre | None
) -> list[float | None]:
    """Of each passage that has a vector, where the question has one."""
    import numpy as np

    if question is None or centre is None:
        return [None] * len(passages)
    asked = _centred(np.asarray(question, dtype=np.float64), centre.query)
    found: Iterator[float] = iter(())
    if held := [each for each in passages if len(each)]:
        found = iter(np.maximum(0.0, _centred(np.asarray(held, dtype=np.float64), centre.passage) @ asked).tolist())
    return [next(found) if len(each) else None for each in passages]


def _stem(word: str) -> str:
    """A light one for English endings, two of them at most ("recordings"), and the consonant that stands doubled before one ("cancelled").

    Of a long word the first letters, which two forms of a Swahili noun share too.
    """
    for _ in range(2):
        ending = next((each for each in _ENDINGS if len(word) > len(each) + 3 and word.endswith(each)), "")
        if not ending:
            break
        word = word.removesuffix(ending)
        if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiou":
            word = word[:-1]
    return word[:LETTERS]


def _centred(vectors: np.ndarray, mean: Sequence[float]) -> np.ndarray:
    """Without what all texts have in common, and of unit length again."""
    import numpy as np

    moved = vectors - np.asarray(mean, dtype=np.float64)
    lengths = np.linalg.norm(moved, axis=-1, keepdims=True)
    return moved / np.where(lengths == 0, 1, lengths)
