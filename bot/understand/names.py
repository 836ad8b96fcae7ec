"""What an organization calls its own things: "the book fair" is one event, "cancel my Night gig ticket" names another.

Skills say which things there are (`bot.skill.names`); here their names are found in a sentence. A name counts as a whole, and by any two
or more of its words, in their order, that no other thing has: "the AI summit" is the AI & Data Summit as long as there is no other such.
One of the words may be mistyped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from bot.flows.entities import Entity, find_known
from bot.flows.words import normalise
from bot.understand.lexicon import LANGUAGES, lexicon

__all__ = ["Names", "denies", "find_by_one_word", "find_names", "index_names", "links"]

MAX_NAME_WORDS = 8  # longer titles are recognised by runs of their first words
MAX_WORDS = 60  # of a text that are looked at; a thing is named sooner
LONG = 5  # letters of a word in which one may be another
_WORD = re.compile(r"[^\W_]+")
MIN_LETTERS = 3  # of a whole name, and of the words at either end of a part of one


class _Thing(NamedTuple):
    entity: str
    value: str
    within: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """`phrases`: words in a row, normalised, and what they may stand for; `words`: each word that tells, and where in which things' names."""

    phrases: Mapping[str, tuple[_Thing, ...]] = field(default_factory=dict)
    words: Mapping[str, Mapping[_Thing, int]] = field(default_factory=dict)


def index_names(things: Mapping[str, Sequence[tuple[str, str, str | None]]]) -> Names:
    """`things`: entity to what there is of it, as `bot.skill.Named`."""
    whole: dict[str, list[_Thing]] = {}
    parts: dict[str, list[_Thing]] = {}
    by_word: dict[str, dict[_Thing, int]] = {}
    small = links()
    for entity, named in things.items():
        for value, name, within in named:
            thing = _Thing(entity, value, within, name)
            words = normalise(name)
            if len(words) >= MIN_LETTERS:
                _add(whole, words, thing)
            for part in _parts(words.split()[:MAX_NAME_WORDS]):
                _add(parts, part, thing)
            for place, word in enumerate(words.split()[:MAX_NAME_WORDS]):
                if len(word) > 1 and word not in small:
                    by_word.setdefault(word, {}).setdefault(thing, place)
    # Where a part belongs to several things it names none of them.
    shared = {
        words for words, found in parts.items() if len({(each.entity, each.within) for each in found}) < len(found)
    }
    kept = {words: tuple(found) for words, found in parts.items() if words not in shared}
    return Names({**kept, **{words: tuple(found) for words, found in whole.items()}}, by_word)


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
    found = [(thing, span) for thing, span in _stand(names, text) if not _is_denied(text, span)]
    settled = _only_one([(thing, span) for thing, span in found if thing.within is None])
    beside = {str(each.value) for each in settled} or set(map(str, known))
    inner = [(thing, span) for thing, span in found if thing.within is not None and thing.within in beside]
    return sorted([*settled, *_only_one(inner)], key=lambda each: each.start)


def find_by_one_word(names: Names, text: str, known: Collection[Any]) -> list[Entity]:
    """ "The summit" is too little to name a thing by the way; where a correction is expected it may do, if only one has that word."""
    found, outer = [], {str(each) for each in known}
    for told in _told(names, text, ()):
        things = [each for each in told.things if each.within is None or each.within in outer]
        if len(things) == 1 and not told.is_typo and not _is_denied(text, told.span):
            found.append((things[0], told.span))
    return _only_one(found) if len({thing for thing, _ in found}) == 1 else []


def denies(names: Names, text: str) -> bool:
    """A thing is named as what is not meant: "not the book fair"."""
    return any(_is_denied(text, span) for _, span in _stand(names, text))


def _is_denied(text: str, span: tuple[int, int]) -> bool:
    return _denial().search(text[: span[0]].lower()) is not None


@lru_cache(maxsize=1)
def _denial() -> re.Pattern[str]:
    """At the end of what stands before a name: "not", "instead of our"."""
    denials = "|".join(sorted(each for language in LANGUAGES for each in lexicon(language).denials))
    between = "|".join(sorted(links()))
    return re.compile(rf"(?:^|\W)(?:{denials})\s+(?:(?:{between})\s+)*$")


def _stand(names: Names, text: str) -> list[tuple[_Thing, tuple[int, int]]]:
    """All things that the words may name, and where they stand."""
    found = list(find_known(names.phrases, text))
    return [*found, *_by_words(names, text, [span for _, span in found])]


def _by_words(names: Names, text: str, taken: Sequence[tuple[int, int]]) -> Iterator[tuple[_Thing, tuple[int, int]]]:
    """What runs of telling words name together, the longest first, beside what is found already."""
    run: list[_Told] = []
    for told in [*_told(names, text, taken), None]:
        if told is not None and told.things:
            run.append(told)
        elif told is None or not told.is_small:
            yield from _of_run(run)
            run = []


class _Told(NamedTuple):
    """A word of the text. `things`: whose names it is in, and where; `is_small`: it may stand between two such."""

    span: tuple[int, int]
    things: Mapping[_Thing, int]
    is_small: bool = False
    is_typo: bool = False


def _told(names: Names, text: str, taken: Sequence[tuple[int, int]]) -> Iterator[_Told]:
    small = frozenset().union(*(lexicon(language).joins for language in LANGUAGES))
    for match in list(_WORD.finditer(text))[:MAX_WORDS]:
        start, end = match.span()
        word = normalise(match.group())
        if any(start < there and here < end for here, there in taken):
            yield _Told((start, end), {})
        elif (things := names.words.get(word)) is not None:
            yield _Told((start, end), things)
        elif word in small or not word:
            yield _Told((start, end), {}, is_small=True)
        else:
            likely = [known for known in names.words if is_slip(word, known)] if len(word) >= MIN_LETTERS else []
            yield _Told((start, end), names.words[likely[0]] if len(likely) == 1 else {}, is_typo=True)


def _of_run(run: Sequence[_Told]) -> Iterator[tuple[_Thing, tuple[int, int]]]:
    at = 0
    while at < len(run):
        for end in range(len(run), at + 1, -1):
            thing = _named(run[at:end])
            if thing is not None:
                yield thing, (run[at].span[0], run[end - 1].span[1])
                at = end - 1
                break
        at += 1


def _named(words: Sequence[_Told]) -> _Thing | None:
    """The one thing in whose name all of them stand in this order. Half of what one says is spelled right."""
    if 2 * sum(each.is_typo for each in words) > len(words):
        return None
    having = [
        thing
        for thing in words[0].things
        if all(thing in each.things for each in words)
        and all(one.things[thing] < other.things[thing] for one, other in pairwise(words))
    ]
    return having[0] if len(having) == 1 else None


def is_slip(word: str, meant: str) -> bool:
    """One letter too many, one missing, two swapped; in longer words also one that is another."""
    if abs(len(word) - len(meant)) > 1 or len(meant) < MIN_LETTERS or word == meant:
        return False
    same = next((n for n, (a, b) in enumerate(zip(word, meant, strict=False)) if a != b), min(len(word), len(meant)))
    a, b = word[same:], meant[same:]
    if len(a) != len(b):
        return (a[1:] == b) if len(a) > len(b) else (a == b[1:])
    swapped = a[2:] == b[2:] and a[:2] == b[1::-1]
    return swapped or (len(meant) >= LONG and a[1:] == b[1:])


def _only_one(found: Sequence[tuple[_Thing, tuple[int, int]]]) -> list[Entity]:
    values: dict[str, set[Any]] = {}
    for thing, _ in found:
        values.setdefault(thing.entity, set()).add(thing.value)
    return [
        Entity(thing.entity, thing.value, *span, title=thing.name)
        for thing, span in found
        if len(values[thing.entity]) == 1
    ]
