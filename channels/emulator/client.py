"""A client of the control API, for tests and scripts in Python."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp


class EmulatorRefused(Exception):
    """The control API said no; the message is its reason."""


class EmulatorClient:
    """Drives an emulator over HTTP. Use as an async context manager, or call `close`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def health(self) -> Any:
        return await self._call("GET", "health")

    async def state(self) -> Any:
        return await self._call("GET", "state")

    async def add_user(self, wa_id: str, name: str = "", **settings: Any) -> Any:
        """`settings`: username, user_id, hide_phone, auto_read, online."""
        return await self._call("POST", "users", {"wa_id": wa_id, "name": name, **settings})

    async def add_users(self, users: Sequence[Mapping[str, Any]]) -> Any:
        return await self._call("POST", "users", list(users))

    async def change_user(self, wa_id: str, **changes: Any) -> Any:
        return await self._call("PATCH", f"users/{wa_id}", changes)

    async def remove_user(self, wa_id: str) -> Any:
        return await self._call("DELETE", f"users/{wa_id}")

    async def send(self, wa_id: str, **what: Any) -> Any:
        """One thing that the person sends: text=, tap=, media=, location=, contacts=, reaction=, flow=, raw= ...; answers the message."""
        return await self._call("POST", f"users/{wa_id}/send", what)

    async def text(self, wa_id: str, text: str, phone_number_id: str | None = None, **more: Any) -> Any:
        return await self.send(wa_id, text=text, phone_number_id=phone_number_id, **more)

    async def tap(self, wa_id: str, option: int | str, phone_number_id: str | None = None, **more: Any) -> Any:
        """`option`: index from 0, id, title, or /pattern/ on the title; in the latest message that offers it."""
        return await self.send(wa_id, tap=option, phone_number_id=phone_number_id, **more)

    async def messages(self, wa_id: str, **query: Any) -> list[dict[str, Any]]:
        """In order; query: after (seq), direction ("in" or "out"), phone_number_id, limit."""
        found = await self._call("GET", f"users/{wa_id}/messages", query=query)
        return list(found["messages"])

    async def wait_for_reply(
        self,
        wa_id: str,
        *,
        after: int = 0,
        count: int = 1,
        contains: str | None = None,
        phone_number_id: str | None = None,
        timeout_s: float = 10.0,
    ) -> list[dict[str, Any]]:
        """The business's messages after a seq, once there are `count`.

        Raises:
            TimeoutError: they did not come in time.
        """
        query = {"wa_id": wa_id, "outbound": count, "after": after, "timeout_s": timeout_s}
        query |= {k: v for k, v in (("contains", contains), ("phone_number_id", phone_number_id)) if v is not None}
        found = await self._call("GET", "wait", query=query, timeout_s=timeout_s + 5)
        if not found["met"]:
            seen = [m["text"][:60] for m in found["messages"]]
            raise TimeoutError(f"{wa_id} has {len(seen)} of {count} messages after {timeout_s} s: {seen}")
        return list(found["messages"])

    async def ask(self, wa_id: str, text: str, *, timeout_s: float = 10.0, **more: Any) -> dict[str, Any]:
        """Writes a text and answers the first reply to it."""
        sent = await self.text(wa_id, text, **more)
        return (
            await self.wait_for_reply(
                wa_id, after=sent["seq"], phone_number_id=sent["phone_number_id"], timeout_s=timeout_s
            )
        )[0]

    async def wait_until_idle(self, timeout_s: float = 10.0) -> None:
        """Raises TimeoutError when deliveries are still pending."""
        found = await self._call("GET", "wait", query={"idle": 1, "timeout_s": timeout_s}, timeout_s=timeout_s + 5)
        if not found["met"]:
            raise TimeoutError(f"{found['pending']} deliveries are still pending after {timeout_s} s")

    async def read(self, wa_id: str, phone_number_id: str | None = None) -> Any:
        return await self._call("POST", f"users/{wa_id}/read", {"phone_number_id": phone_number_id})

    async def change_number(self, wa_id: str, new_wa_id: str) -> Any:
        return await self._call("POST", f"users/{wa_id}/number", {"new_wa_id": new_wa_id})

    async def set_marketing(self, wa_id: str, phone_number_id: str, *, stop: bool) -> Any:
        return await self._call("POST", f"users/{wa_id}/marketing", {"phone_number_id": phone_number_id, "stop": stop})

    async def bulk(self, **run: Any) -> Any:
        """Many people write: wa_ids or count, text with {i}, messages_each, start, rate_per_s, phone_number_id, wait."""
        return await self._call("POST", "bulk", run, timeout_s=600)

    async def upload(self, content: bytes, mime_type: str, filename: str = "file") -> str:
        """The id of a file that a person may send with `media={"id": ...}`."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename=filename, content_type=mime_type)
        async with self._open().post(f"{self.base_url}/control/media", data=form) as response:
            return str((await _checked(response))["id"])

    async def media(self, media_id: str) -> bytes:
        async with self._open().get(f"{self.base_url}/control/media/{media_id}") as response:
            if response.status != 200:
                raise EmulatorRefused(f"media {media_id}: {response.status}")
            return await response.read()

    async def shift_clock(self, shift: float | str) -> Any:
        """Seconds, or a text like "+25h"."""
        return await self._call("POST", "clock", {"shift": shift})

    async def reset_clock(self) -> Any:
        return await self._call("POST", "clock", {"reset": True})

    async def set_fault(self, name: str, *, seed: int | None = None, **when: Any) -> Any:
        """`when`: probability, next_n, every, script, on, phone_number_id, wa_id, params."""
        return await self._call(
            "PUT", "faults", {"name": name, **when}, query={"seed": seed} if seed is not None else None
        )

    async def clear_faults(self, name: str | None = None) -> Any:
        return await self._call("DELETE", "faults", query={"name": name} if name else None)

    async def set_limits(self, **limits: Any) -> Any:
        """enforce_window, enforce_pair, enforce_rate, enforce_tier, window_s, pair_burst, pair_interval_s, rate_tolerance ..."""
        return await self._call("PATCH", "limits", limits)

    async def set_pace(self, **pace: Any) -> Any:
        """sent_after_s, delivered_after_s, read_after_s, auto_read, retry_schedule_s, batch_max, ordered_per_user ..."""
        return await self._call("PATCH", "pace", pace)

    async def change_business_number(self, phone_number_id: str, **changes: Any) -> Any:
        """webhook_url, quality, status, token_problem, subscribed, fields, scopes, waba_id, access_token, app_secret, throughput_per_s ..."""
        return await self._call("PATCH", f"numbers/{phone_number_id}", changes)

    async def change_template(self, template_id: str, **changes: Any) -> Any:
        return await self._call("PATCH", f"templates/{template_id}", changes)

    async def templates(self) -> Any:
        return await self._call("GET", "templates")

    async def webhook(self, phone_number_id: str, **what: Any) -> Any:
        """Any webhook: field=, value=; or part=, items=, spread=."""
        return await self._call("POST", "webhook", {"phone_number_id": phone_number_id, **what})

    async def verify_webhook(self) -> Any:
        return await self._call("POST", "verify")

    async def mpesa_prompts(self, wa_id: str | None = None, *, timeout_s: float = 0.0) -> list[dict[str, Any]]:
        """What stands on the phone now; with `timeout_s` it waits until there is a prompt, and may still answer none."""
        query: dict[str, Any] = {"timeout_s": timeout_s} | ({"wa_id": wa_id} if wa_id is not None else {})
        return list((await self._call("GET", "mpesa/prompts", query=query, timeout_s=timeout_s + 5))["prompts"])

    async def mpesa_pay(self, wa_id: str, pin: str | None = None, *, timeout_s: float = 10.0, **more: Any) -> Any:
        """Waits for the prompt and enters the PIN, the right one when none is given; `more`: checkout_id."""
        return await self._act(wa_id, "pay", {"pin": pin, **more}, timeout_s)

    async def mpesa_cancel(self, wa_id: str, *, timeout_s: float = 10.0, **more: Any) -> Any:
        return await self._act(wa_id, "cancel", more, timeout_s)

    async def mpesa_ignore(self, wa_id: str, *, timeout_s: float = 10.0, **more: Any) -> Any:
        """The prompt ends with 1037 now; `more`: late_success_after_s, checkout_id."""
        return await self._act(wa_id, "ignore", more, timeout_s)

    async def mpesa_paybill(self, wa_id: str, shortcode: str, account: str, amount: int, **more: Any) -> Any:
        """The person pays by hand; `more`: pin."""
        wanted = {"shortcode": shortcode, "account": account, "amount": amount, **more}
        return await self._call("POST", f"users/{wa_id}/mpesa/paybill", wanted)

    async def mpesa_wallet(self, wa_id: str, **changes: Any) -> Any:
        """Balance and PIN of a phone, after the `changes`: balance, pin."""
        return await self._call("PATCH" if changes else "GET", f"users/{wa_id}/mpesa", changes or None)

    async def mpesa_pace(self, **pace: Any) -> Any:
        """prompt_timeout_s, callback_after_s, callback_retries, busy, loopback_http, values_as ..."""
        return await self._call("PATCH", "mpesa", pace)

    async def mpesa_ledger(self, shortcode: str | None = None) -> dict[str, Any]:
        """What phones really paid, and every push with its callbacks."""
        query = {"shortcode": shortcode} if shortcode is not None else None
        return dict(await self._call("GET", "mpesa/ledger", query=query))

    async def ledger(self, *, details: bool = True) -> dict[str, Any]:
        return dict(await self._call("GET", "ledger", query={"details": int(details)}))

    async def analyse(self, pattern: str = r"n-(\d+)", **more: Any) -> dict[str, Any]:
        """Lost, duplicated, misordered; `more`: reply_pattern, wa_ids."""
        return dict(await self._call("POST", "analyse", {"pattern": pattern, **more}))

    async def wire(self, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        return list(await self._call("GET", "wire", query={"after": after, "limit": limit}))

    async def reset(self, *, keep_users: bool = True) -> Any:
        return await self._call("POST", "reset", {"keep_users": keep_users})

    async def _act(self, wa_id: str, what: str, wanted: Mapping[str, Any], timeout_s: float) -> Any:
        await self.mpesa_prompts(wa_id, timeout_s=timeout_s)
        return await self._call("POST", f"users/{wa_id}/mpesa/{what}", dict(wanted))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _call(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        timeout_s: float = 60.0,
    ) -> Any:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._open().request(
            method, f"{self.base_url}/control/{path}", json=data, params=query, timeout=timeout
        ) as response:
            return await _checked(response)


async def _checked(response: aiohttp.ClientResponse) -> Any:
    data = await response.json()
    if response.status >= 400:
        raise EmulatorRefused(f"{response.status}: {data.get('error', data)}")
    return data
