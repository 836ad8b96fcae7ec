"""A stage with the skills of the product, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import Stage
from tests.support.database import Database


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with Stage.open(skills=("assistant", "events")) as opened:
        yield opened
