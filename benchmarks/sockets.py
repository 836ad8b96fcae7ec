"""So many browsers without a window, as a process of its own: each gets a page and keeps its socket open. `python -m benchmarks.sockets` with JSON in and out."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import uuid
from typing import Any
from urllib.parse import urlencode

import aiohttp
import socketio

AT_ONCE = 4
_CLIENT = re.compile(r"""["']client_id["']: ["']([0-9a-f-]+)["'], ["']next_message_id["']: (\d+)""")


class Browser:
    """Acknowledges what it gets, as NiceGUI's script does; else the server would keep it all."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("*", self._got)
        self._client_id = ""
        self._next = 0

    @property
    def is_open(self) -> bool:
        return bool(self._socket.connected)

    async def open(self, url: str, path: str) -> None:
        async with self._session.get(f"{url}{path}") as answer:
            html = await answer.text()
        found = _CLIENT.search(html)
        if answer.status != 200 or found is None:
            raise RuntimeError(f"{path} answered {answer.status} and is no page")
        self._client_id, self._next = found[1], int(found[2])
        query = {
            "client_id": self._client_id,
            "next_message_id": self._next,
            "implicit_handshake": "true",
            "document_id": uuid.uuid4(),
            "tab_id": uuid.uuid4(),
        }
        await self._socket.connect(
            f"{url}?{urlencode(query)}",
            headers={"Cookie": self._session.headers.get("Cookie", "")},
            socketio_path="/_nicegui_ws/socket.io",
            transports=["websocket"],
            wait_timeout=30,
        )

    async def _got(self, event: str, message: Any = None) -> None:
        if isinstance(message, dict) and "_id" in message:
            self._next = message["_id"] + 1
            await self._socket.emit("ack", {"client_id": self._client_id, "next_message_id": self._next})

    async def close(self) -> None:
        await self._socket.disconnect()


async def _main() -> None:
    given = json.load(sys.stdin)
    paths = itertools.cycle(given["paths"])
    gate = asyncio.Semaphore(AT_ONCE)

    async with aiohttp.ClientSession(headers={"Cookie": given["cookie"]}) as session:
        browsers = [Browser(session) for _ in range(given["count"])]

        async def begin(browser: Browser, path: str) -> None:
            async with gate:
                await browser.open(given["url"], path)

        await asyncio.gather(*(begin(each, next(paths)) for each in browsers))
        await asyncio.sleep(given["hold_s"])
        still_open = sum(each.is_open for each in browsers)
        await asyncio.gather(*(each.close() for each in browsers))
    json.dump({"open": still_open}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())
