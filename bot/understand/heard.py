"""A text and what it is understood against; what several ways need to know of it is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from bot.flows import Compiled, FlowState, SetSlot
from bot.flows.entities import Entity, find_entities
from bot.flows.mappings import map_slots
from bot.flows.words import normalise
from bot.understand.accept import Reading, bare, says_yes_or_no
from bot.understand.asked import read_asked
from bot.understand.lexicon import Lexicon, lexicons
from bot.understand.match import Matcher
from bot.understand.names import Names, find_names, links

__all__ = ["Heard", "Meaning", "Setting"]


def _without_interjections(words: str, lexicons: Sequence[Lexicon]) -> str:
    tokens = words.split()
    while len(tokens) > 1 and any(tokens[0] in lexicon.name_fillers for lexicon in lexicons):
        tokens.pop(0)
    return bare(" ".join(tokens), lexicons)


class Meaning(NamedTuple):
    """The sense of a message: its vector, and the examples' to compare it with."""

    matcher: Matcher
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class Setting:
    state: FlowState
    compiled: Compiled
    locale: str
    country: str
    now: datetime  # where the organization is
    meaning: Meaning | None
    names: Names
    margin: float | None
    trace: bool


class Heard:
    """`words`: normalised; `bare`: without politeness at the ends; `calm`: without "no wait" before it either."""

    def __init__(self, text: str, setting: Setting) -> None:
        self.text = text
        self.setting = setting
        self.state = setting.state
        self.compiled = setting.compiled
        self.lexicons = lexicons(setting.locale)
        self.words = normalise(text)
        self.reading = Reading(text, self.words, self.lexicons, setting.country, setting.now)
        self.bare = bare(self.words, self.lexicons)
        self.calm = _without_interjections(self.bare, self.lexicons)
        self.yes_or_no = says_yes_or_no(text, self.words, self.lexicons)
        self.asked = read_asked(self.compiled, self.state)

    @property
    def intent(self) -> str:
        said = self.compiled.said
        return said.get(self.words) or said.get(self.bare) or said.get(self.calm, "")

    @cached_property
    def names(self) -> list[Entity]:
        """Of the organization's own things."""
        return find_names(self.setting.names, self.text, [each for each in self.state.slots.values() if each])

    @cached_property
    def entities(self) -> list[Entity]:
        return [*find_entities(self.compiled, self.text), *self.names]

    @property
    def taken(self) -> list[tuple[int, int]]:
        """Where entities stand: digits of a code are no number."""
        return [(each.start, each.end) for each in self.entities]

    @cached_property
    def beside(self) -> str:
        """The words without the names of things."""
        return self.without(self.names)

    @cached_property
    def rest(self) -> str:
        """`beside` without what led on to the names at the end."""
        tokens = self.beside.split()
        while tokens and tokens[-1] in links():
            tokens.pop()
        return " ".join(tokens)

    def without(self, named: Sequence[Entity]) -> str:
        rest = self.text
        for each in named:
            rest = rest[: each.start] + " " * (each.end - each.start) + rest[each.end :]
        return normalise(rest)

    def mapped(self, intent: str, *, text: str | None = None, starts: tuple[str, ...] = ()) -> list[SetSlot]:
        """What the mappings of slots fill; `text` stands in for the person's own words."""
        text = self.text if text is None else text
        return map_slots(self.compiled, self.state, text=text, intent=intent, entities=self.entities, starts=starts)
