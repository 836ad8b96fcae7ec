"""A business of a few lines: calls Daraja, and records what is posted to it."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import aiohttp
from aiohttp import web

SHORTCODE = "174379"
TILL = "5550001"
PASSKEY = "demo-passkey"
KEYS = ("demo-consumer-key", "demo-consumer-secret")
EAT = timezone(timedelta(hours=3))


@dataclass
class Shop:
    """`validation` is what it answers when it is asked whether a payment by hand is welcome."""

    daraja_url: str
    raw: list[bytes] = field(default_factory=list)
    confirmed: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    validation: str = '{"ResultCode": "0", "ResultDesc": "Accepted"}'
    codes: list[int] = field(default_factory=list)  # of the next answers to callbacks, then 200
    url: str = ""
    token: str = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/paid", self._callback)
        app.router.add_post("/confirm", self._confirm)
        app.router.add_post("/validate", self._validate)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        self._changed = asyncio.Event()
        self.token = (await self.authorize())[1]["access_token"]

    async def close(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    @property
    def callbacks(self) -> list[dict[str, Any]]:
        return [json.loads(raw)["Body"]["stkCallback"] for raw in self.raw]

    async def got(self, count: int) -> list[dict[str, Any]]:
        """The callbacks, once there are so many."""
        await self._until(lambda: len(self.raw) >= count)
        return self.callbacks

    async def got_confirmed(self, count: int) -> list[dict[str, Any]]:
        await self._until(lambda: len(self.confirmed) >= count)
        return self.confirmed

    async def authorize(self, keys: tuple[str, str] = KEYS, grant: str = "client_credentials") -> tuple[int, Any]:
        url = f"{self.daraja_url}/oauth/v1/generate?grant_type={grant}"
        headers = {"Authorization": "Basic " + base64.b64encode(":".join(keys).encode()).decode()}
        async with self._session.get(url, headers=headers) as response:
            return response.status, await response.json()

    async def call(self, path: str, data: Any, *, token: str | None = None, timeout_s: float = 5.0) -> tuple[int, Any]:
        """Status, and JSON or text."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        url = f"{self.daraja_url}/mpesa/{path}"
        async with self._session.post(url, json=data, headers=headers, timeout=timeout) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())

    def signed(self, shortcode: str = SHORTCODE, **more: Any) -> dict[str, Any]:
        timestamp = datetime.now(UTC).astimezone(EAT).strftime("%Y%m%d%H%M%S")
        password = base64.b64encode(f"{shortcode}{PASSKEY}{timestamp}".encode()).decode()
        return {"BusinessShortCode": shortcode, "Password": password, "Timestamp": timestamp} | more

    async def push(self, phone: str, amount: Any = 1300, *, timeout_s: float = 5.0, **changes: Any) -> tuple[int, Any]:
        data = self.signed(
            TransactionType="CustomerPayBillOnline",
            Amount=amount,
            PartyA=phone,
            PartyB=SHORTCODE,
            PhoneNumber=phone,
            CallBackURL=f"{self.url}/paid",
            AccountReference="TICKET-9",
            TransactionDesc="Ticket",
        )
        return await self.call("stkpush/v1/processrequest", data | changes, timeout_s=timeout_s)

    async def asked_for(self, phone: str, amount: int = 1300, **more: Any) -> str:
        """The CheckoutRequestID of an accepted push; anything else fails the test."""
        status, answer = await self.push(phone, amount, **more)
        assert (status, answer.get("ResponseCode")) == (200, "0"), answer
        return str(answer["CheckoutRequestID"])

    async def query(self, checkout_id: str) -> tuple[int, Any]:
        return await self.call("stkpushquery/v1/query", self.signed(CheckoutRequestID=checkout_id))

    async def register(self, version: str = "v2", response_type: str = "Completed", **changes: Any) -> tuple[int, Any]:
        urls = {"ConfirmationURL": f"{self.url}/confirm", "ValidationURL": f"{self.url}/validate"}
        data = {"ShortCode": SHORTCODE, "ResponseType": response_type} | urls | changes
        return await self.call(f"c2b/{version}/registerurl", data)

    async def _until(self, is_true: Any, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not is_true():
                self._changed.clear()
                await self._changed.wait()

    def _code(self) -> int:
        return self.codes.pop(0) if self.codes else 200

    async def _callback(self, request: web.Request) -> web.Response:
        self.raw.append(await request.read())
        self._changed.set()
        return web.json_response({"ResultCode": 0, "ResultDesc": "Accepted"}, status=self._code())

    async def _confirm(self, request: web.Request) -> web.Response:
        self.confirmed.append(await request.json())
        self._changed.set()
        return web.json_response({"ResultCode": 0, "ResultDesc": "Accepted"}, status=self._code())

    async def _validate(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return web.Response(text=self.validation, content_type="application/json")


def items_of(callback: dict[str, Any]) -> dict[str, Any]:
    return {item["Name"]: item.get("Value") for item in callback["CallbackMetadata"]["Item"]}
