from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.channels.api.office import Office, open_office
from tests.support.database import Cluster


@pytest.fixture
async def office(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(cluster, tmp_path) as opened:
        yield opened
