"""The least that accepts a webhook durably: signature, JSON, one row per delivery by group commit, 200. `python -m benchmarks.floors.webhook`."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from typing import Any

import asyncpg
import orjson
import uvloop
from aiohttp import web

TABLES = "CREATE TABLE accepted (wamid text PRIMARY KEY, body bytea NOT NULL, at timestamptz NOT NULL DEFAULT now())"
COLLECT_S = 0.002  # what arrives meanwhile is committed together

_INSERT = "INSERT INTO accepted (wamid, body) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING"


class Webhook:
    def __init__(self, pool: Any, secret: bytes) -> None:
        self._pool = pool
        self._secret = secret
        self._waiting: list[tuple[str, bytes, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._commits: set[asyncio.Task[None]] = set()

    async def deliver(self, request: web.Request) -> web.Response:
        body = await request.read()
        signature = "sha256=" + hmac.digest(self._secret, body, hashlib.sha256).hex()
        if not hmac.compare_digest(signature, request.headers.get("X-Hub-Signature-256", "")):
            return web.Response(status=403)
        wamid = orjson.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        self._waiting.append((wamid, body, kept))
        if self._timer is None:
            self._timer = loop.call_later(COLLECT_S, self._start)
        await kept
        return web.Response()

    def _start(self) -> None:
        self._timer = None
        commit = asyncio.ensure_future(self._commit())
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)

    async def _commit(self) -> None:
        group, self._waiting = self._waiting, []
        await self._pool.execute(_INSERT, [each[0] for each in group], [each[1] for each in group])
        for *_, kept in group:
            kept.set_result(None)


async def main() -> None:
    pool = await asyncpg.create_pool(os.environ["FLOOR_DSN"], min_size=4, max_size=4)
    app = web.Application()
    app.router.add_post("/", Webhook(pool, os.environ["FLOOR_SECRET"].encode()).deliver)
    app.router.add_get("/", _alive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["FLOOR_PORT"])).start()
    await asyncio.Event().wait()


async def _alive(_: web.Request) -> web.Response:
    return web.Response()


if __name__ == "__main__":
    uvloop.run(main())
