"""A whole bot in three small processes: `python -m benchmarks.floors.pipeline web | worker | sweep`.

The inbox is in PostgreSQL, hints go over NATS, a conversation is leased, the reply is committed before it is posted and marked after. It knows one
answer and one organization.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import nats
import orjson
import uvloop
from aiohttp import web

TABLES = """
CREATE TABLE people (wa_id text PRIMARY KEY, leased_until timestamptz, turns int NOT NULL DEFAULT 0);
CREATE TABLE inbox (id bigserial PRIMARY KEY, wamid text NOT NULL UNIQUE, wa_id text NOT NULL, text text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON inbox (wa_id, id);
CREATE TABLE outgoing (id uuid PRIMARY KEY, wa_id text NOT NULL, body text NOT NULL, wamid text);
"""
SUBJECT = "floor.hints"
COLLECT_S = 0.002
AT_ONCE = 32

_PEOPLE = (
    "INSERT INTO people (wa_id) SELECT DISTINCT w FROM unnest($1::text[]) AS u(w) ORDER BY w ON CONFLICT DO NOTHING"
)
_INBOX = "INSERT INTO inbox (wamid, wa_id, text) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING"
_CLAIM = (
    "UPDATE people SET leased_until = now() + interval '15 s' WHERE wa_id = $1 AND (leased_until IS NULL OR leased_until < now())"
    " RETURNING (SELECT id FROM inbox i WHERE i.wa_id = $1 ORDER BY id LIMIT 1)"
)


class Web:
    def __init__(self, pool: Any, client: Any, secret: bytes) -> None:
        self._pool = pool
        self._client = client
        self._secret = secret
        self._waiting: list[tuple[str, str, str, asyncio.Future[None]]] = []
        self._commits: set[asyncio.Task[None]] = set()

    async def deliver(self, request: web.Request) -> web.Response:
        body = await request.read()
        signature = "sha256=" + hmac.digest(self._secret, body, hashlib.sha256).hex()
        if not hmac.compare_digest(signature, request.headers.get("X-Hub-Signature-256", "")):
            return web.Response(status=403)
        message = orjson.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            asyncio.get_running_loop().call_later(COLLECT_S, self._start)
        self._waiting.append((message["id"], message["from"], message["text"]["body"], kept))
        await kept
        return web.Response()

    def _start(self) -> None:
        commit = asyncio.ensure_future(self._commit())
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)

    async def _commit(self) -> None:
        group, self._waiting = self._waiting, []
        wamids, people, texts = [each[0] for each in group], [each[1] for each in group], [each[2] for each in group]
        async with self._pool.acquire() as c, c.transaction():
            await c.execute(_PEOPLE, people)
            await c.execute(_INBOX, wamids, people, texts)
        for *_, kept in group:
            kept.set_result(None)
        for wa_id in people:
            await self._client.publish(SUBJECT, wa_id.encode())


class Worker:
    def __init__(self, pool: Any, session: aiohttp.ClientSession, url: str) -> None:
        self._pool = pool
        self._session = session
        self._url = url
        self._running: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def hinted(self, message: Any) -> None:
        task = asyncio.ensure_future(self._drain(message.data.decode()))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _drain(self, wa_id: str) -> None:
        async with self._free:
            item = await self._pool.fetchval(_CLAIM, wa_id)
            while item is not None:
                item = await self._turn(wa_id, item)

    async def _turn(self, wa_id: str, item: int) -> int | None:
        outgoing, body = uuid4(), "Here is what we offer. Choose one, or write what you are looking for."
        async with self._pool.acquire() as c, c.transaction():
            await c.execute("INSERT INTO outgoing (id, wa_id, body) VALUES ($1, $2, $3)", outgoing, wa_id, body)
            await c.execute("DELETE FROM inbox WHERE id = $1", item)
            following: int | None = await c.fetchval("SELECT id FROM inbox WHERE wa_id = $1 ORDER BY id LIMIT 1", wa_id)
            await c.execute(
                "UPDATE people SET turns = turns + 1, leased_until = CASE WHEN $2 THEN NULL ELSE leased_until END WHERE wa_id = $1",
                wa_id,
                following is None,
            )
        data = orjson.dumps({"messaging_product": "whatsapp", "to": wa_id, "type": "text", "text": {"body": body}})
        async with self._session.post(self._url, data=data, headers={"Content-Type": "application/json"}) as answer:
            wamid = orjson.loads(await answer.read())["messages"][0]["id"]
        await self._pool.execute("UPDATE outgoing SET wamid = $2 WHERE id = $1", outgoing, wamid)
        return following


async def _web(pool: Any, client: Any) -> None:
    app = web.Application()
    app.router.add_post("/", Web(pool, client, os.environ["FLOOR_SECRET"].encode()).deliver)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["FLOOR_PORT"])).start()


async def _worker(pool: Any, client: Any) -> None:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    worker = Worker(pool, session, os.environ["FLOOR_GRAPH"])
    await client.subscribe(SUBJECT, queue="workers", cb=worker.hinted)


async def _sweep(pool: Any, client: Any) -> None:
    while True:
        for row in await pool.fetch("SELECT DISTINCT wa_id FROM inbox WHERE at < now() - interval '1.5 s' LIMIT 1000"):
            await client.publish(SUBJECT, row["wa_id"].encode())
        _say_ready()
        await asyncio.sleep(0.5)


def _say_ready() -> None:
    Path(os.environ["CHATNATION_READY_FILE"]).touch()


async def main(role: str) -> None:
    pool = await asyncpg.create_pool(os.environ["FLOOR_DSN"], min_size=4, max_size=8)
    client = await nats.connect(os.environ["FLOOR_NATS"])
    await {"web": _web, "worker": _worker, "sweep": _sweep}[role](pool, client)
    _say_ready()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
