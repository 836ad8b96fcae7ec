"""Entities of a message, by the words, lookup tables and regular expressions of nlu files. Nothing is trained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.flows.model import Compiled
from bot.flows.words import normalise

__all__ = ["Entity", "find_entities", "find_known"]

T = TypeVar("T")

MAX_TEXT = 1_000  # characters looked at; regular expressions may take long on more
MAX_WORDS = 8  # of one entity
MAX_FOUND = 30

_TOKEN = re.compile(r"[^\W_]+(?:['’\-.][^\W_]+)*", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Entity:
    """`start` and `end` are offsets in the message; `value` is what the words stand for, `title` what people call that."""

    entity: str
    value: Any
    start: int
    end: int
    role: str = ""
    group: str = ""
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        found = {"entity": self.entity, "value": self.value, "start": self.start, "end": self.end, "extractor": "words"}
        return found | {key: value for key in ("role", "group") if (value := getattr(self, key))}


def find_entities(compiled: Compiled, text: str) -> list[Entity]:
    """In the order of the text; of words that overlap the longest count, once for each entity."""
    text = text[:MAX_TEXT]
    found = [*_by_words(compiled, text), *_by_patterns(compiled, text)]
    return sorted(found, key=lambda each: (each.start, -each.end))[:MAX_FOUND]


def _by_words(compiled: Compiled, text: str) -> Iterator[Entity]:
    for (entity, value), (start, end) in find_known(compiled.entities, text):
        yield Entity(entity, value, start, end)


def find_known(index: Mapping[str, Sequence[T]], text: str) -> Iterator[tuple[T, tuple[int, int]]]:
    """What these words (normalised) stand for, and where; of those that overlap the longest."""
    if not index:
        return
    text = text[:MAX_TEXT]
    tokens = [(match.start(), match.end()) for match in _TOKEN.finditer(text)]
    n = 0
    while n < len(tokens):
        for size in range(min(MAX_WORDS, len(tokens) - n), 0, -1):
            start, end = tokens[n][0], tokens[n + size - 1][1]
            known = index.get(normalise(text[start:end]))
            if known:
                for each in known:
                    yield each, (start, end)
                n += size - 1
                break
        n += 1


def _by_patterns(compiled: Compiled, text: str) -> Iterator[Entity]:
    for entity, patterns in compiled.patterns.items():
        for pattern in patterns:
            for n, match in enumerate(pattern.finditer(text)):
                if n >= MAX_FOUND:
                    break
                if match.group():
                    yield Entity(entity, match.group(), match.start(), match.end())
