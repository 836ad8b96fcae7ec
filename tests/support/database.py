"""A PostgreSQL for the run, and a fresh copy of the migrated database for every test that asks for `database`.

One cluster per xdist worker: it starts within a second, ends with its process however that dies, and needs no agreement between workers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.testing.database import Cluster, Database, all_apps, connected
from store.embedded import EmbeddedPostgres

__all__ = ["Cluster", "Database", "all_apps", "blank_database", "cluster", "connected", "database"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), tests=True).start()
    try:
        yield Cluster(server)
    finally:
        server.remove()


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """The whole schema, empty, with `store.db` connected to it as `chatnation_app`."""
    apps = all_apps()
    async with cluster.clone(apps) as fresh, connected(fresh, apps):
        yield fresh


@pytest.fixture
async def blank_database(cluster: Cluster) -> AsyncIterator[Database]:
    """Roles and extensions, no tables; nothing is connected."""
    async with cluster.clone(()) as fresh:
        yield fresh
