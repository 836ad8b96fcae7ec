from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from bot.conversations import Said, Thread, thread
from bot.identity import Principal
from bot.identity.roles import Role, permissions_of
from bot.messages import Outbound
from bot.testing import Stage
from bot.testing.people import QUICK_HASHES, enrol
from bot.unit import Unit, open_unit
from store.crypto import OrganizationKeys, keyring
from store.tenancy import organization_scope
from tests.support.database import Database


@dataclass
class Room:
    """A stage with two people of the organization at its inbox."""

    stage: Stage
    wanja: Principal  # an admin
    otieno: Principal  # an event manager
    keys: OrganizationKeys

    @asynccontextmanager
    async def work(self, who: Principal | None = None) -> AsyncIterator[Unit]:
        """One gesture; what follows from it has happened when it is over."""
        actor = (who or self.wanja).actor
        async with open_unit(self.stage.runtime, self.stage.organization_id, actor=actor) as unit:
            yield unit
        await self.stage.settle()

    async def thread(self, conversation_id: UUID, **how: object) -> Thread:
        with organization_scope(self.stage.organization_id):
            return await thread(conversation_id, self.keys, **how)  # type: ignore[arg-type]

    async def said(self, conversation_id: UUID) -> list[tuple[str, Outbound]]:
        items = (await self.thread(conversation_id)).items
        return [(each.direction, each.part) for each in items if isinstance(each, Said)]

    async def a_day_later(self) -> None:
        await self.stage.move(timedelta(hours=25))


@pytest.fixture
async def room(database: Database) -> AsyncIterator[Room]:
    async with Stage.open(skills=("assistant", "events"), settings=QUICK_HASHES) as stage:
        wanja = await principal(stage, "wanja@savanna.example", "Wanja Kamau", Role.ADMIN)
        otieno = await principal(stage, "otieno@savanna.example", "Otieno", Role.EVENT_MANAGER)
        yield Room(stage, wanja, otieno, await keyring().keys(stage.organization_id))


async def principal(stage: Stage, email: str, name: str, role: Role) -> Principal:
    user_id = await enrol(stage.runtime, stage.organization_id, email, role, name=name)
    return Principal("user", user_id, stage.organization_id, permissions_of(role), name=name)
