"""The least that lists and reads rows as JSON for who holds the one token: aiohttp, asyncpg, one statement. `python -m benchmarks.floors.api`."""

from __future__ import annotations

import asyncio
import hmac
import os
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiohttp import web

COLUMNS = (
    "id, slug, title, cover, description, venue, address, starts_at, ends_at, timezone, currency, status, created_at"
)
TABLES = """
CREATE TABLE events (
    id uuid PRIMARY KEY, organization_id uuid NOT NULL, slug text, title text, cover text, description text, venue text, address text,
    starts_at timestamptz, ends_at timestamptz, timezone text, currency text, status text, created_at timestamptz);
CREATE INDEX ON events (organization_id, id);
"""

_LIST = f"SELECT {COLUMNS} FROM events WHERE organization_id = $1 ORDER BY id DESC LIMIT 51"
_READ = f"SELECT {COLUMNS} FROM events WHERE organization_id = $1 AND id = $2"


class Api:
    def __init__(self, pool: Any, token: str, organization_id: UUID) -> None:
        self._pool = pool
        self._header = f"Bearer {token}"
        self._organization_id = organization_id

    async def list(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.Response(status=401)
        rows = await self._pool.fetch(_LIST, self._organization_id)
        data = [dict(row) for row in rows[:50]]
        cursor = str(rows[49]["id"]) if len(rows) > 50 else None
        return _json({"data": data, "meta": {"cursor": cursor, "total": None}})

    async def read(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.Response(status=401)
        row = await self._pool.fetchrow(_READ, self._organization_id, UUID(request.match_info["event_id"]))
        return _json({"data": dict(row)}) if row is not None else web.Response(status=404)

    def _knows(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.headers.get("Authorization", ""), self._header)


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value, default=str), content_type="application/json")


async def main() -> None:
    pool = await asyncpg.create_pool(os.environ["FLOOR_DSN"], min_size=8, max_size=8)
    api = Api(pool, os.environ["FLOOR_TOKEN"], UUID(os.environ["FLOOR_ORGANIZATION"]))
    app = web.Application()
    app.router.add_get("/v1/events", api.list)
    app.router.add_get("/v1/events/{event_id}", api.read)
    app.router.add_get("/", _alive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["FLOOR_PORT"])).start()
    await asyncio.Event().wait()


async def _alive(_: web.Request) -> web.Response:
    return web.Response()


if __name__ == "__main__":
    uvloop.run(main())
