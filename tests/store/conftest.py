"""The store's foundation is tested on a small app of its own, so that these tests say nothing about the product's tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from store.ids import uuid7
from tests.store.sample import SAMPLE
from tests.support.database import Cluster, Database, connected


@pytest.fixture
async def sample(cluster: Cluster) -> AsyncIterator[Database]:
    async with cluster.clone([SAMPLE]) as fresh, connected(fresh, [SAMPLE]):
        yield fresh


@pytest.fixture
def ours() -> UUID:
    return uuid7()


@pytest.fixture
def theirs() -> UUID:
    return uuid7()
