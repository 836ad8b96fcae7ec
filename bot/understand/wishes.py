"""Which flow a sentence asks for: by its own words, by examples, by its name; and the examples that sentences are compared with."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.bounded import Bounded
from bot.flows import Clarify, Command, Compiled, FlowState, StartFlow, can_start
from bot.flows.words import normalise
from bot.understand.lexicon import LANGUAGES, lexicon, read_words
from bot.understand.match import CHATTER, ENGINE, Example, Matcher

__all__ = [
    "MATCHERS_B",
    "exact_wish",
    "examples_of",
    "is_prepared",
    "matcher_by_letters",
    "near_wish",
    "prepare",
    "wishes_hash",
]

NEAR = 0.6  # share of common words; below it, sentences meet that only share "my" and "the"
MARGIN = 0.15
MAX_HASHES = 4_000  # more than there are compiled sets at hand
MAX_INDEXES = 256
MATCHERS_B = 256_000_000  # of one process; about 1.2 MB for the skills as shipped, so 200 organizations with examples of their own
WORDS_OF_A_SENTENCE = 3
FEW_EXAMPLES = 3  # below, a flow's description helps


@dataclass(frozen=True, slots=True)
class _Index:
    """`names`: a flow's name in every language; `tokens`: the words of each example and name, with its flows."""

    names: Mapping[str, tuple[str, ...]]
    tokens: tuple[tuple[frozenset[str], tuple[str, ...]], ...]


# Derived data only. By `wishes_hash`: what organizations word their own way are mostly answers, and then they share these.
_hashes: Bounded[str, str] = Bounded(MAX_HASHES)
_indexes: Bounded[str, _Index] = Bounded(MAX_INDEXES)
_matchers: Bounded[str, Matcher] = Bounded(MATCHERS_B, lambda matcher: matcher.size_b)
_building = threading.Lock()


def exact_wish(words: str, state: FlowState, compiled: Compiled) -> list[Command]:
    """The flow (or the choice between flows) that these very words ask for."""
    found = compiled.examples.get(words, ()) + _index(compiled).names.get(words, ())
    return _as_commands(list(dict.fromkeys(found)), state, compiled)


def near_wish(words: str, state: FlowState, compiled: Compiled) -> list[Command]:
    """The flow with an example (or name) of nearly these words; a choice when two are about as near."""
    tokens = _content(words)
    if not tokens:
        return []
    best: dict[str, float] = {}
    for known, flows in _index(compiled).tokens:
        common = len(tokens & known)
        if not common:
            continue
        score = common / len(tokens | known)
        for flow in flows:
            if score > best.get(flow, 0.0) and can_start(compiled, state, flow):
                best[flow] = score
    if not best or max(best.values()) < NEAR:
        return []
    top = max(best.values())
    return _as_commands([flow for flow, score in best.items() if top - score < MARGIN], state, compiled)


def wishes_hash(compiled: Compiled) -> str:
    """Of all that tells which flow a sentence asks for, and of nothing else."""
    known = _hashes.get(compiled.content_hash)
    if known is not None:
        return known
    flows = [
        (flow.id, flow.name, sorted(flow.names.items()), flow.description, flow.aside)
        for flow in compiled.flows.values()
        if not flow.is_pattern
    ]
    told = (list(compiled.examples.items()), list(compiled.words.items()), flows)
    return _hashes.put(compiled.content_hash, hashlib.sha256(repr(told).encode()).hexdigest())


def matcher_by_letters(compiled: Compiled) -> Matcher:
    """Shared by all with the same examples, and made once; a third of a second for ours, see `prepare`."""
    key = wishes_hash(compiled)
    known = _matchers.get(key)
    if known is not None:
        return known
    with _building:
        return _matchers.get(key) or _matchers.put(key, Matcher(examples_of(compiled)))


def is_prepared(compiled: Compiled) -> bool:
    return _matchers.get(wishes_hash(compiled)) is not None


def prepare(compiled: Compiled) -> None:
    """Makes what a message is compared with; to be called in a thread, so that no other conversation waits for it."""
    _index(compiled)
    matcher_by_letters(compiled)


def examples_of(compiled: Compiled) -> list[Example]:
    """All that a sentence is compared with: examples, names, words and short descriptions of flows; what the engine does; chatter.

    An example of two flows is left out: its very words lead to a choice by themselves.
    """
    told: dict[str, set[str]] = {}
    for text, named in (*compiled.examples.items(), *_index(compiled).names.items()):
        told.setdefault(text, set()).update(named)
    for text, flow_id in compiled.words.items():
        if compiled.flows[flow_id].aside and len(text.split()) < WORDS_OF_A_SENTENCE:
            continue  # "where" and "how much" mean it by themselves, not in "how much is bread"
        told.setdefault(text, set()).add(flow_id)
    count = Counter(flow_id for flows in told.values() for flow_id in flows)
    for flow in compiled.flows.values():
        if flow.description and not flow.is_pattern and count[flow.id] <= FEW_EXAMPLES:
            told.setdefault(normalise(flow.description), set()).add(flow.id)
    found = [Example(text, next(iter(flows))) for text, flows in told.items() if text and len(flows) == 1]
    return [*found, *(each for each in _background() if each.text not in told)]


@lru_cache(maxsize=1)
def _background() -> tuple[Example, ...]:
    return tuple(
        Example(normalise(text), CHATTER if name == "chatter" else ENGINE + name)
        for name, texts in read_words("wishes").items()
        for text in texts
    )


def _as_commands(flows: list[str], state: FlowState, compiled: Compiled) -> list[Command]:
    startable = [flow for flow in flows if can_start(compiled, state, flow)]
    if not startable:
        return []
    return [StartFlow(startable[0])] if len(startable) == 1 else [Clarify(tuple(startable))]


def _index(compiled: Compiled) -> _Index:
    key = wishes_hash(compiled)
    return _indexes.get(key) or _indexes.put(key, _build(compiled))


def _build(compiled: Compiled) -> _Index:
    names: dict[str, tuple[str, ...]] = {}
    for flow in compiled.flows.values():
        if flow.is_pattern:
            continue
        plain = flow.id.partition(":")[2]
        own = plain.removeprefix(f"{flow.skill}_")  # ids carry the skill's name by house style, people do not say it
        for key in {normalise(name) for name in (flow.name, *flow.names.values(), plain, own)}:
            names[key] = (*names.get(key, ()), flow.id)
    tokens = [(_content(text), flows) for text, flows in (*compiled.examples.items(), *names.items())]
    return _Index(names, tuple((words, flows) for words, flows in tokens if words))


# Words that most sentences share and that say nothing about the wish.
_EMPTY_EN = (
    "i",
    "a",
    "an",
    "the",
    "to",
    "my",
    "me",
    "want",
    "would",
    "like",
    "can",
    "you",
    "for",
    "of",
    "is",
    "at",
    "in",
)
_EMPTY_SW = ("na", "ya", "wa", "la", "kwa", "ni", "nataka", "ningependa", "yangu", "za", "cha")
_EMPTY_WORDS = frozenset((*_EMPTY_EN, *_EMPTY_SW))


def _content(words: str) -> frozenset[str]:
    polite = frozenset().union(*(lexicon(language).polite for language in LANGUAGES))
    return frozenset(words.split()) - _EMPTY_WORDS - polite
