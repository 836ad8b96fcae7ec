"""Posts to the URLs that businesses gave, and keeps what was answered."""

import asyncio
from collections.abc import Callable

import aiohttp

from channels.emulator.clock import Clock
from channels.emulator.mpesa.settings import Pace
from channels.emulator.mpesa.state import Posted
from channels.emulator.stream import Hub, WireEntry

_HEADERS = {"Content-Type": "application/json", "User-Agent": "Apache-HttpClient/4.5.5"}
_RETRY_AFTER_S = 1.0


class Postman:
    """`close` ends what is under way; `pending` counts what is queued or on its way."""

    def __init__(self, pace: Pace, clock: Clock, hub: Hub, session: Callable[[], aiohttp.ClientSession]) -> None:
        self._pace = pace
        self._clock = clock
        self._hub = hub
        self._session = session
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.posted = 0
        self.answered = 0

    @property
    def pending(self) -> int:
        return len(self._timers) + len(self._tasks)

    def later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Runs `call` after real seconds; counted as pending until then."""

        def run() -> None:
            self._timers.discard(handle)
            call()
            self._hub.nudge()

        handle = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(handle)
        return handle

    def post(
        self,
        url: str,
        body: bytes,
        *,
        shortcode: str,
        marks: tuple[str, ...] = (),
        after_s: float = 0.0,
        told: Callable[[Posted], None] | None = None,
    ) -> None:
        """Posts after a while; tries again only when the pace says so. `told` hears of every try."""

        def begin() -> None:
            task = asyncio.create_task(self._deliver(url, body, shortcode, marks, told))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

        self.later(after_s, begin)

    async def ask(
        self, url: str, body: bytes, *, shortcode: str, timeout_s: float, attempt: int = 1
    ) -> tuple[int, bytes]:
        """One POST and its answer; (0, ...) without one."""
        return await self._try(url, body, shortcode, (), timeout_s, attempt)

    def keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def forget(self) -> None:
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        self.forget()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._hub.nudge()

    async def _deliver(
        self, url: str, body: bytes, shortcode: str, marks: tuple[str, ...], told: Callable[[Posted], None] | None
    ) -> None:
        for attempt in range(1, self._pace.callback_retries + 2):
            at = self._clock.real()
            code, _ = await self._try(url, body, shortcode, marks, self._pace.callback_timeout_s, attempt)
            if told is not None:
                told(Posted(at, url, body, code))
            if code == 200:
                return
            if attempt <= self._pace.callback_retries:
                await asyncio.sleep(_RETRY_AFTER_S)

    async def _try(
        self, url: str, body: bytes, shortcode: str, marks: tuple[str, ...], timeout_s: float, attempt: int
    ) -> tuple[int, bytes]:
        started = self._clock.real()
        try:
            timeout = aiohttp.ClientTimeout(total=timeout_s)
            async with self._session().post(url, data=body, headers=_HEADERS, timeout=timeout) as response:
                code, answer = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            code, answer = 0, type(error).__name__.encode()
        self.posted += 1
        self.answered += code == 200
        self._hub.log_wire(
            WireEntry(
                0,
                started,
                "webhook",
                "POST",
                url,
                dict(_HEADERS),
                body,
                code,
                (self._clock.real() - started) * 1000,
                answer,
                marks,
                attempt,
                shortcode,
            )
        )
        return code, answer
