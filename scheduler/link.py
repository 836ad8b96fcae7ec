"""One connection of a process to NATS, which comes and goes without anybody noticing but the log.

nats-py's own reconnect is off: a fresh client per connection leaves no half-dead subscriptions behind, and the streams are made anew before
anything is published, also after the server lost its disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import nats.errors
from nats.aio.client import Client

from bot import background

__all__ = ["NATS_ERRORS", "Link"]

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 2
PING_S = 2  # with two pings outstanding a server that hangs is left after some six seconds
RETRY_MIN_S, RETRY_MAX_S = 0.05, 1.0
PUBLISH_TIMEOUT_S = 1.0  # a full socket buffer must not hold up a webhook

NATS_ERRORS = (nats.errors.Error, OSError, asyncio.TimeoutError, AssertionError)


class Link:
    """Args:
    url: One address or several separated by commas.
    prepare: Runs on every new connection before anybody gets it; when it raises, the connection counts as failed.
    """

    def __init__(self, url: str, *, name: str, prepare: Callable[[Client], Awaitable[None]]) -> None:
        self._servers = [part.strip() for part in url.split(",") if part.strip()]
        self._name = name
        self._prepare = prepare
        self._client: Client | None = None
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._on_down: set[Callable[[], None]] = set()
        self._away_since: float | None = None
        self._unsent = 0

    async def open(self, *, wait_s: float = 2.0) -> bool:
        """Starts connecting and waits a little; False when NATS is away, which is no reason not to start."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"nats {self._name}")
        return await self.is_up_within(wait_s)

    async def is_up_within(self, seconds: float) -> bool:
        """Waits no longer than that for a connection."""
        try:
            await asyncio.wait_for(self._up.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def connected(self) -> Client:
        """The client, as soon as there is one."""
        while self._client is None:
            await self._up.wait()
        return self._client

    def is_up(self) -> bool:
        return self._client is not None

    def on_down(self, tell: Callable[[], None]) -> Callable[[], None]:
        """`tell` is called when the connection is lost; the result takes it off again."""
        self._on_down.add(tell)
        return lambda: self._on_down.discard(tell)

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> bool:
        """Hands a hint to the connection; never raises, never waits long. False: it is lost, the sweep or the workers' lookout make up for it."""
        client = self._client
        if client is not None:
            try:
                async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                    await client.publish(subject, payload, headers=dict(headers))
            except NATS_ERRORS as e:
                self._note_away(e)
            else:
                return True
        self._unsent += 1
        return False

    async def close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await background.end([keeper])
        client, self._client = self._client, None
        self._up.clear()
        if client is not None:
            await _close(client)

    async def _keep(self) -> None:
        pause_s = RETRY_MIN_S
        while True:
            lost = asyncio.Event()
            try:
                client = await self._connect(lost)
            except NATS_ERRORS as e:
                self._note_away(e)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_MAX_S)
                continue
            pause_s = RETRY_MIN_S
            self._note_back()
            self._client = client
            self._up.set()
            await lost.wait()
            self._client = None
            self._up.clear()
            self._note_away(None)
            for tell in list(self._on_down):
                tell()

    async def _connect(self, lost: asyncio.Event) -> Client:
        async def on_closed() -> None:
            lost.set()

        async def on_error(error: Exception) -> None:
            log.debug("nats", extra={"error": repr(error)})

        client = Client()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S * 2):
                await client.connect(
                    self._servers,
                    name=self._name,
                    allow_reconnect=False,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    ping_interval=PING_S,
                    max_outstanding_pings=2,
                    closed_cb=on_closed,
                    error_cb=on_error,
                )
                await self._prepare(client)
        except BaseException:
            await _close(client)
            raise
        return client

    def _note_away(self, error: BaseException | None) -> None:
        """Once per outage: hints fail by the hundred then."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            log.warning(
                "NATS is away, workers look for work themselves", extra={"error": repr(error) if error else "closed"}
            )

    def _note_back(self) -> None:
        if self._away_since is not None:
            away_s = round(time.monotonic() - self._away_since, 1)
            log.info("NATS is back", extra={"away_s": away_s, "unsent": self._unsent})
        self._away_since = None
        self._unsent = 0


async def _close(client: Client) -> None:
    """Best effort: the socket may be gone already."""
    try:
        async with asyncio.timeout(1):
            await client.close()
    except NATS_ERRORS:
        log.debug("closing NATS")
