"""Whether a message that could be any text is clearly a question: a name, an address or a comment must never be taken for one.

In doubt it is none. What opens or ends a question in each language stands in `words/questions.yml`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bot.flows.words import normalise
from bot.understand.lexicon import read_words

__all__ = ["asks_about", "begins_unsure", "is_clear_question", "is_unsure"]

MAX_WORDS = 12  # who writes more tells something
_CLAUSES = re.compile(r"[.!;\n]+|,\s")


@lru_cache(maxsize=1)
def _phrases() -> dict[str, tuple[str, ...]]:
    data = read_words("questions")
    return {kind: tuple(sorted(map(normalise, each), key=len, reverse=True)) for kind, each in data.items()}


def is_clear_question(text: str, *, of_name: bool = False) -> bool:
    """`of_name`: instead of a person's name, which begins with "Is there" less easily than a comment."""
    words = normalise(text)
    tokens = words.split()
    if not 2 <= len(tokens) <= MAX_WORDS or _names_a_company(tokens):
        return False
    marked = text.rstrip().endswith("?")
    clauses = [each for each in _CLAUSES.split(text.strip(" ?.!")) if normalise(each)]
    if len(clauses) > 1:
        # "Hi, where is it?" is one, "Lovely evening, when is the next?" says something first.
        first = normalise(clauses[0])
        if len(clauses) > 2 or first not in _phrases()["greetings"]:
            return False
        words = normalise(clauses[1])
        tokens = words.split()
    if _begins(words, "sure") or _ends(words, "sure_endings"):
        return True
    if _begins(words, "likely") or _ends(words, "endings"):
        return marked or (of_name and (len(tokens) > 2 or _ends(words, "endings")))
    return marked and of_name


def asks_about(words: str) -> bool:
    """ "What is", "tell me about": what is left of a question when the name of a thing is taken out of it."""
    return words in _phrases()["about"]


def is_unsure(words: str) -> bool:
    """ "Sijui", "not sure": to an open question it is no answer, and no wish either."""
    return words in _phrases()["unsure"]


def begins_unsure(words: str) -> bool:
    """ "I don't know which one": as little of an answer, unless there is one in it."""
    return len(words.split()) <= MAX_WORDS and _begins(f"{words} ", "unsure_beginnings")


def _begins(words: str, kind: str) -> bool:
    return any(words.startswith(f"{phrase} ") for phrase in _phrases()[kind])


def _ends(words: str, kind: str) -> bool:
    return any(words == phrase or words.endswith(f" {phrase}") for phrase in _phrases()[kind])


def _names_a_company(tokens: list[str]) -> bool:
    return tokens[-1] in _phrases()["companies"]
