"""Which flows a sentence is near to, by words alone: their names, descriptions and examples. Offline, in microseconds."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.bounded import Bounded
from bot.flows import Compiled, Flow
from bot.flows.words import normalise
from bot.understand import wishes_hash

__all__ = ["Candidate", "is_question", "rank"]

STEM = 5  # "registration" and "register", "tiketi" and "tikiti za" meet; shorter, strangers do
MAX_INDEXES = 256
MAX_STEMS = 1_000_000  # in bags that are kept, of all organizations: some 60 MB

_ASKS = frozenset(normalise("""
    what when where who whom whose which why how is are am do does did can could will would should has have
    nini lini wapi nani gani kwanini mbona vipi je ngapi kuna naweza inawezekana
""").split())  # fmt: skip

# Words of which no flow can be told.
_EMPTY = _ASKS | frozenset(normalise("""
    the and for from with about that this these those there here you your yours mine our not but was were been want need like please
    just some any all one get give tell let out off into thing something kwa hii hiyo yangu yako yetu nataka naomba ningependa tafadhali
""").split())  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """`score`: 0 to 1, the share of the sentence's meaning that the flow's words cover."""

    flow: Flow
    score: float


@dataclass(frozen=True, slots=True)
class _Index:
    bags: Mapping[str, frozenset[str]]
    weights: Mapping[str, float]  # rare words say more


# Derived data only. Indexes by what tells wishes apart, so whoever only answers in words of their own shares one; bags by a flow's own texts, so
# one flow that is worded anew leaves the others' as they are.
_indexes: Bounded[str, _Index] = Bounded(MAX_INDEXES)
_bags: Bounded[bytes, frozenset[str]] = Bounded(MAX_STEMS, len)


def is_question(text: str) -> bool:
    words = normalise(text).split()
    return text.rstrip().endswith("?") or bool(words and (words[0] in _ASKS or words[-1] in ("wapi", "lini", "nini")))


def rank(text: str, flows: Sequence[Flow], compiled: Compiled, *, first: str, top: int) -> list[Candidate]:
    """The `top` nearest, best first; among equals those of skill `first`, then one of each skill in turn, answers in passing last.

    Flows that want to be in every prompt are always there.
    """
    index = _index(compiled)
    stems = _stems([text])
    whole = sum(index.weights.get(stem, 1.0) for stem in stems) or 1.0
    scored = []
    so_far: Counter[str] = Counter()  # of each skill: a long list of one must not crowd out the others
    for n, flow in enumerate(flows):
        so_far[flow.skill] += 1
        common = stems & index.bags.get(flow.id, frozenset())
        score = sum(index.weights.get(stem, 1.0) for stem in common) / whole
        place = (-score, flow.skill != first, flow.aside, so_far[flow.skill], n)
        scored.append((*place, Candidate(flow, round(score, 3))))
    ordered = [each for *_, each in sorted(scored, key=lambda entry: entry[:5])]
    kept = [each for each in ordered if each.flow.always_include_in_prompt][:top]
    others = [each for each in ordered if each not in kept][: top - len(kept)]
    return [each for each in ordered if each in kept or each in others]


def _index(compiled: Compiled) -> _Index:
    key = wishes_hash(compiled)
    return _indexes.get(key) or _indexes.put(key, _build(compiled))


def _build(compiled: Compiled) -> _Index:
    texts: dict[str, list[str]] = {}
    for flow in compiled.flows.values():
        if not flow.is_pattern:
            plain = flow.id.partition(":")[2].replace("_", " ")
            texts[flow.id] = [flow.name, *flow.names.values(), flow.description, plain]
    for example, flows in compiled.examples.items():
        for flow_id in flows:
            texts.get(flow_id, []).append(example)
    bags = {flow_id: _bag(each) for flow_id, each in texts.items()}
    counts = Counter(stem for bag in bags.values() for stem in bag)
    return _Index(bags, {stem: 1 + math.log(len(bags) / count) for stem, count in counts.items()})


def _bag(texts: Sequence[str]) -> frozenset[str]:
    key = hashlib.sha256("\n".join(texts).encode()).digest()[:16]
    found = _bags.get(key)
    return found if found is not None else _bags.put(key, _stems(texts))


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(
        word[:STEM] for text in texts for word in normalise(text).split() if len(word) > 2 and word not in _EMPTY
    )
