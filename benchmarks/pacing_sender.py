"""One sender of the pacing benchmark: posts as fast as its pacer lets it. `python -m benchmarks.pacing_sender`, told what by JSON on stdin."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiohttp
import uvloop

from bot.config import Configuration
from bot.ports import DeliveryAccount, Lane
from bot.runtime import open_store
from scheduler.limits import PostgresPacer
from scheduler.settings import LimitSettings
from store import db

AT_ONCE = 32

Pace = Callable[[], Awaitable[None]]


async def ours(given: dict[str, Any]) -> Pace:
    await open_store(Configuration.read(given["environment"]), "bench")
    account = DeliveryAccount(
        UUID(given["account_id"]), UUID(given["organization_id"]), "whatsapp", "", "", "connected", given["per_s"]
    )
    pacer = PostgresPacer(LimitSettings())
    return lambda: pacer.number(account, Lane.REPLY)


async def floors(given: dict[str, Any]) -> Pace:
    """GCRA in memory: right for one process, and for no more than one."""
    interval_s = 1 / given["per_s"]
    due = 0.0

    async def pace() -> None:
        nonlocal due
        due = max(due, time.monotonic()) + interval_s
        await asyncio.sleep(max(0.0, due - interval_s - time.monotonic()))

    return pace


async def main() -> None:
    given = json.load(sys.stdin)
    pace = await (ours if given["pacer"] == "project" else floors)(given)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.sleep(max(0.0, given["start"] - time.monotonic()))
        until = time.monotonic() + given["seconds"]

        async def send() -> None:
            while time.monotonic() < until:
                await pace()
                async with session.post(given["url"], data=given["tag"]) as answer:
                    await answer.read()

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    if db.is_connected():
        await db.close()
    print("{}")


if __name__ == "__main__":
    uvloop.run(main())
