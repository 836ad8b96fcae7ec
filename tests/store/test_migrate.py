"""Applying migrations, and the operations of `store.rls`."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import asyncpg
import pytest

from store.db import DatabaseAway
from store.errors import Refused
from store.migrate import applied, is_clean, migrate, pending_changes
from store.rls import EnableOrganizationRLS, OrganizationForeignKey
from tests.store.broken import BROKEN
from tests.store.sample import SAMPLE
from tests.support.database import Database

TABLES = ["sample_books", "sample_notices", "sample_shelves"]


async def _tables(database: Database) -> list[str]:
    return [
        row[0]
        for row in await _asked(
            database, "SELECT tablename::text FROM pg_tables WHERE tablename LIKE 'sample%' ORDER BY 1"
        )
    ]


async def _asked(database: Database, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_migrations_are_applied_once(blank_database: Database) -> None:
    assert await applied(blank_database.owner_dsn) == []
    assert await migrate(blank_database.owner_dsn, [SAMPLE]) == ["sample.0001_initial"]
    assert await _tables(blank_database) == TABLES
    assert await migrate(blank_database.owner_dsn, [SAMPLE]) == []
    assert await applied(blank_database.owner_dsn) == ["sample.0001_initial"]


async def test_concurrent_runs_apply_each_migration_once(blank_database: Database) -> None:
    runs = await asyncio.gather(*(_in_another_process(blank_database) for _ in range(3)))
    assert sorted(run for run in runs if run) == ["sample.0001_initial"]
    assert await _tables(blank_database) == TABLES


async def _in_another_process(database: Database) -> str:
    code = (
        "import asyncio, sys; from store.migrate import migrate; from tests.store.sample import SAMPLE;"
        "print(*asyncio.run(migrate(sys.argv[1], [SAMPLE])))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, database.owner_dsn, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return output.decode().strip()


async def test_everything_can_be_undone(blank_database: Database) -> None:
    await migrate(blank_database.owner_dsn, [SAMPLE])
    await migrate(blank_database.owner_dsn, [SAMPLE], target=("sample", None))
    assert await _tables(blank_database) == []
    assert await applied(blank_database.owner_dsn) == []
    assert await migrate(blank_database.owner_dsn, [SAMPLE]) == ["sample.0001_initial"]


async def test_a_migration_that_fails_leaves_nothing_behind(blank_database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table"):
        await migrate(blank_database.owner_dsn, [SAMPLE, BROKEN])
    assert await _tables(blank_database) == []
    assert await applied(blank_database.owner_dsn) == []


async def test_the_table_of_an_organization_has_policy_key_and_grants(blank_database: Database) -> None:
    await migrate(blank_database.owner_dsn, [SAMPLE])
    (row,) = await _asked(
        blank_database, "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'sample_books'"
    )
    assert tuple(row) == (True, True)
    owner = await asyncpg.connect(blank_database.owner_dsn)
    try:  # forced: not even the owner writes around the policy
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute("INSERT INTO sample_shelves VALUES (gen_random_uuid(), gen_random_uuid(), 'x')")
    finally:
        await owner.close()


async def test_models_and_migrations_agree_until_a_model_changes() -> None:
    assert await is_clean(SAMPLE, among=())
    (change,) = await pending_changes([BROKEN])
    assert "AddField" in change.as_string()
    assert not await is_clean(BROKEN, among=())


async def test_a_missing_extension_is_named_with_the_setting_and_nothing_is_done(blank_database: Database) -> None:
    await _asked(blank_database, "DROP EXTENSION vector")
    with pytest.raises(Refused, match=r"CHATNATION__STORE__OWNER_DSN lacks vector: .* CREATE EXTENSION vector$"):
        await migrate(blank_database.owner_dsn)
    assert await applied(blank_database.owner_dsn) == []


async def test_a_password_that_is_refused_is_one_clear_error(blank_database: Database) -> None:
    wrong = blank_database.owner_dsn.replace("chatnation_owner:", "chatnation_owner:x")
    with pytest.raises(Refused, match="see CHATNATION__STORE__OWNER_DSN"):
        await migrate(wrong)


async def test_nobody_at_the_address_is_one_clear_error() -> None:
    with pytest.raises(DatabaseAway, match="see CHATNATION__STORE__OWNER_DSN"):
        await migrate("postgresql://x:y@127.0.0.1:1/none", [SAMPLE])


def test_set_null_empties_the_column_and_never_the_organization() -> None:
    (statement,) = OrganizationForeignKey("books", "shelf_id", "shelves", "SET NULL").forward()
    assert statement.endswith('ON DELETE SET NULL ("shelf_id")')


def test_organizations_themselves_are_bound_by_their_id() -> None:
    operation = EnableOrganizationRLS("organizations", key="id")
    assert not any("UNIQUE" in statement for statement in operation.forward())
    assert any('"id" = nullif' in statement for statement in operation.forward())


def test_names_fit_and_differ() -> None:
    long = "exhibitors_booth_recommendation_candidates"
    names = {
        statement.split('"')[3]
        for column in ("recommended_booth_identifier", "recommended_stand_identifier")
        for statement in OrganizationForeignKey(long, column, "x").forward()
    }
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_command_line_says_what_is_missing() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "store", "migrate"], capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert run.returncode == 2
    assert "CHATNATION__STORE__OWNER_DSN" in run.stderr
    assert "Traceback" not in run.stderr


async def test_command_line_applies_what_the_checkout_has(blank_database: Database) -> None:
    environment = {"PATH": "", "CHATNATION__STORE__OWNER_DSN": blank_database.owner_dsn}

    async def run() -> list[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "store", "migrate", env=environment, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        return output.decode().split("\n")

    assert "store.0001_initial" in await run()
    assert (await run())[0] == "nothing to do"
