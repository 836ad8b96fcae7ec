"""`store.db`: what a transaction binds, keeps and gives back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import asyncpg
import pytest

from store import db
from store.errors import CrossOrganization, NotBound, Refused
from store.tenancy import organization_scope, unscoped
from tests.store.sample import SAMPLE
from tests.store.sample.models import Notice, Shelf
from tests.support.database import Database


async def _names(database: Database) -> list[str]:
    """What is committed, seen past row level security."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        return [row["name"] for row in await connection.fetch("SELECT name FROM sample_shelves ORDER BY name")]
    finally:
        await connection.close()


async def test_orm_and_raw_sql_share_the_transaction(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        async with db.transaction() as tx:
            await Shelf.create(name="poems")
            assert await tx.fetchval("SELECT name FROM sample_shelves") == "poems"
            assert await tx.fetchval("SELECT current_setting('app.current_org')") == str(ours)
            assert await _names(sample) == []
    assert await _names(sample) == ["poems"]


async def test_an_error_rolls_everything_back(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await Shelf.create(name="poems")
                await tx.execute("UPDATE sample_shelves SET name = 'verse'")
                raise ZeroDivisionError
        assert await Shelf.all().count() == 0


async def test_a_swallowed_database_error_is_not_taken_for_a_commit(sample: Database, ours: UUID) -> None:
    with organization_scope(ours), pytest.raises(db.TransactionAborted):
        async with db.transaction() as tx:
            await Shelf.create(name="poems")
            with pytest.raises(asyncpg.UndefinedTableError):
                await tx.execute("DELETE FROM nowhere")
    assert await _names(sample) == []


async def test_nested_transaction_is_a_savepoint(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        async with db.transaction():
            await Shelf.create(name="kept")
            with pytest.raises(ZeroDivisionError):
                async with db.transaction() as inner:
                    await Shelf.create(name="dropped")
                    with pytest.raises(asyncpg.UndefinedTableError):
                        await inner.execute("DELETE FROM nowhere")
                    raise ZeroDivisionError
            async with db.transaction() as inner:
                await inner.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, 'also kept')", ours)
    assert await _names(sample) == ["also kept", "kept"]


async def test_savepoints_of_the_orm_and_ours_nest(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        async with db.transaction():
            _, created = await Shelf.get_or_create(name="poems")
            async with db.transaction():
                _, again = await Shelf.get_or_create(name="poems")
                await Shelf.update_or_create(name="poems", defaults={"name": "verse"})
    assert (created, again) == (True, False)
    assert await _names(sample) == ["verse"]


async def test_no_transaction_outside_of_a_scope(sample: Database) -> None:
    with pytest.raises(NotBound):
        async with db.transaction():
            pass
    with pytest.raises(NotBound):
        await db.fetch("SELECT 1")


async def test_another_organization_cannot_nest(sample: Database, ours: UUID, theirs: UUID) -> None:
    with organization_scope(ours):
        async with db.transaction():
            with unscoped("test"), organization_scope(theirs), pytest.raises(CrossOrganization):
                async with db.transaction():
                    pass


async def test_an_organizations_transaction_cannot_open_inside_one_of_the_system(sample: Database, ours: UUID) -> None:
    with unscoped("test"):
        async with db.transaction() as outer:
            assert outer.organization_id is None
            await Shelf.create(name="poems", organization_id=ours)
            with organization_scope(ours), pytest.raises(Refused):
                async with db.transaction():
                    pass
    assert await _names(sample) == ["poems"]


async def test_unscoped_without_the_systems_dsn_is_refused(sample: Database) -> None:
    await db.close()
    await db.connect(sample.dsn, models=[SAMPLE])
    with unscoped("test"), pytest.raises(Refused, match="system_dsn"):
        await db.fetch("SELECT 1")


async def test_a_single_statement_is_bound_too(sample: Database, ours: UUID, theirs: UUID) -> None:
    with organization_scope(ours):
        await db.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, 'poems')", ours)
        assert await db.fetchval("SELECT name FROM sample_shelves") == "poems"
    with organization_scope(theirs):
        assert await db.fetch("SELECT * FROM sample_shelves") == []
        assert await db.fetchrow("SELECT * FROM sample_shelves") is None
    with unscoped("test"):
        assert len(await db.fetch("SELECT * FROM sample_shelves")) == 1


async def test_a_single_statement_joins_the_open_transaction(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        async with db.transaction():
            await Shelf.create(name="poems")
            assert await db.fetchval("SELECT count(*) FROM sample_shelves") == 1


async def test_the_binding_ends_with_its_transaction(sample: Database, ours: UUID) -> None:
    """One connection in the pool: the next statement gets the one that was bound."""
    await db.close()
    await db.connect(sample.dsn, system_dsn=sample.system_dsn, pool_min=1, pool_max=1, models=[SAMPLE])
    with organization_scope(ours):
        async with db.transaction() as tx:
            first = await tx.fetchval("SELECT pg_backend_pid()")
    async with db.platform_transaction() as platform:
        assert await platform.fetchval("SELECT pg_backend_pid()") == first
        assert await platform.fetchval("SELECT current_setting('app.current_org', true)") == ""


async def test_platform_transaction_serves_organizations_in_turn(sample: Database, ours: UUID, theirs: UUID) -> None:
    insert = "INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, $2)"
    async with db.platform_transaction() as tx:
        await tx.execute("INSERT INTO sample_notices VALUES (gen_random_uuid(), 'raw')")
        for organization_id, name in ((ours, "a"), (theirs, "b")):
            await tx.bind(organization_id)
            await tx.execute(insert, organization_id, name)
            assert await tx.fetchval("SELECT count(*) FROM sample_shelves") == 1
    assert await _names(sample) == ["a", "b"]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.platform_transaction() as tx:
            await tx.bind(ours)
            await tx.execute(insert, theirs, "c")


async def test_gather_inside_a_transaction_takes_turns(sample: Database, ours: UUID) -> None:
    with organization_scope(ours):
        async with db.transaction() as tx:
            await Shelf.create(name="poems")
            counts = await asyncio.gather(
                *(Shelf.all().count() for _ in range(5)), *(tx.fetchval("SELECT 1") for _ in range(5))
            )
    assert counts == [1] * 10


async def test_a_task_that_outlives_its_transaction_fails_loudly(sample: Database, ours: UUID) -> None:
    ended = asyncio.Event()

    async def late() -> int:
        await ended.wait()
        return await Shelf.all().count()

    with organization_scope(ours):
        async with db.transaction():
            task = asyncio.create_task(late())
        ended.set()
        with pytest.raises(Exception, match="released back to the pool"):
            await task


async def test_concurrent_organizations_never_see_each_other(sample: Database) -> None:
    organizations = [UUID(int=number) for number in range(1, 9)]

    async def work(organization_id: UUID) -> set[UUID]:
        with organization_scope(organization_id):
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, gen_random_uuid()::text)", organization_id)  # fmt: skip
                await asyncio.sleep(0)
                rows = await tx.fetch("SELECT organization_id FROM sample_shelves")
        return {row["organization_id"] for row in rows} - {organization_id}

    strangers = await asyncio.gather(*(work(organizations[turn % 8]) for turn in range(160)))
    assert set().union(*strangers) == set()


async def test_cancelling_gives_the_connection_back_clean(sample: Database, ours: UUID) -> None:
    await db.close()
    await db.connect(sample.dsn, pool_min=1, pool_max=1, models=[SAMPLE])
    inside = asyncio.Event()

    async def stuck() -> None:
        with organization_scope(ours):
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), $1, 'half')", ours)
                inside.set()
                await tx.fetchval("SELECT pg_sleep(20)")

    task = asyncio.create_task(stuck())
    await inside.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with organization_scope(ours):
        assert await asyncio.wait_for(db.fetchval("SELECT count(*) FROM sample_shelves"), 5) == 0


async def test_platform_models_need_no_scope(sample: Database) -> None:
    await Notice.create(text="hello")
    notice, created = await Notice.get_or_create(text="hello")
    assert (notice.text, created) == ("hello", False)


async def test_waiting_inside_a_transaction_is_ended_by_the_server(sample: Database, ours: UUID) -> None:
    await db.close()
    await db.connect(sample.dsn, models=[SAMPLE], idle_in_transaction_timeout_s=0.1)
    with organization_scope(ours), pytest.raises(db.DatabaseAway):
        async with db.transaction() as tx:
            await asyncio.sleep(0.4)
            await tx.fetchval("SELECT 1")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda dsn: dsn.rsplit("/", 1)[0] + "/no_such_database", "no_such_database"),
        (lambda dsn: dsn.replace("chatnation_app:", "chatnation_app:wrong"), "password"),
    ],
)
async def test_a_wrong_dsn_is_one_clear_error(sample: Database, change: Callable[[str], str], complaint: str) -> None:
    await db.close()
    with pytest.raises(Refused, match=f"{complaint}.*CHATNATION__STORE__DSN"):
        await db.connect(change(sample.dsn), models=[SAMPLE])
    assert not db.is_connected()


async def test_a_ping_needs_no_scope(sample: Database) -> None:
    await db.ping()


async def test_connecting_to_nobody_says_so(sample: Database) -> None:
    await db.close()
    with pytest.raises(db.DatabaseAway):
        await db.connect("postgresql://chatnation_app:x@127.0.0.1:1/none", models=[SAMPLE])
    assert not db.is_connected()
