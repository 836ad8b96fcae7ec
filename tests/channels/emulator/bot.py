"""A bot of a few lines: records what it is told, answers as the test says."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

ASHA = "254711000001"
BRIAN = "254711000002"
NUMBER = "106540352242921"
OTHER_NUMBER = "106540352242922"

Answer = Callable[[dict[str, Any], str], Awaitable[None]]


@dataclass
class Delivery:
    """One POST as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def values(self) -> list[dict[str, Any]]:
        return [change["value"] for entry in self.body["entry"] for change in entry["changes"]]

    def is_signed_with(self, secret: str) -> bool:
        right = "sha256=" + hmac.new(secret.encode(), self.raw, hashlib.sha256).hexdigest()
        return self.headers.get("X-Hub-Signature-256") == right


@dataclass
class Bot:
    """`codes` are the answers to the next webhooks, then 200. `answer` runs for each message, after the 200."""

    deliveries: list[Delivery] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    answer: Answer | None = None
    hang_ups: int = 0  # so many webhooks are taken and never answered
    pause_s: float = 0.0
    graph_url: str = ""
    url: str = ""
    verify_token: str = "verify-token-1"

    async def start(self) -> None:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/hook", self._post)
        app.router.add_get("/hook", self._verify)
        app.router.add_get("/picture.png", self._picture)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        self._session = aiohttp.ClientSession()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._session.close()
        await self._runner.cleanup()

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [m for d in self.deliveries for v in d.values for m in v.get("messages", [])]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [s for d in self.deliveries for v in d.values for s in v.get("statuses", [])]

    def ladder(self, wamid: str) -> list[str]:
        """The statuses of one message from the lowest rung up: POSTs may overtake each other."""
        rank = ("sent", "delivered", "read", "failed")
        return sorted((s["status"] for s in self.statuses if s["id"] == wamid), key=rank.index)

    async def call(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        token: str | None = "access-token-1",
        timeout_s: float = 10.0,
        **more: Any,
    ) -> tuple[int, Any]:
        """Status and JSON (or text) of one Graph call."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        url = path if path.startswith("http") else f"{self.graph_url}/v25.0/{path}"
        async with self._session.request(method, url, json=data, headers=headers, timeout=timeout, **more) as response:
            if response.content_type == "application/json":
                return response.status, await response.json()
            return response.status, await response.read()

    async def send(self, data: dict[str, Any], *, number: str = NUMBER, to: str = ASHA, **more: Any) -> tuple[int, Any]:
        body = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to, **data}
        return await self.call("POST", f"{number}/messages", body, token=f"access-token-{number[-1]}", **more)

    async def text(self, text: str, **more: Any) -> str:
        """The wamid of an accepted text; anything else fails the test."""
        opaque = more.pop("opaque", None)
        data: dict[str, Any] = {"type": "text", "text": {"body": text}}
        if opaque:
            data["biz_opaque_callback_data"] = opaque
        status, answer = await self.send(data, **more)
        assert status == 200, answer
        return str(answer["messages"][0]["id"])

    async def _post(self, request: web.Request) -> web.Response:
        delivery = Delivery(dict(request.headers), await request.read())
        self.deliveries.append(delivery)
        if self.hang_ups > 0 and request.transport is not None:
            self.hang_ups -= 1
            request.transport.abort()
        await asyncio.sleep(self.pause_s)
        code = self.codes.pop(0) if self.codes else 200
        if code == 200 and self.answer is not None:
            for value in delivery.values:
                for message in value.get("messages", []):
                    task = asyncio.create_task(self.answer(message, value["metadata"]["phone_number_id"]))  # type: ignore[arg-type]
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        return web.Response(status=code)

    async def _verify(self, request: web.Request) -> web.Response:
        if request.query.get("hub.verify_token") != self.verify_token:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def _picture(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=PNG, content_type="image/png")


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c636068f80f00028301805d6ecf6c0000000049454e44ae426082"
)


def code_of(answer: Any) -> int:
    return int(answer["error"]["code"])
