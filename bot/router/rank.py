"""Which flows a sentence is near to, by words alone: their names, descriptions and examples. Offline, in microseconds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.bounded import Bounded
from bot.flows import Compiled, Flow
from bot.flows.words import normalise

__all__ = ["Candidate", "is_question", "rank"]

STEM = 5  # "registration" and "register", "tiketi" and "tikiti za" meet; shorter, strangers do
MAX_CACHED = 256

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


_indexes: Bounded[str, _Index] = Bounded(MAX_CACHED)  # by content hash; derived data only


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
    return _indexes.get(compiled.content_hash) or _indexes.put(compiled.content_hash, _build(compiled))


def _build(compiled: Compiled) -> _Index:
    texts: dict[str, list[str]] = {}
    for flow in compiled.flows.values():
        if not flow.is_pattern:
            plain = flow.id.partition(":")[2].replace("_", " ")
            texts[flow.id] = [flow.name, *flow.names.values(), flow.description, plain]
    for example, flows in compiled.examples.items():
        for flow_id in flows:
            texts.get(flow_id, []).append(example)
    bags = {flow_id: _stems(each) for flow_id, each in texts.items()}
    counts = Counter(stem for bag in bags.values() for stem in bag)
    return _Index(bags, {stem: 1 + math.log(len(bags) / count) for stem, count in counts.items()})


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(
        word[:STEM] for text in texts for word in normalise(text).split() if len(word) > 2 and word not in _EMPTY
    )
