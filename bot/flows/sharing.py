"""A compiled set beside another that it differs from a little: what is the same is held once.

An organization that words some responses its own way holds these responses; flows, slots and all the rest are those of the
set that everybody uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from bot.flows.compile import compile_flows
from bot.flows.model import Compiled, Flow, Response, Scopes, Slot, Step
from bot.flows.source import ResponseSource, SkillSource

__all__ = ["Layered", "compile_beside"]

K = TypeVar("K")
V = TypeVar("V")
_MISSING: Any = object()

# Conditions and templates are functions, equal only to themselves: of the same source over the same slots they do the same.
_PLAIN = tuple(each.name for each in fields(Step) if each.name not in ("next", "rejections", "named"))


class Layered(Mapping[K, V], Generic[K, V]):
    """`base` with some keys put over it and others taken away; holds only these. Order: the base's, then what was added."""

    __slots__ = ("_base", "_gone", "_over", "_size")

    def __init__(self, base: Mapping[K, V], over: Mapping[K, V], gone: frozenset[K]) -> None:
        self._base, self._over, self._gone = base, over, gone
        self._size = len(base) - len(gone) + sum(1 for key in over if key not in base)

    def __getitem__(self, key: K) -> V:
        if key in self._over:
            return self._over[key]
        if key in self._gone:
            raise KeyError(key)
        return self._base[key]

    def __contains__(self, key: object) -> bool:
        return key in self._over or (key not in self._gone and key in self._base)

    def __iter__(self) -> Iterator[K]:
        yield from (key for key in self._base if key not in self._gone)
        yield from (key for key in self._over if key not in self._base)

    def __len__(self) -> int:
        return self._size


def compile_beside(
    base: Compiled, shipped: Sequence[SkillSource], sources: Sequence[SkillSource], *, default_locale: str = "en"
) -> Compiled:
    """Compiles `sources`, as `compile_flows` does, and takes from `base` (made of `shipped`) every part that came out the same.

    `.diagnostics` holds only what `base` does not say.
    """
    made = compile_flows(sources, default_locale=default_locale)
    if made.content_hash == base.content_hash:
        return base
    same = _Same(base, made, {s.name: s for s in shipped}, {s.name: s for s in sources})
    known = set(base.diagnostics)
    return replace(
        made,
        flows=_layer(base.flows, {key: same.flow(value) for key, value in made.flows.items()}),
        slots=_layer(base.slots, {key: same.slot(value) for key, value in made.slots.items()}),
        responses=_layer(base.responses, {key: same.responses(key, here) for key, here in made.responses.items()}),
        scopes=_layer(base.scopes, {key: _scopes(base.scopes.get(key), value) for key, value in made.scopes.items()}),
        initial=_layer(base.initial, made.initial),
        words=_layer(base.words, made.words),
        examples=_layer(base.examples, made.examples),
        intents=_layer(base.intents, made.intents),
        synonyms=_layer(base.synonyms, made.synonyms),
        entities=_layer(base.entities, made.entities),
        patterns=_layer(base.patterns, made.patterns),
        forms=_layer(base.forms, made.forms),
        session=_layer(base.session, made.session),
        diagnostics=tuple(found for found in made.diagnostics if found not in known),
    )


class _Same:
    """Gives the base's flow, slot or response where that of the new set would do the same."""

    def __init__(
        self, base: Compiled, made: Compiled, old: Mapping[str, SkillSource], new: Mapping[str, SkillSource]
    ) -> None:
        self._base, self._made, self._old, self._new = base, made, old, new
        self._slots_agree: dict[str, bool] = {}
        self._slots: dict[str, Slot] = {}

    def flow(self, flow: Flow) -> Flow:
        held = self._base.flows.get(flow.id)
        if held is None or not self._names_agree(flow.skill):
            return flow
        name = flow.id.partition(":")[2]
        if not self._sources_agree(flow.skill, lambda skill: skill.flows.get(name)):
            return flow
        if not _alike(replace(held, guard=None, steps=()), replace(flow, guard=None, steps=())):
            return flow
        # The sources are the same, so are the conditions; what names mean may have changed around them.
        pairs = zip(held.steps, flow.steps, strict=True)
        return held if all(_same_step(mine, other) for mine, other in pairs) else flow

    def slot(self, slot: Slot) -> Slot:
        held = self._base.slots.get(slot.id)
        if held is None or not self._names_agree(slot.skill):
            return slot
        agree = self._sources_agree(slot.skill, lambda skill: skill.slots.get(slot.name))
        plain = _alike(replace(held, rejections=()), replace(slot, rejections=()))
        utters = [each.utter for each in held.rejections] == [each.utter for each in slot.rejections]
        return held if agree and plain and utters else slot

    def responses(self, locale: str, made: Mapping[str, Response]) -> Mapping[str, Response]:
        here = self._base.responses.get(locale, {})
        return _layer(here, {key: self._response(here.get(key), value, locale) for key, value in made.items()})

    def _response(self, held: Response | None, made: Response, locale: str) -> Response:
        if held is None or held.skill != made.skill or not self._names_agree(made.skill):
            return made
        name = made.id.partition(":")[2]

        def source(skill: SkillSource) -> tuple[ResponseSource | None, ...]:
            locales = (locale,) if locale else ("", self._made.default_locale)
            return tuple(skill.responses.get(each, {}).get(name) for each in locales)

        return held if self._sources_agree(made.skill, source) else made

    def _sources_agree(self, skill: str, part: Any) -> bool:
        old, new = self._old.get(skill), self._new.get(skill)
        if old is new:
            return True
        return old is not None and new is not None and _alike(part(old), part(new))

    def _names_agree(self, skill: str) -> bool:
        """Whether conditions and texts of the skill mean the same slots."""
        found = self._slots_agree.get(skill)
        if found is None:
            old, new = self._base.scopes.get(skill), self._made.scopes.get(skill)
            found = self._slots_agree[skill] = old is not None and new is not None and old.slots == new.slots
        return found


def _same_step(one: Step, other: Step) -> bool:
    if any(not _alike(getattr(one, name), getattr(other, name)) for name in _PLAIN):
        return False
    return [each.utter for each in one.rejections] == [each.utter for each in other.rejections]


def _scopes(held: Scopes | None, made: Scopes) -> Scopes:
    if held is None:
        return made
    if held == made:
        return held
    return Scopes(*(_layer(getattr(held, each.name), getattr(made, each.name)) for each in fields(Scopes)))


def _alike(one: Any, other: Any) -> bool:
    """Equal, also in kind: 1 is not True. Texts of `repr` tell kinds apart at any depth."""
    return one is other or (one == other and repr(one) == repr(other))


def _layer(base: Mapping[K, V], made: Mapping[K, V]) -> Mapping[K, V]:
    over = {key: value for key, value in made.items() if not _alike(base.get(key, _MISSING), value)}
    gone = frozenset(key for key in base if key not in made)
    if not over and not gone:
        return base
    # Little in common: two look-ups instead of one would be for nothing.
    return MappingProxyType(dict(made)) if 2 * len(over) > len(made) + 8 else Layered(base, over, gone)
