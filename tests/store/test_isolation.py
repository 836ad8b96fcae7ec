"""R14: nothing of one organization is visible to another, through SQL as `chatnation_app`, on every table, whatever happened to the connection before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from store import db
from store.call import call, call_row
from store.ids import uuid7
from store.tenancy import organization_scope
from tests.support.database import Database

OWNED = """
SELECT c.table_name::text AS name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.column_name = 'organization_id' AND t.table_type = 'BASE TABLE' ORDER BY 1
"""
COLUMNS = """
SELECT column_name::text AS name, udt_name::text AS kind, character_maximum_length AS size FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = $1 AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
"""
SAMPLES: dict[str, Any] = {
    "text": "x",
    "varchar": "x",
    "bool": False,
    "int2": 1,
    "int4": 1,
    "int8": 1,
    "float8": 1.0,
    "numeric": 1,
    "jsonb": "{}",
    "bytea": b"x",
}


class Two:
    """Two organizations with a row each in every table, whatever the tables are."""

    def __init__(self, superuser: asyncpg.Connection) -> None:
        self.superuser = superuser
        self.ours, self.theirs = uuid7(), uuid7()
        self.tables: list[str] = []

    async def fill(self) -> None:
        self.tables = [row["name"] for row in await self.superuser.fetch(OWNED)]
        await self.superuser.execute("SET session_replication_role = replica")  # no foreign keys: each row stands alone
        for organization_id in (self.ours, self.theirs):
            await self.insert("organizations", id=organization_id)
            for table in self.tables:
                await self.insert(table, organization_id=organization_id)

    async def insert(self, table: str, **known: Any) -> None:
        columns = {row["name"]: self._sample(row, known) for row in await self.superuser.fetch(COLUMNS, table)}
        columns |= known
        names = ", ".join(f'"{name}"' for name in columns)
        slots = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await self.superuser.execute(f'INSERT INTO "{table}" ({names}) VALUES ({slots})', *columns.values())

    def _sample(self, column: asyncpg.Record, known: dict[str, Any]) -> Any:
        kind = column["kind"]
        if kind == "uuid":
            return uuid7()
        if kind == "timestamptz":
            return datetime.now(UTC)
        if kind == "varchar":
            return next(iter(known.values())).hex[-(column["size"] or 32) :]
        return SAMPLES[kind]


@pytest.fixture
async def two(database: Database) -> AsyncIterator[Two]:
    superuser = await asyncpg.connect(database.superuser_dsn)
    try:
        made = Two(superuser)
        await made.fill()
        yield made
    finally:
        await superuser.close()


@pytest.fixture
async def app(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def visible(connection: Any, table: str, organization_id: UUID) -> int:
    own = "id" if table == "organizations" else "organization_id"
    found: int = await connection.fetchval(f'SELECT count(*) FROM "{table}" WHERE "{own}" = $1', organization_id)
    return found


async def test_of_another_organization_no_table_shows_a_row(two: Two, app: asyncpg.Connection) -> None:
    assert len(two.tables) > 20
    for table in [*two.tables, "organizations"]:
        async with app.transaction():
            await app.execute(f"SET LOCAL app.current_org = '{two.ours}'")
            assert await visible(app, table, two.theirs) == 0, table
            assert await visible(app, table, two.ours) == 1, f"{table} shows nothing at all, so it proves nothing"
        assert await visible(two.superuser, table, two.theirs) == 1


async def test_without_an_organization_no_table_shows_a_row(two: Two, app: asyncpg.Connection) -> None:
    for table in [*two.tables, "organizations"]:
        assert await app.fetchval(f'SELECT count(*) FROM "{table}"') == 0, table
        async with app.transaction():
            await app.execute("SET LOCAL app.current_org = ''")
            assert await app.fetchval(f'SELECT count(*) FROM "{table}"') == 0, table


async def test_no_row_of_another_organization_can_be_written(two: Two, app: asyncpg.Connection) -> None:
    for table in two.tables:
        writable = await app.fetchval("SELECT has_table_privilege($1, 'UPDATE')", f'"{table}"')
        async with app.transaction():
            await app.execute(f"SET LOCAL app.current_org = '{two.ours}'")
            if writable:
                touched = await app.execute(
                    f'UPDATE "{table}" SET organization_id = organization_id WHERE organization_id = $1', two.theirs
                )
                assert touched == "UPDATE 0", table
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with app.transaction():
                    await app.execute(
                        f'UPDATE "{table}" SET organization_id = $1 WHERE organization_id = $2', two.theirs, two.ours
                    )
    assert [await visible(two.superuser, table, two.theirs) for table in two.tables] == [1] * len(two.tables)


async def test_the_binding_ends_with_its_transaction_however_that_ends(two: Two) -> None:
    """The pool gives the same few connections to everybody: after an error and after a cancelled task they know nothing of before."""
    with organization_scope(two.ours):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with db.transaction() as tx:
                await tx.fetchval("SELECT 1 / 0")

        async def endless() -> None:
            async with db.transaction() as tx:
                await tx.fetchval("SELECT pg_sleep(60)")

        task = asyncio.ensure_future(endless())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def seen_by(organization_id: UUID) -> list[UUID]:
        with organization_scope(organization_id):
            return [row["organization_id"] for row in await db.fetch("SELECT organization_id FROM contacts")]

    answers = await asyncio.gather(*(seen_by(each) for _ in range(20) for each in (two.ours, two.theirs)))
    assert answers == [[two.ours], [two.theirs]] * 20


async def test_functions_that_take_an_organization_see_only_that_one(two: Two) -> None:
    """`cn_...` bind what they are given; ids of another organization lead nowhere."""
    session = await two.superuser.fetchrow("SELECT id FROM sessions WHERE organization_id = $1", two.theirs)
    claim = "SELECT * FROM cn_claim($1, $2, $3, $4, $5)"
    row = await call_row(claim, two.ours, session["id"], uuid7(), 5.0, 5)
    assert row["claimed"] is False
    assert await two.superuser.fetchval("SELECT lease_token FROM sessions WHERE id = $1", session["id"]) is None
    outbox = await two.superuser.fetchrow("SELECT id, message_id FROM outbox WHERE organization_id = $1", two.theirs)
    token = uuid7()
    mark = "SELECT cn_mark_outbox($1, $2, $3, $4, $5, $6, $7, $8::jsonb[])"
    values = [[outbox["id"]], [outbox["message_id"]], ["accepted"], ["wamid.x"], [None], [None]]
    await call(mark, two.ours, [token], *values)
    assert await visible(two.superuser, "outbox", two.theirs) == 1
    await call(mark, two.theirs, [token], *values)
    assert await visible(two.superuser, "outbox", two.theirs) == 0, "the control: its own organization may"


async def test_raw_deliveries_can_be_written_and_never_read(app: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetch("SELECT * FROM webhook_deliveries")
    for table in ("meta_apps", "tortoise_migrations"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch(f'SELECT * FROM "{table}"')


async def test_without_its_policy_a_table_shows_everything(two: Two, app: asyncpg.Connection) -> None:
    """The positive control of all above: it is the policy, and nothing else, that hides the rows."""
    for table in two.tables:
        await two.superuser.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
        if not await app.fetchval("SELECT has_table_privilege($1, 'SELECT')", f'"{table}"'):
            continue
        async with app.transaction():
            await app.execute(f"SET LOCAL app.current_org = '{two.ours}'")
            assert await visible(app, table, two.theirs) == 1, table
