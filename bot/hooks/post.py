"""One try: the request, and what came back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver

from bot.hooks import reasons
from bot.hooks.guard import Guarded, Unsafe, check_url
from bot.hooks.settings import HookSettings

__all__ = ["Answered", "Poster"]

EXCERPT_BYTES = 2_000
READ_S = 2.0  # for the excerpt: the status says all that counts
GONE = 410
LONGEST_WISH_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Answered:
    """`status` None: there was no answer, and `error` says why. `excerpt` is the beginning of the answer."""

    status: int | None
    took_ms: int
    error: str = ""
    excerpt: str = ""
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == GONE


class Poster:
    """Connections of one job, to one endpoint."""

    def __init__(self, settings: HookSettings, names: AbstractResolver | None = None) -> None:
        """`names` look up addresses in place of the system."""
        self._settings = settings
        self._names = names

    async def __aenter__(self) -> Self:
        resolver = self._names if self._settings.allow_private else Guarded(self._names)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=self._settings.at_once),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Never raises for what the other side does."""
        started = time.monotonic()

        def failed(error: str) -> Answered:
            return Answered(None, _ms_since(started), error)

        try:
            check_url(url, allow_private=self._settings.allow_private)
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._ask(url, body, headers, started)
        except Unsafe as e:
            return failed(str(e))
        except TimeoutError:
            return failed(reasons.NO_ANSWER.format(seconds=f"{self._settings.timeout_s:g}"))
        except aiohttp.ClientConnectorCertificateError:
            return failed(reasons.NOT_VALID)
        except aiohttp.ClientConnectorDNSError:
            return failed(reasons.UNKNOWN)
        except aiohttp.ClientSSLError:
            return failed(reasons.NO_TLS)
        except (aiohttp.ClientConnectorError, OSError):
            return failed(reasons.NOBODY)
        except (aiohttp.ClientError, ValueError) as e:  # ValueError: what aiohttp says of addresses that it cannot use
            return failed(reasons.BROKE.format(kind=type(e).__name__))

    async def _ask(self, url: str, body: bytes, headers: Mapping[str, str], started: float) -> Answered:
        given = {"Content-Type": "application/json", "User-Agent": "ChatNation-Webhooks/1", **headers}
        async with self._session.post(url, data=body, headers=given, allow_redirects=False) as response:
            excerpt = await _beginning(response)
            status, error = response.status, ""
            if 300 <= status < 400:
                where = response.headers.get("Location", "")[:120]
                error = reasons.REDIRECTS_TO.format(where=where) if where else reasons.REDIRECTS
            elif not 200 <= status < 300:
                error = reasons.REFUSED.format(status=status)
            return Answered(status, _ms_since(started), error, excerpt, _wished(response.headers.get("Retry-After")))


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """As text, without what a database cannot keep. Best effort: who answers and then hangs has answered."""
    found = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            while len(found) < EXCERPT_BYTES and (chunk := await response.content.readany()):
                found += chunk
    except (TimeoutError, aiohttp.ClientError):
        pass
    if not response.content.at_eof():
        response.close()  # nobody waits for the rest of it
    return bytes(found[:EXCERPT_BYTES]).decode("utf-8", "replace").replace("\x00", "")


def _wished(text: str | None) -> float | None:
    """Retry-After: seconds or a date."""
    if not text:
        return None
    try:
        wish_s = float(text)
    except ValueError:
        try:
            wish_s = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(wish_s, LONGEST_WISH_S) if wish_s > 0 else None


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
