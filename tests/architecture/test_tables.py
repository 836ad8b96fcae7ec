"""Every table that the migrations make is isolated, or is the platform's for a stated reason; and the check can fail."""

from __future__ import annotations

import asyncpg
import pytest

from tests.architecture.catalog import isolation_holes, stale_entries
from tests.architecture.platform_tables import PLATFORM_TABLES, UNPROTECTED_FUNCTIONS
from tests.support.database import Cluster, Database, all_apps

SOUND = """
CREATE TABLE shelves (id uuid PRIMARY KEY, organization_id uuid NOT NULL, UNIQUE (organization_id, id));
CREATE TABLE books (
    id uuid PRIMARY KEY, organization_id uuid NOT NULL, shelf_id uuid, UNIQUE (organization_id, id),
    CONSTRAINT fk_shelf FOREIGN KEY (organization_id, shelf_id) REFERENCES shelves (organization_id, id)
);
CREATE TABLE countries (code text PRIMARY KEY);
ALTER TABLE shelves ENABLE ROW LEVEL SECURITY;
ALTER TABLE shelves FORCE ROW LEVEL SECURITY;
ALTER TABLE books ENABLE ROW LEVEL SECURITY;
ALTER TABLE books FORCE ROW LEVEL SECURITY;
CREATE POLICY org_isolation ON shelves USING (organization_id = nullif(current_setting('app.current_org', true), '')::uuid);
CREATE POLICY org_isolation ON books USING (organization_id = nullif(current_setting('app.current_org', true), '')::uuid);
"""
PLANTED = {
    "no column": ("CREATE TABLE notes (id uuid PRIMARY KEY)", "notes has no organization_id"),
    "null": ("ALTER TABLE books ALTER organization_id DROP NOT NULL", "books.organization_id may be null"),
    "off": ("ALTER TABLE books DISABLE ROW LEVEL SECURITY", "books has no row level security"),
    "not forced": ("ALTER TABLE books NO FORCE ROW LEVEL SECURITY", "books does not force"),
    "no policy": ("DROP POLICY org_isolation ON books", "books has no policy"),
    "open policy": ("CREATE POLICY wide ON books FOR SELECT USING (true)", "policy wide of books"),
    "open insert": ("CREATE POLICY wide ON books FOR INSERT WITH CHECK (true)", "policy wide of books"),
    "open check": ("ALTER POLICY org_isolation ON books WITH CHECK (true)", "policy org_isolation of books"),
    "no key": ("ALTER TABLE books DROP CONSTRAINT books_organization_id_id_key", "books has no unique"),
    "single key": ("ALTER TABLE books ADD FOREIGN KEY (shelf_id) REFERENCES shelves (id)", "books refers to shelves"),
    "platform refers": (
        "ALTER TABLE countries ADD shelf_id uuid REFERENCES shelves (id)",
        "countries refers to shelves",
    ),
    "view": ("CREATE VIEW all_books AS SELECT * FROM books", "view all_books"),
    "materialized": ("CREATE MATERIALIZED VIEW all_books AS SELECT * FROM books", "view all_books"),
    "definer": (
        "CREATE FUNCTION everything() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM books'",
        "function everything",
    ),
    "owner": ("ALTER TABLE books OWNER TO chatnation_app", "books belongs to"),
    "truncate": ("GRANT TRUNCATE ON books TO chatnation_app", "chatnation_app may TRUNCATE books"),
    "disguised": ("ALTER TABLE countries ADD organization_id uuid NOT NULL", "countries has organization_id"),
}
COUNTRIES = {"countries": "the same for everybody"}


async def test_every_table_is_isolated_or_the_platforms(cluster: Cluster) -> None:
    async with cluster.clone(all_apps()) as database:
        connection = await asyncpg.connect(database.superuser_dsn)
        try:
            assert await isolation_holes(connection, PLATFORM_TABLES, UNPROTECTED_FUNCTIONS) == []
            assert await stale_entries(connection, PLATFORM_TABLES) == []
        finally:
            await connection.close()


@pytest.mark.parametrize(("violation", "complaint"), PLANTED.values(), ids=PLANTED.keys())
async def test_the_check_finds_what_is_planted(blank_database: Database, violation: str, complaint: str) -> None:
    connection = await asyncpg.connect(blank_database.superuser_dsn)
    try:
        await connection.execute(SOUND)
        assert await isolation_holes(connection, COUNTRIES, {}) == []
        await connection.execute(violation)
        holes = await isolation_holes(connection, COUNTRIES, {})
        assert any(hole.startswith(complaint) for hole in holes), holes
        assert await stale_entries(connection, {"gone": "x"}) != []
    finally:
        await connection.close()


async def test_the_application_is_not_a_role_above_row_level_security(blank_database: Database) -> None:
    """The planted one: the same check on a cluster where the role may bypass."""
    connection = await asyncpg.connect(blank_database.superuser_dsn)
    try:
        async with connection.transaction():
            await connection.execute("ALTER ROLE chatnation_app BYPASSRLS")
            holes = await isolation_holes(connection, {}, {})
            assert "role chatnation_app is outside of row level security" in holes
            await connection.execute("ALTER ROLE chatnation_app NOBYPASSRLS")
        assert await isolation_holes(connection, {}, {}) == []
    finally:
        await connection.close()
