"""The pools outlive PostgreSQL: killed with -9 and started again, the same process goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID

import pytest

from store import db
from store.embedded import EmbeddedPostgres
from store.tenancy import organization_scope
from tests.store.sample import SAMPLE
from tests.support.database import Cluster, Database


@pytest.fixture
async def fragile(tmp_path: Path) -> EmbeddedPostgres:
    return await asyncio.to_thread(EmbeddedPostgres(tmp_path, tests=True).start)


async def test_pools_recover_after_kill_9_of_postgresql(fragile: EmbeddedPostgres, ours: UUID) -> None:
    insert = "INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, $2)"
    try:
        async with Cluster(fragile).clone([SAMPLE]) as database:
            await db.connect(database.dsn, system_dsn=database.system_dsn, pool_min=2, models=[SAMPLE])
            with organization_scope(ours):
                await db.execute(insert, ours, "before")
                await _killed_in_the_middle(fragile, ours)
                with pytest.raises(db.DatabaseAway):
                    await db.execute(insert, ours, "while away")
                with pytest.raises(db.DatabaseAway):
                    await db.ping()
                await asyncio.to_thread(fragile.start)
                assert await _attempts_until_done(ours) <= 5
                names = {row["name"] for row in await db.fetch("SELECT name FROM sample_shelves")}
                assert names == {"before", "after"}
            await db.close()
    finally:
        await db.close()
        await asyncio.to_thread(fragile.remove)


async def _killed_in_the_middle(server: EmbeddedPostgres, organization_id: UUID) -> None:
    """One transaction is open, and eight statements are under way, when the server dies."""

    async def busy() -> None:
        await db.fetchval("SELECT pg_sleep(20)")

    running = [asyncio.create_task(busy()) for _ in range(5)]
    await asyncio.sleep(0.1)
    with pytest.raises(db.DatabaseAway):
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, 'lost')", organization_id)
            assert server.pid is not None
            _kill_with_children(server.pid)
            await asyncio.sleep(0.2)
            await tx.fetchval("SELECT 1")
    outcomes = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 10)
    assert [type(outcome) for outcome in outcomes] == [db.DatabaseAway] * 5


def _kill_with_children(postmaster: int) -> None:
    """The postmaster's death ends idle back ends at once, busy ones only at their next wait; a power cut would take all together."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
    pids = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    os.kill(postmaster, signal.SIGKILL)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


async def _attempts_until_done(organization_id: UUID) -> int:
    for attempt in range(1, 30):
        try:
            await db.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, 'after')", organization_id)
        except db.DatabaseAway:
            await asyncio.sleep(0.05)
        else:
            return attempt
    raise AssertionError("the pool did not recover")


async def test_a_dead_connection_in_the_pool_is_replaced(sample: Database, ours: UUID) -> None:
    await db.close()
    await db.connect(sample.dsn, system_dsn=sample.system_dsn, pool_min=1, pool_max=1, models=[SAMPLE])
    with organization_scope(ours):
        backend = await db.fetchval("SELECT pg_backend_pid()")
        os.kill(backend, signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert await db.fetchval("SELECT pg_backend_pid()") != backend
