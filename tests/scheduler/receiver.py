"""Somebody's webhook receiver: a real HTTP server that behaves as a test says, and checks signatures with the code of docs/webhooks.md."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

__all__ = ["Came", "Receiver", "documented", "receiving"]

DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"


def documented(name: str) -> Any:
    """What a reader of the page has, who copied its first block of Python."""
    space: dict[str, Any] = {}
    [first, *_] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    exec(first, space)
    return space[name]


@dataclass(frozen=True)
class Came:
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answers` are used up one by one; then 204. A number is a status, "hang" never answers."""

    url: str = ""
    answers: list[int | str | Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    elsewhere: int = 0  # requests for another path
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [each.json["type"] for each in self.came]

    async def has(self, count: int) -> None:
        """Waits until so many came."""
        while len(self.came) < count:
            self._changed.clear()
            await self._changed.wait()

    async def take(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/in":
            self.elsewhere += 1
            return web.Response()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append(Came(headers, await request.read()))
        self._changed.set()
        answer = self.answers.pop(0) if self.answers else 204
        if answer == "hang":
            await asyncio.sleep(60)
        if callable(answer):
            return await answer(request)
        assert isinstance(answer, int)
        return web.Response(status=answer, text=f"answer {answer}" if answer != 204 else None)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    try:
        yield receiver
    finally:
        await runner.cleanup()
