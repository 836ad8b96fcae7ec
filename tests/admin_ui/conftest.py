from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.admin_ui.desk import Desks, opened
from tests.support.database import Database


@pytest.fixture
async def desks(database: Database, tmp_path: Path) -> AsyncIterator[Desks]:
    async with opened(tmp_path) as found:
        yield found
