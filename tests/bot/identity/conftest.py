from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import Stage
from bot.testing.people import QUICK_HASHES
from bot.testing.stage import found_organization
from tests.bot.identity.office import Office
from tests.support.database import Database


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with Stage.open(skills=("stall",), package="tests.bot.identity.skills", settings=QUICK_HASHES) as stage:
        other_id, _ = await found_organization("Pwani Makers", "sw", ("stall",))
        yield Office(stage, other_id)
