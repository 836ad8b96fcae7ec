"""A bot that does what most do: answers 200 at once and keeps the work in memory. The positive control of the crash tests.

`python -m tests.support.careless_bot PORT GRAPH_URL`. Killed, it loses what it had; a delivery that comes twice is answered twice; and whoever
is quicker overtakes.
"""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import aiohttp
from aiohttp import web

from channels.emulator.settings import demo_settings

THINKS_S = (0.05, 0.6)
SEED = 7


class CarelessBot:
    def __init__(self, graph_url: str) -> None:
        self._number = demo_settings().numbers[0]
        self._url = f"{graph_url}/v25.0/{self._number.phone_number_id}/messages"
        self._dice = random.Random(SEED)
        self._working: set[asyncio.Task[None]] = set()

    async def webhook(self, request: web.Request) -> web.Response:
        body = await request.json()
        for entry in body["entry"]:
            for change in entry["changes"]:
                for message in change["value"].get("messages", ()):
                    task = asyncio.create_task(self._answer(message))
                    self._working.add(task)
                    task.add_done_callback(self._working.discard)
        return web.Response()

    async def _answer(self, message: dict[str, Any]) -> None:
        await asyncio.sleep(self._dice.uniform(*THINKS_S))
        reply = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message["from"],
            "type": "text",
            "text": {"body": message["text"]["body"]},
        }
        headers = {"Authorization": f"Bearer {self._number.access_token}"}
        async with aiohttp.ClientSession(headers=headers) as session, session.post(self._url, json=reply) as response:
            await response.read()


def main(port: int, graph_url: str) -> None:
    app = web.Application()
    app.router.add_post("/webhooks/whatsapp", CarelessBot(graph_url).webhook)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
