from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.registry import Registry
from store.models import SkillInstall
from store.tenancy import organization_scope
from tests.bot.turn.hand import HAND, Hand
from tests.support.database import Cluster
from tests.support.world import World, open_world

ProbeWorld = Callable[..., Awaitable[World]]


@pytest.fixture(autouse=True)
def hand() -> Hand:
    HAND.__init__()  # type: ignore[misc]  # one object: the skill's modules hold it
    return HAND


@pytest.fixture
async def probe_world(cluster: Cluster, tmp_path: Path) -> AsyncIterator[ProbeWorld]:
    """Opens the world with the probe as the only skill of both organizations; settings as in `open_world`."""
    async with AsyncExitStack() as stack:

        async def start(**settings: str) -> World:
            world = await stack.enter_async_context(open_world(cluster, tmp_path, **settings))
            world.runtime.registry = Registry.load(
                context=world.runtime.skill_context, queue="all", package="tests.bot.turn.skills"
            )
            assert [skill.name for skill in world.runtime.registry.usable] == ["probe"]
            for person in world.people:
                with organization_scope(person.id):
                    await SkillInstall.all().delete()
                    await SkillInstall.create(skill="probe", position=0)
            world.runtime.directory.forget()
            return world

        yield start


@pytest.fixture
async def world(probe_world: ProbeWorld) -> World:
    return await probe_world()
