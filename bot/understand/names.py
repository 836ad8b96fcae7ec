"""What an organization calls its own things: "the book fair" is one event, "cancel my Night gig ticket" names another.

Skills say which things there are (`bot.skill.names`); here their names are found in a sentence. A name counts as a whole, and by any two
or more of its words in a row that no other thing shares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from bot.flows.entities import Entity, find_known
from bot.flows.words import normalise
from bot.understand.lexicon import LANGUAGES, lexicon

__all__ = ["Names", "find_names", "index_names", "links"]

MAX_NAME_WORDS = 8  # longer titles are recognised by runs of their first words
MIN_LETTERS = 3  # of a whole name, and of the words at either end of a part of one


class _Thing(NamedTuple):
    entity: str
    value: str
    within: str | None


Names = Mapping[str, tuple[_Thing, ...]]  # words, normalised -> what they may stand for


def index_names(things: Mapping[str, Sequence[tuple[str, str, str | None]]]) -> Names:
    """`things`: entity to what there is of it, as `bot.skill.Named`."""
    whole: dict[str, list[_Thing]] = {}
    parts: dict[str, list[_Thing]] = {}
    for entity, named in things.items():
        for value, name, within in named:
            thing = _Thing(entity, value, within)
            words = normalise(name)
            if len(words) >= MIN_LETTERS:
                _add(whole, words, thing)
            for part in _parts(words.split()[:MAX_NAME_WORDS]):
                _add(parts, part, thing)
    # Where a part belongs to several things it names none of them.
    shared = {
        words for words, found in parts.items() if len({(each.entity, each.within) for each in found}) < len(found)
    }
    kept = {words: tuple(found) for words, found in parts.items() if words not in shared}
    return {**kept, **{words: tuple(found) for words, found in whole.items()}}


def links() -> frozenset[str]:
    return frozenset().union(*(lexicon(language).links for language in LANGUAGES))


def _add(index: dict[str, list[_Thing]], words: str, thing: _Thing) -> None:
    known = index.setdefault(words, [])
    if thing not in known:
        known.append(thing)


def _parts(words: Sequence[str]) -> list[str]:
    small = links()
    ends = [len(word) >= MIN_LETTERS and word not in small for word in words]
    return [
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 2, len(words) + 1)
        if ends[start] and ends[end - 1]
    ]


def find_names(names: Names, text: str, known: Collection[Any] = ()) -> list[Entity]:
    """In the order of the text; of an entity only when the sentence names one thing. `known`: values that are settled already."""
    found = list(find_known(names, text))
    settled = _only_one([(thing, span) for thing, span in found if thing.within is None])
    beside = {*(str(each.value) for each in settled), *map(str, known)}
    inner = [(thing, span) for thing, span in found if thing.within is not None and thing.within in beside]
    return sorted([*settled, *_only_one(inner)], key=lambda each: each.start)


def _only_one(found: Sequence[tuple[_Thing, tuple[int, int]]]) -> list[Entity]:
    values: dict[str, set[Any]] = {}
    for thing, _ in found:
        values.setdefault(thing.entity, set()).add(thing.value)
    return [Entity(thing.entity, thing.value, *span) for thing, span in found if len(values[thing.entity]) == 1]
