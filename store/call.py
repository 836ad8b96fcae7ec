"""One round trip to the database: functions that bind their organization themselves (`migrations/sql`), called without BEGIN and COMMIT."""

from __future__ import annotations

from typing import Any

from tortoise.connection import get_connections

from store.engine import DEFAULT, raise_if_away

__all__ = ["call", "call_row"]


async def call(sql: str, *values: Any) -> list[Any]:
    """Rows of one statement on the application's pool, in a transaction of its own. Not inside `transaction()`.

    Only for `SELECT ... FROM cn_...(organization_id, ...)`: everything else belongs into `store.db.transaction()`, where row level security
    knows the organization.

    Raises:
        DatabaseAway: PostgreSQL is not there, or went away; whether the statement was committed is then unknown.
    """
    pool: Any = get_connections().get(DEFAULT)
    connection = await pool.borrow()
    try:
        rows: list[Any] = await connection.fetch(sql, *values)
        return rows
    except Exception as e:
        raise_if_away(e, connection)
        raise
    finally:
        await pool.give_back(connection)


async def call_row(sql: str, *values: Any) -> Any:
    rows = await call(sql, *values)
    return rows[0] if rows else None
