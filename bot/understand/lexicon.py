"""The words of each language that mean the same in every skill, from `words/<language>.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from bot.flows.words import normalise

__all__ = ["LANGUAGES", "Lexicon", "NumberWords", "lexicon", "lexicons", "read_words"]

LANGUAGES = ("en", "sw")  # both are understood whatever the person's language: many write both in one chat


@dataclass(frozen=True, slots=True)
class NumberWords:
    """`scale_first`: "elfu mbili" (thousand two) is 2,000, where English says "two thousand"."""

    units: Mapping[str, int]
    scales: Mapping[str, int]
    scale_first: bool
    joiners: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    commands: Mapping[str, str]  # phrase -> cancel, back, repeat, human, restart, skip, menu, help, start
    yes: frozenset[str]
    no: frozenset[str]
    polite: frozenset[str]
    ordinals: Mapping[str, int]  # phrase -> 1-based place; -1 is the last
    counted: Mapping[str, int]  # "two", "namba mbili"
    numbers: NumberWords
    name_lead_ins: tuple[str, ...]
    own_name: tuple[str, ...]  # what only a name follows, wherever it stands: "my name is", not "I am"
    no_name: frozenset[str]  # first words after it that are no name: "my name is spelled wrong"
    name_fillers: frozenset[str]  # words around a name: "my name is really Amina, please"
    name_ends: frozenset[str]  # what goes on after it: "not Anna", "and my e-mail is"
    this_one: frozenset[str]  # the one thing that is proposed
    not_in_names: frozenset[str]  # words that are in nobody's name
    telling: frozenset[str]  # single words that no other of our languages has
    wish_lead_ins: tuple[str, ...]
    links: frozenset[str]  # words that lead on to the next: "register for the"
    joins: frozenset[str]  # links that stand within names: "night of the poets", and point at nothing
    corrections: frozenset[str]  # of what was said before
    denials: frozenset[str]  # what follows is not meant
    pointers: frozenset[str]  # stand for a thing: "the other one"


def lexicons(locale: str) -> tuple[Lexicon, ...]:
    """All languages, the person's own first."""
    own = locale.split("-")[0].lower()
    return tuple(lexicon(language) for language in sorted(LANGUAGES, key=lambda language: language != own))


@lru_cache(maxsize=len(LANGUAGES))
def lexicon(language: str) -> Lexicon:
    data = read_words(language)
    commands = {normalise(p): name for name, phrases in data["commands"].items() for p in phrases}
    numbers = data["numbers"]
    return Lexicon(
        commands=commands,
        yes=_phrases(data["yes"]),
        no=_phrases(data["no"]),
        polite=_phrases(data["polite"]),
        ordinals=_ordinals(data),
        counted={
            normalise(frame.format(word)): n
            for frame in data["number_frames"]
            for word, n in numbers["units"].items()
            if n
        },
        numbers=NumberWords(
            units=dict(numbers["units"]),
            scales=dict(numbers["scales"]),
            scale_first=bool(numbers["scale_first"]),
            joiners=frozenset(numbers["joiners"]),
        ),
        name_lead_ins=tuple(sorted(_phrases(data["name_lead_ins"]), key=len, reverse=True)),
        own_name=tuple(sorted(_phrases(data["own_name"]), key=len, reverse=True)),
        no_name=_phrases(data["no_name"]),
        name_fillers=_phrases(data["name_fillers"]),
        name_ends=_phrases(data["name_ends"]),
        this_one=_phrases(data["this_one"]),
        not_in_names=_phrases(data["not_in_names"]),
        telling=_phrases(data["telling"]),
        corrections=_phrases(data["corrections"]),
        denials=_phrases(data["denials"]),
        pointers=_phrases(data["pointers"]),
        wish_lead_ins=tuple(sorted(_phrases(data["wish_lead_ins"]), key=len, reverse=True)),
        links=_phrases(data["links"]),
        joins=_phrases(data["joins"]),
    )


def read_words(name: str) -> Mapping[str, Any]:
    """One of the files in `words/`."""
    text = resources.files(__package__).joinpath("words", f"{name}.yml").read_text(encoding="utf-8")
    data: Mapping[str, Any] = YAML(typ="safe", pure=True).load(text)
    return data


def _phrases(values: list[Any]) -> frozenset[str]:
    return frozenset(normalise(str(value)) for value in values)


def _ordinals(data: Mapping[str, Any]) -> dict[str, int]:
    found = {
        normalise(frame.format(word)): place
        for frame in data["ordinal_frames"]
        for place, word in enumerate(data["ordinals"], start=1)
    }
    found.update({normalise(frame.format(n)): n for frame in data["ordinal_frames"] for n in range(1, 100)})
    found.update({normalise(phrase): -1 for phrase in data["last"]})
    return found
