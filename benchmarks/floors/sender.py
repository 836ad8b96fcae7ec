"""The least that empties an outbox: claim a batch, post it, mark it, with asyncpg and aiohttp."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import orjson

TABLES = (
    "CREATE TABLE outbox (id uuid PRIMARY KEY, seq bigserial, recipient text NOT NULL, body text NOT NULL, state text NOT NULL DEFAULT 'ready',"
    " leased_until timestamptz, wamid text); CREATE INDEX ON outbox (seq) WHERE state = 'ready'"
)
BATCH = 200

_CLAIM = (
    "UPDATE outbox SET state = 'sending', leased_until = now() + interval '30 s' WHERE id IN"
    " (SELECT id FROM outbox WHERE state = 'ready' ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, recipient, body"
)
_MARK = "UPDATE outbox SET state = 'sent', wamid = w FROM unnest($1::uuid[], $2::text[]) AS u(i, w) WHERE id = i"


class Sender:
    def __init__(self, pool: Any, session: aiohttp.ClientSession, url: str) -> None:
        self._pool = pool
        self._session = session
        self._url = url

    @classmethod
    async def open(cls, dsn: str, url: str, *, connections: int) -> Sender:
        pool = await asyncpg.create_pool(dsn, min_size=connections, max_size=connections)
        return cls(pool, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)), url)

    async def close(self) -> None:
        await self._session.close()
        await self._pool.close()

    async def fill(self, count: int) -> None:
        rows = [(uuid4(), f"2547{n:08d}", "The doors open at nine.") for n in range(count)]
        await self._pool.executemany("INSERT INTO outbox (id, recipient, body) VALUES ($1, $2, $3)", rows)

    async def empty(self, loops: int) -> None:
        """Until nothing is left; each loop has a batch under way."""
        await asyncio.gather(*(self._loop() for _ in range(loops)))

    async def _loop(self) -> None:
        while rows := await self._pool.fetch(_CLAIM, BATCH):
            wamids = await asyncio.gather(*(self._post(row["recipient"], row["body"]) for row in rows))
            await self._pool.execute(_MARK, [row["id"] for row in rows], wamids)

    async def _post(self, to: str, text: str) -> str:
        body = orjson.dumps({"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}})
        async with self._session.post(self._url, data=body, headers={"Content-Type": "application/json"}) as answer:
            wamid: str = orjson.loads(await answer.read())["messages"][0]["id"]
            return wamid
