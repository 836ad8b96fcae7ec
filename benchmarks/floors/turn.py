"""The least that a turn does to the database, by hand: claim, segment with one local write, mark; three transactions, row level security on."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

TABLES = """
CREATE TABLE conversations (id uuid PRIMARY KEY, organization_id uuid NOT NULL, state jsonb NOT NULL, lease_token uuid, lease_until timestamptz);
CREATE TABLE waiting (id uuid PRIMARY KEY, organization_id uuid NOT NULL, conversation_id uuid NOT NULL, body bytea NOT NULL);
CREATE INDEX ON waiting (organization_id, conversation_id);
CREATE TABLE numbers (id uuid PRIMARY KEY, organization_id uuid NOT NULL, number float8 NOT NULL);
CREATE TABLE leaving (id uuid PRIMARY KEY, organization_id uuid NOT NULL, conversation_id uuid NOT NULL, body bytea NOT NULL, sent boolean NOT NULL);
""" + "".join(
    f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
    f"CREATE POLICY own ON {table} USING (organization_id = nullif(current_setting('app.current_org', true), '')::uuid);"
    for table in ("conversations", "waiting", "numbers", "leaving")
)


class Turns:
    """What a worker would be without anything of ours."""

    def __init__(self, pool: Any, organization_id: UUID) -> None:
        self._pool = pool
        self._organization_id = organization_id
        self._begin = f"BEGIN; SET LOCAL app.current_org = '{organization_id}'"

    @classmethod
    async def open(cls, dsn: str, organization_id: UUID, *, connections: int) -> Turns:
        return cls(await asyncpg.create_pool(dsn, min_size=connections, max_size=connections), organization_id)

    async def close(self) -> None:
        await self._pool.close()

    async def fill(self, conversations: list[UUID], state: bytes) -> None:
        """Conversations, each in the middle of something."""
        async with self._pool.acquire() as c:
            await c.execute(self._begin)
            await c.executemany(
                "INSERT INTO conversations VALUES ($1, $2, $3::jsonb)",
                [(each, self._organization_id, state.decode()) for each in conversations],
            )
            await c.execute("COMMIT")

    async def put(self, conversations: list[UUID], body: bytes) -> None:
        """A message in each."""
        async with self._pool.acquire() as c:
            await c.execute(self._begin)
            await c.executemany(
                "INSERT INTO waiting VALUES ($1, $2, $3, $4)",
                [(uuid4(), self._organization_id, each, body) for each in conversations],
            )
            await c.execute("COMMIT")

    async def turn(self, conversation_id: UUID) -> None:
        organization_id = self._organization_id
        token = uuid4()
        async with self._pool.acquire() as c:
            await c.execute(self._begin)
            row = await c.fetchrow(
                "UPDATE conversations SET lease_token = $2, lease_until = now() + interval '15 s'"
                " WHERE id = $1 AND (lease_until IS NULL OR lease_until < now()) RETURNING state,"
                " (SELECT id FROM waiting w WHERE w.organization_id = conversations.organization_id AND w.conversation_id = $1 LIMIT 1) AS item",
                conversation_id,
                token,
            )
            await c.execute("COMMIT")
        state = orjson.loads(row["state"])
        state["sum"] = state.get("sum", 0) + 3
        message = uuid4()
        async with self._pool.acquire() as c:
            await c.execute(self._begin)
            await c.execute("INSERT INTO numbers VALUES ($1, $2, $3)", uuid4(), organization_id, 3.0)
            await c.execute(
                "UPDATE conversations SET state = $3::jsonb, lease_token = NULL, lease_until = NULL WHERE id = $1 AND lease_token = $2",
                conversation_id,
                token,
                orjson.dumps(state).decode(),
            )
            body = f"{state['sum']} so far. What comes next?".encode()
            await c.execute(
                "INSERT INTO leaving VALUES ($1, $2, $3, $4, false)", message, organization_id, conversation_id, body
            )
            await c.execute("DELETE FROM waiting WHERE id = $1", row["item"])
            await c.execute("COMMIT")
        async with self._pool.acquire() as c:
            await c.execute(self._begin)
            await c.execute("UPDATE leaving SET sent = true WHERE id = $1", message)
            await c.execute("COMMIT")
