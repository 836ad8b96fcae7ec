"""How a message sounds, by a lexicon: offline, in microseconds, and plain enough to argue with."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.flows.words import normalise
from bot.understand.lexicon import read_words
from bot.understand.result import Mood

__all__ = ["read_mood"]

ANGRY = -0.6
STRONG = -3.0
SPREAD = 3.0  # a sum of three is 0.76, of one 0.32
BEFORE = 2  # words before one in which a negator or a booster counts: "not at all good" is beyond it
LONGEST = 4  # words of a phrase
BOOST = 1.5
TURNED = -0.5  # "not bad" is not "great"
MAX_WORDS = 200
_SHOUTED = re.compile(r"\b[A-Z]{4,}\b")


@dataclass(frozen=True, slots=True)
class _Lexicon:
    weights: Mapping[str, float]
    signs: Mapping[str, float]
    negators: frozenset[str]
    boosters: frozenset[str]


def read_mood(text: str, words: str) -> Mood:
    """`words` is the text normalised."""
    lexicon = _lexicon()
    tokens = words.split()[:MAX_WORDS]
    weights = [*_of_words(tokens, lexicon), *(lexicon.signs[sign] for sign in text if sign in lexicon.signs)]
    if not weights:
        return Mood()
    total = sum(weights)
    is_loud = "!!" in text or len(_SHOUTED.findall(text)) >= 2
    if is_loud:
        total *= BOOST
    score = round(math.tanh(total / SPREAD), 2)
    bad = [weight for weight in weights if weight < 0]
    is_clear = any(weight <= STRONG for weight in bad) or len(bad) > 1 or is_loud
    return Mood(score, angry=score <= ANGRY and is_clear)


def _of_words(tokens: list[str], lexicon: _Lexicon) -> list[float]:
    found: list[float] = []
    n = 0
    while n < len(tokens):
        size = next((size for size in range(LONGEST, 0, -1) if " ".join(tokens[n : n + size]) in lexicon.weights), 0)
        if not size:
            n += 1
            continue
        weight = lexicon.weights[" ".join(tokens[n : n + size])]
        before = set(tokens[max(0, n - BEFORE) : n])
        after = set(tokens[n + size : n + size + 1])  # "mbaya sana": Swahili boosts afterwards
        if before & lexicon.negators:
            weight *= TURNED
        elif (before | after) & lexicon.boosters:
            weight *= BOOST
        found.append(weight)
        n += size
    return found


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    data = read_words("mood")
    return _Lexicon(
        weights={normalise(phrase): float(weight) for weight, phrases in data["weights"].items() for phrase in phrases},
        signs={sign: float(weight) for weight, signs in data["signs"].items() for sign in signs},
        negators=frozenset(data["negators"]),
        boosters=frozenset(data["boosters"]),
    )
