"""Posts webhook deliveries, as a process of its own so that its work is not the server's: `python -m benchmarks.load` with JSON in and out.

Closed: so many connections, each posting as soon as it is answered. Open: so many a second whatever the answers do; the time of each counts
from the moment at which it was due.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any, cast

import uvloop

from benchmarks.deliveries import Deliveries

__all__ = ["closed", "connect", "open_loop"]


class Connection(asyncio.Protocol):
    """One request at a time, on one connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class, which does not say so

    async def post(self, request: bytes) -> int:
        """The status of the answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._answered is None:
            return
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(body) >= length:
            self._received = b""
            self._answered.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error or ConnectionResetError("closed by the server"))


async def connect(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


async def closed(given: dict[str, Any]) -> dict[str, Any]:
    deliveries = _deliveries(given)
    connections = await connect(given["port"], given["connections"])
    taken: list[float] = []
    refused: list[int] = []
    until = time.monotonic() + given["seconds"]

    async def post(connection: Connection) -> None:
        while (now := time.monotonic()) < until:
            request, _ = deliveries.request(given["path"])
            status = await connection.post(request)
            taken.append(time.monotonic() - now)
            if status != 200:
                refused.append(status)

    started = time.monotonic()
    await asyncio.gather(*map(post, connections))
    return {"per_s": len(taken) / (time.monotonic() - started), "taken_s": taken, "refused": refused}


async def open_loop(given: dict[str, Any]) -> dict[str, Any]:
    """`sent`: (wa_id, the moment at which it was due, by the monotonic clock)."""
    deliveries = _deliveries(given)
    idle = deque(await connect(given["port"], given["connections"]))
    taken: list[float] = []
    refused: list[int] = []
    sent: list[tuple[str, float]] = []

    async def post(due: float) -> None:
        request, wa_id = deliveries.request(given["path"])
        sent.append((wa_id, due))
        connection = idle.popleft() if idle else (await connect(given["port"], 1))[0]
        status = await connection.post(request)
        taken.append(time.monotonic() - due)
        idle.append(connection)
        if status != 200:
            refused.append(status)

    started = time.monotonic() + 0.05
    posting = []
    for n in range(int(given["per_s"] * given["seconds"])):
        due = started + n / given["per_s"]
        pause = due - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        posting.append(asyncio.ensure_future(post(due)))
    await asyncio.gather(*posting)
    return {"per_s": given["per_s"], "taken_s": taken, "refused": refused, "sent": sent}


def _deliveries(given: dict[str, Any]) -> Deliveries:
    return Deliveries(given["number"], run=given["run"], people=given["people"], first=given.get("first", 0))


async def _main() -> None:
    given = json.load(sys.stdin)
    json.dump(await (closed if given["mode"] == "closed" else open_loop)(given), sys.stdout)


if __name__ == "__main__":
    uvloop.run(_main())
