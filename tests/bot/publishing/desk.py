"""An editor at work: each verb in a unit of work of its own, as an admin page would have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.flows import Compiled, Diagnostic
from bot.publishing import service
from bot.testing import Stage
from bot.unit import open_unit

__all__ = ["Desk"]


@dataclass
class Desk:
    stage: Stage
    who: str = "user:jane"
    organization_id: UUID | None = None

    async def open(self, skill: str = "shop") -> service.Draft:
        return await self._do(service.open_draft, skill)

    async def save(self, path: str, text: str | None, *, revision: int | None = None) -> service.Draft:
        draft = await self.open()
        return await self._do(service.save, "shop", path, text, revision=revision or draft.revision)

    async def publish(self, path: str = "", text: str | None = "", *, skill: str = "shop") -> service.Version:
        """Saves the file, if one is named, and publishes."""
        draft = await self.open(skill)
        if path:
            draft = await self._do(service.save, skill, path, text, revision=draft.revision)
        return await self.publish_seen(draft.revision, skill=skill)

    async def publish_seen(self, revision: int, *, skill: str = "shop") -> service.Version:
        examined = await service.examine(self.stage.runtime, self.at, skill, revision=revision)
        made: service.Version = await self._do(service.publish, examined)
        self.stage.runtime.directory.forget()
        return made

    async def roll_back(self, to: int, current: int, *, skill: str = "shop") -> service.Version:
        examined = await service.examine_version(self.stage.runtime, self.at, skill, to)
        made: service.Version = await self._do(service.roll_back, examined, current=current)
        self.stage.runtime.directory.forget()
        return made

    async def examine(self, *, skill: str = "shop") -> service.Examined:
        await self.open(skill)
        return await service.examine(self.stage.runtime, self.at, skill)

    async def check(self) -> list[Diagnostic]:
        return list((await self.examine()).diagnostics)

    async def compiled(self) -> Compiled:
        return await service.compiled_draft(self.stage.runtime, self.at, "shop")

    @property
    def at(self) -> UUID:
        return self.organization_id or self.stage.organization_id

    async def do(self, verb: Any, *values: Any, **named: Any) -> Any:
        return await self._do(verb, *values, **named)

    async def _do(self, verb: Any, *values: Any, **named: Any) -> Any:
        async with open_unit(self.stage.runtime, self.at, actor=self.who) as work:
            return await verb(work, *values, **named)
