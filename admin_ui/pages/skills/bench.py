"""The open draft of one skill: what the workshop's parts share, and every change that they make to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from admin_ui.kit import Desk, Missing
from bot.flows import Compiled, SkillSource
from bot.flows.diagnostics import Diagnostic
from bot.publishing import Overlay, service
from bot.publishing.examine import with_draft
from bot.publishing.rows import Draft, Version, shipped_files
from bot.publishing.serve import compiled_for
from bot.publishing.stranded import stranded
from bot.registry import Skill
from bot.unit import Unit, open_unit

__all__ = ["Bench", "open_bench"]


@dataclass(slots=True)
class Bench:
    """`texts`: every file as the draft has it. `told`: what the last examination said."""

    desk: Desk
    skill: Skill
    draft: Draft
    texts: dict[str, str] = field(default_factory=dict)
    told: tuple[Diagnostic, ...] = ()

    def take(self, draft: Draft) -> None:
        self.draft = draft
        shipped = shipped_files(self.skill)
        over = {path: text for path, text in draft.files.items() if text is not None}
        self.texts = {
            path: over.get(path, shipped.get(path, ""))
            for path in sorted({*shipped, *over})
            if path not in draft.files or draft.files[path] is not None
        }

    @property
    def changed(self) -> Mapping[str, str | None]:
        """Files that are not as shipped."""
        return self.draft.files

    async def write(self, path: str, text: str | None, *, over: bool = False) -> None:
        """
        Args:
            over: also when somebody else wrote meanwhile; the caller has seen it.

        Raises:
            Moved: somebody else did.
        """
        async with self._unit() as work:
            revision = (await service.open_draft(work, self.skill.name)).revision if over else self.draft.revision
            self.take(await service.save(work, self.skill.name, path, text, revision=revision))

    async def again(self) -> None:
        """As it stands now, whoever wrote it."""
        async with self._unit() as work:
            self.take(await service.open_draft(work, self.skill.name))

    async def throw_away(self) -> None:
        async with self._unit() as work:
            self.take(await service.discard(work, self.skill.name, revision=self.draft.revision))

    async def look(self) -> tuple[Diagnostic, ...]:
        examined = await service.examine(self.desk.runtime, self.desk.organization.id, self.skill.name)
        self.told = examined.diagnostics
        return self.told

    async def compiled(self) -> Compiled:
        return await service.compiled_draft(self.desk.runtime, self.desk.organization.id, self.skill.name)

    async def overlays(self) -> Mapping[str, Overlay]:
        """The draft, and what is published beside it, by skill."""
        around = await with_draft(self.desk.runtime, self.desk.organization.id, self.skill.name)
        return around.overlays

    @property
    def source(self) -> SkillSource:
        """The skill as the draft words it."""
        return self.desk.runtime.registry.source(self.skill.name, Overlay(self.draft.files))

    async def changes(self) -> list[service.FileChange]:
        async with self._unit() as work:
            return await service.diff(work, self.skill.name)

    async def versions(self) -> list[Version]:
        async with self._unit() as work:
            return await service.versions(work, self.skill.name)

    async def stranded(self) -> int:
        """How many conversations would lose their place."""
        profile = await self.desk.runtime.directory.organization(self.desk.organization.id)
        counts = await compiled_for(self.desk.runtime, profile)
        found = await stranded(self.desk.organization.id, await self.compiled(), old=counts)
        return sum(each.conversations for each in found)

    async def publish(self, note: str) -> Version:
        """
        Raises:
            Moved, NotSound, Refused: as `bot.publishing.publish`.
        """
        organization = self.desk.organization.id
        examined = await service.examine(self.desk.runtime, organization, self.skill.name, revision=self.draft.revision)
        async with self._unit() as work:
            made = await service.publish(work, examined, note=note)
            self.take(await service.open_draft(work, self.skill.name))
        return made

    async def stand_on_newest(self) -> None:
        """The draft was made from an older version, and may replace the one that counts."""
        async with self._unit() as work:
            self.take(await service.rebase(work, self.skill.name, revision=self.draft.revision))

    async def roll_back(self, to: int, current: int) -> Version:
        """Publishes an older version again; 0: as shipped.

        Raises:
            Moved, NotSound: as `bot.publishing.service.roll_back`.
        """
        organization = self.desk.organization.id
        examined = await service.examine_version(self.desk.runtime, organization, self.skill.name, to)
        async with self._unit() as work:
            made = await service.roll_back(work, examined, current=current)
            self.take(await service.open_draft(work, self.skill.name))
        return made

    def _unit(self) -> AbstractAsyncContextManager[Unit]:
        return open_unit(self.desk.runtime, self.desk.organization.id, actor=self.desk.principal.actor)


async def open_bench(desk: Desk, name: str) -> Bench:
    """
    Raises:
        Missing: there is no such skill, or it is broken as shipped.
    """
    skill = desk.runtime.registry.skills.get(name)
    if skill is None or skill.off or skill.source is None:
        raise Missing(f"there is no skill {name}")
    async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
        draft = await service.open_draft(work, name)
    bench = Bench(desk, skill, draft)
    bench.take(draft)
    return bench
