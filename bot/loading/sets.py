"""Skills compiled together, as shipped and with what an organization made of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from bot.bounded import Bounded
from bot.flows import Compiled, Diagnostic, SkillSource, compile_beside, compile_flows, load_skill
from bot.loading.read import give_what_the_manifest_says
from bot.loading.skill import Skill
from bot.publishing.overlay import Overlay

__all__ = ["CompiledSets"]

log = logging.getLogger(__name__)

# Compiled sets at hand: those of skills as shipped, and those of organizations with versions of their own, which hold
# only what differs (`python -m benchmarks overrides` measures it).
MAX_COMPILED = 2_000


class CompiledSets:
    """The lately used ones of one process. `names`: of usable skills only, see `usable`."""

    def __init__(self, skills: Mapping[str, Skill]) -> None:
        self._skills = skills
        self._compiled: Bounded[tuple[tuple[str, str], ...], Compiled] = Bounded(MAX_COMPILED)

    def usable(self, enabled: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in enabled if name in self._skills and not self._skills[name].off)

    def held(self, names: Sequence[str], versions: Mapping[str, str]) -> Compiled | None:
        return self._compiled.get(tuple((name, versions.get(name, "")) for name in names))

    def compiled(self, names: Sequence[str], overlays: Mapping[str, Overlay]) -> Compiled:
        own = _own(names, overlays)
        key = tuple((name, own[name].dialogue_hash if name in own else "") for name in names)
        found = self._compiled.get(key)
        if found is not None:
            return found
        if not own:
            return self._compiled.put(key, compile_flows(self.sources(names)))
        return self._compiled.put(key, self._compile_beside(names, own))

    def faults(self, names: Sequence[str], overlays: Mapping[str, Overlay]) -> list[Diagnostic]:
        own = _own(names, overlays)
        made = {name: self.source(name, overlay) for name, overlay in own.items()}
        known = {each for name in own if (source := self._skills[name].source) for each in source.diagnostics}
        found = [each for source in made.values() for each in source.diagnostics if each not in known]
        compiled = compile_beside(self.compiled(names, {}), self.sources(names), self.sources(names, made))
        return found + [each for each in compiled.diagnostics if each not in found and each not in known]

    def source(self, name: str, overlay: Overlay | None = None) -> SkillSource:
        shipped = self._skills[name].source
        assert shipped is not None
        if overlay is None or not overlay.dialogue_hash:
            return shipped
        source = load_skill(name, overlay.over(shipped.files))
        give_what_the_manifest_says(source, self._skills[name].manifest)
        return source

    def sources(self, names: Iterable[str], made: Mapping[str, SkillSource] | None = None) -> list[SkillSource]:
        found = [(made or {}).get(name) or self._skills[name].source for name in names]
        return [source for source in found if source is not None]

    def _compile_beside(self, names: Sequence[str], own: Mapping[str, Overlay]) -> Compiled:
        base = self.compiled(names, {})
        made = {name: self.source(name, overlay) for name, overlay in own.items()}
        found = compile_beside(base, self.sources(names), self.sources(names, made))
        told = (*found.diagnostics, *(each for source in made.values() for each in source.diagnostics))
        if not any(each.severity == "error" for each in told):
            return found
        fitting = self._fitting(names, own)
        made = {name: self.source(name, overlay) for name, overlay in fitting.items()}
        return compile_beside(base, self.sources(names), self.sources(names, made))

    def _fitting(self, names: Sequence[str], own: Mapping[str, Overlay]) -> dict[str, Overlay]:
        """Published against an earlier version of the skill: only those that still fit are taken."""
        fitting: dict[str, Overlay] = {}
        for name, overlay in own.items():
            if any(each.severity == "error" for each in self.faults(names, {**fitting, name: overlay})):
                log.error("published version does not fit the skill any more", extra={"skill": name})
            else:
                fitting[name] = overlay
        return fitting


def _own(names: Sequence[str], overlays: Mapping[str, Overlay]) -> dict[str, Overlay]:
    return {name: overlay for name, overlay in overlays.items() if name in names and overlay.dialogue_hash}
