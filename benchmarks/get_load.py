"""GETs the same addresses again and again, as a process of its own: `python -m benchmarks.get_load` with JSON in and out.

Closed: so many connections, each asking as soon as it is answered. Open: so many a second whatever the answers do.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import deque
from typing import Any

import uvloop

from benchmarks.load import Connection, connect


async def closed(given: dict[str, Any]) -> dict[str, Any]:
    requests = itertools.cycle(_requests(given))
    statuses: list[int] = []
    until = time.monotonic() + given["seconds"]

    async def ask(connection: Connection) -> None:
        while time.monotonic() < until:
            statuses.append(await connection.post(next(requests)))

    started = time.monotonic()
    await asyncio.gather(*map(ask, await connect(given["port"], given["connections"])))
    return {"per_s": len(statuses) / (time.monotonic() - started), "taken_s": [], "refused": _refused(statuses)}


async def open_loop(given: dict[str, Any]) -> dict[str, Any]:
    requests = itertools.cycle(_requests(given))
    idle = deque(await connect(given["port"], given["connections"]))
    statuses: list[int] = []
    taken: list[float] = []

    async def ask(due: float) -> None:
        connection = idle.popleft() if idle else (await connect(given["port"], 1))[0]
        statuses.append(await connection.post(next(requests)))
        taken.append(time.monotonic() - due)
        idle.append(connection)

    started = time.monotonic() + 0.05
    asking = []
    for n in range(int(given["per_s"] * given["seconds"])):
        due = started + n / given["per_s"]
        await asyncio.sleep(max(due - time.monotonic(), 0))
        asking.append(asyncio.ensure_future(ask(due)))
    await asyncio.gather(*asking)
    return {"per_s": given["per_s"], "taken_s": taken, "refused": _refused(statuses)}


def _requests(given: dict[str, Any]) -> list[bytes]:
    return [
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {given['token']}\r\n\r\n".encode()
        for path in given["paths"]
    ]


def _refused(statuses: list[int]) -> list[int]:
    return [each for each in statuses if each != 200]


async def _main() -> None:
    given = json.load(sys.stdin)
    json.dump(await (closed if given["mode"] == "closed" else open_loop)(given), sys.stdout)


if __name__ == "__main__":
    uvloop.run(_main())
