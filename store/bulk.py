"""Many rows at once, past no check: policies, keys and triggers see each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from store.db import Tx

__all__ = ["copy_over", "copy_rows", "refresh_statistics"]


async def copy_rows(tx: Tx, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY, for the bound organization.

    PostgreSQL refuses COPY into a table with row level security. So it goes into a temporary table, and one INSERT from there.
    """
    names = _quoted(columns)
    async with _beside(tx, table, columns, rows) as temporary:
        await tx.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM {temporary}')  # noqa: S608 - names of ours


async def copy_over(tx: Tx, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The same for rows that are there: each is found by the first column and gets the others."""
    changes = ", ".join(f'"{each}" = t."{each}"' for each in columns[1:])
    async with _beside(tx, table, columns, rows) as temporary:
        await tx.execute(
            f'UPDATE "{table}" x SET {changes} FROM {temporary} t'  # noqa: S608
            f' WHERE x.organization_id = $1 AND x."{columns[0]}" = t."{columns[0]}"',
            tx.organization_id,
        )


@asynccontextmanager
async def _beside(tx: Tx, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> AsyncIterator[str]:
    name = f"copy_{table}"
    await tx.execute(
        f'CREATE TEMP TABLE "{name}" ON COMMIT DROP AS SELECT {_quoted(columns)} FROM "{table}" WITH NO DATA'  # noqa: S608
    )
    await tx.conn.copy_records_to_table(name, records=rows, columns=columns)
    yield f'"{name}"'
    await tx.execute(f'DROP TABLE "{name}"')


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{each}"' for each in columns)


async def refresh_statistics(owner_dsn: str, tables: Iterable[str]) -> None:
    """So that the planner knows at once of what autovacuum would tell it in minutes. Only the owner of the tables may."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        for table in tables:
            await connection.execute(f'VACUUM (ANALYZE) "{table}"')
    finally:
        await connection.close()
