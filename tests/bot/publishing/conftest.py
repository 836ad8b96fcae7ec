from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import Stage
from tests.support.database import Database


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with Stage.open(skills=("shop", "tour"), package="tests.bot.publishing.skills") as opened:
        yield opened
