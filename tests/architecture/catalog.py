"""Reads PostgreSQL's catalog and says, in sentences, where the isolation of organizations has a hole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BOUND = "current_setting('app.current_org'"


async def isolation_holes(connection: Any, platform: Mapping[str, str], functions: Mapping[str, str]) -> list[str]:
    """`connection` is a superuser's. Empty when every table is isolated or on the list of the platform's."""
    return [
        *await _unlisted_tables(connection, platform),
        *await _tables_without_row_level_security(connection, platform),
        *await _policies_that_bind_nothing(connection, platform),
        *await _tables_without_composite_key(connection),
        *await _references_that_could_cross(connection, platform),
        *await _ways_around(connection, functions),
        *await _roles_with_too_much(connection),
    ]


async def stale_entries(connection: Any, platform: Mapping[str, str]) -> list[str]:
    tables = {row["name"] for row in await connection.fetch(_TABLES)}
    return [f"{name} is on the list of platform tables and does not exist" for name in platform if name not in tables]


_TABLES = """
SELECT c.relname::text AS name, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,
       has_table_privilege('chatnation_app', c.oid, 'SELECT') AS readable,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped) AS owned,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attnotnull) AS ownerless,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped) AS has_id
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relpersistence <> 't'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""


async def _unlisted_tables(connection: Any, platform: Mapping[str, str]) -> list[str]:
    holes = []
    for row in await connection.fetch(_TABLES):
        if not row["owned"] and row["name"] not in platform:
            holes.append(f"{row['name']} has no organization_id and is not on the list of platform tables")
        if row["owned"] and row["name"] in platform:
            holes.append(f"{row['name']} has organization_id, so it is no platform table")
        if row["ownerless"]:
            holes.append(f"{row['name']}.organization_id may be null")
    return holes


async def _tables_without_row_level_security(connection: Any, platform: Mapping[str, str]) -> list[str]:
    holes = []
    for row in await connection.fetch(_TABLES):
        if row["owned"] and not row["secured"]:
            holes.append(f"{row['name']} has no row level security")
        if row["secured"] and not row["forced"]:
            holes.append(f"{row['name']} does not force row level security on its owner")
        if row["secured"] and not await connection.fetchval(
            "SELECT count(*) FROM pg_policies WHERE tablename = $1 AND permissive = 'PERMISSIVE'", row["name"]
        ):
            holes.append(f"{row['name']} has no policy")
    return holes


async def _policies_that_bind_nothing(connection: Any, platform: Mapping[str, str]) -> list[str]:
    """Permissive policies add up: one that does not ask for the organization opens the table to every one."""
    return [
        f"policy {row['policyname']} of {row['tablename']} does not ask for the bound organization"
        for row in await connection.fetch(
            "SELECT tablename::text, policyname::text, cmd, qual, with_check FROM pg_policies WHERE permissive = 'PERMISSIVE'"
        )
        if any(BOUND not in condition for condition in _conditions(row))
    ]


def _conditions(policy: Mapping[str, str]) -> list[str]:
    reads, writes = policy["qual"] or "", policy["with_check"] or policy["qual"] or ""
    return {"INSERT": [writes], "SELECT": [reads], "DELETE": [reads]}.get(policy["cmd"], [reads, writes])


async def _tables_without_composite_key(connection: Any) -> list[str]:
    keyed = {
        row["name"]
        for row in await connection.fetch("""
            SELECT i.indrelid::regclass::text AS name
              FROM pg_index i
             WHERE i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 2
               AND (SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY k (number, place)
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) = ARRAY['organization_id', 'id']
        """)
    }
    return [
        f"{row['name']} has no unique (organization_id, id)"
        for row in await connection.fetch(_TABLES)
        if row["owned"] and row["has_id"] and row["name"] not in keyed
    ]


async def _references_that_could_cross(connection: Any, platform: Mapping[str, str]) -> list[str]:
    owned = {row["name"] for row in await connection.fetch(_TABLES) if row["owned"]}
    references = await connection.fetch("""
        SELECT c.conname::text AS name, c.conrelid::regclass::text AS source, c.confrelid::regclass::text AS target,
               ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, p)
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY p) AS columns,
               ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (n, p)
                       JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY p) AS targets
          FROM pg_constraint c WHERE c.contype = 'f'
    """)
    holes = []
    for each in references:
        if each["target"] not in owned:
            continue
        pairs = set(zip(each["columns"], each["targets"], strict=True))
        if ("organization_id", "organization_id") not in pairs:
            holes.append(f"{each['source']} refers to {each['target']} by {each['name']} without the organization")
    return holes


async def _ways_around(connection: Any, functions: Mapping[str, str]) -> list[str]:
    views = await connection.fetch("""
        SELECT c.relname::text AS name, c.relkind::text AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
           AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT coalesce(c.reloptions::text ILIKE '%security_invoker=true%', false))
    """)
    definers = await connection.fetch("""
        SELECT p.proname::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'public' AND p.prosecdef AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    """)
    return [
        *(f"view {row['name']} reads as its owner: make it a view with security_invoker = true" for row in views),
        *(f"function {row['name']} runs as its owner" for row in definers if row["name"] not in functions),
    ]


async def _roles_with_too_much(connection: Any) -> list[str]:
    holes = [
        f"role {row['rolname']} is outside of row level security"
        for row in await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname IN ('chatnation_app', 'chatnation_owner') AND (rolsuper OR rolbypassrls)"
        )
    ]
    holes += [
        f"{row['name']} belongs to a role that processes use"
        for row in await connection.fetch(
            "SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence <> 't'"
            " AND pg_get_userbyid(relowner) IN ('chatnation_app', 'chatnation_system')"
        )
    ]
    holes += [
        f"chatnation_app may {right} {row['name']}"
        for row in await connection.fetch(_TABLES)
        for right in ("TRUNCATE", "REFERENCES", "TRIGGER")
        if await connection.fetchval("SELECT has_table_privilege('chatnation_app', $1, $2)", row["name"], right)
    ]
    return holes
