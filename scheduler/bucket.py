"""One limit in one process: slots claimed from Postgres in blocks, given out on the monotonic clock.

A slot is a moment that belongs to us alone. It is used in time or not at all: a late send would come too close to the next process's slot.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable

from store.errors import Retryable
from store.pacing import Block

__all__ = ["Bucket", "DatabaseClock"]

LEAP_S = 10.0  # no honest block begins so late: that would be a hundred processes waiting for the same number
AWAY_S = 1.0
AHEAD_S = 0.015  # how early the next block is claimed while slots are used as they come: a slow round trip
MAX_DRIFT = 1e-4  # of one clock against the other


class DatabaseClock:
    """Where the database's clock stands on ours. Each round trip bounds the difference; the bounds of several are cut with each other."""

    def __init__(self) -> None:
        self._low = self._high = 0.0
        self._seen_at: float | None = None

    def monotonic_of(self, claimed_at: float, *, sent: float, received: float) -> float:
        """The moment `claimed_at` of the database, which lies between `sent` and `received`, on our monotonic clock."""
        low, high = claimed_at - received, claimed_at - sent
        if self._seen_at is not None:
            drift = (received - self._seen_at) * MAX_DRIFT
            cut_low, cut_high = max(low, self._low - drift), min(high, self._high + drift)
            if cut_low <= cut_high:  # else one of the clocks leapt: begin anew
                low, high = cut_low, cut_high
        self._low, self._high, self._seen_at = low, high, received
        return claimed_at - (low + high) / 2


class Bucket:
    """Args:
    claim: Takes n slots.
    heal: Called when the next slot is implausibly far away.
    interval_s: Between two slots.
    late_s: How long after its moment a slot may still be used.
    """

    def __init__(
        self,
        clock: DatabaseClock,
        claim: Callable[[int], Awaitable[Block]],
        heal: Callable[[], Awaitable[None]],
        *,
        interval_s: float,
        late_s: float,
    ) -> None:
        self._clock = clock
        self._claim = claim
        self._heal = heal
        self.interval_s = interval_s
        self._late_s = late_s
        self._slots: deque[float] = deque()
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())
        self._blocks = (1, 1)
        self._block = 1
        self._last_slot = 0.0
        self._wake = asyncio.Event()
        self._giver: asyncio.Task[None] | None = None
        self._claimer: asyncio.Task[None] | None = None

    def set_blocks(self, *, first_s: float, second_s: float) -> None:
        """How much time one claim may cover at most when the first, or only the second rank waits."""
        self._blocks = (max(1, int(first_s / self.interval_s)), max(1, int(second_s / self.interval_s)))

    async def take(self, rank: int = 0) -> None:
        """Returns in a slot of ours. Rank 0 goes before rank 1.

        Raises:
            Retryable: The database is away.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[rank].append(turn)
        self._wake.set()
        if self._giver is None or self._giver.done():
            # A context of its own: the caller's scope and transaction must not be the giver's.
            self._giver = asyncio.create_task(self._give(), name="pacing", context=contextvars.Context())
        await turn

    def _waiters(self) -> int:
        for queue in self._waiting:
            while queue and queue[0].done():  # whoever was cancelled wants no slot
                queue.popleft()
        return len(self._waiting[0]) + len(self._waiting[1])

    async def _give(self) -> None:
        while self._waiters():
            self._drop_late()
            self._claim_ahead()
            self._wake.clear()
            if not self._slots:
                await self._wake.wait()
                continue
            pause = self._slots[0] - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
                continue
            self._slots.popleft()
            # All that is due at once: one for each round of a busy loop would let the others grow late.
            next(queue for queue in self._waiting if queue).popleft().set_result(None)

    def _drop_late(self) -> None:
        oldest = time.monotonic() - self._late_s
        while self._slots and self._slots[0] < oldest:
            self._slots.popleft()

    def _claim_ahead(self) -> None:
        """Starts the next claim before what is in hand runs out, so that no slot passes unused while somebody waits.

        Blocks double while slots are used as they come, and shrink to one as soon as nobody presses.
        """
        if self._claimer is not None and not self._claimer.done():
            return
        now = time.monotonic()
        limit = self._blocks[0 if self._waiting[0] else 1]
        missing = self._waiters() - len(self._slots)
        is_pressed = self._last_slot + 2 * self.interval_s + AHEAD_S > now
        runs_out = not self._slots or self._slots[-1] - now < AHEAD_S
        if not (runs_out and (missing > 0 or (is_pressed and self._block > 1))):
            return
        self._block = min(self._block * 2, limit) if is_pressed else 1
        count = min(max(missing, self._block), limit)
        self._claimer = asyncio.create_task(self._claim_block(count), context=contextvars.Context())

    async def _claim_block(self, count: int) -> None:
        sent = time.monotonic()
        try:
            block = await self._claim(count)
            if block.wait_s > LEAP_S:
                await self._heal()
                self._wake.set()
                return
        except Retryable as e:
            await asyncio.sleep(min(e.after_s or AWAY_S, AWAY_S))  # so that whoever tries again at once does not spin
            self._fail(e)
            return
        except Exception as e:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            self._fail(e)
            return
        start = self._clock.monotonic_of(block.claimed_at, sent=sent, received=time.monotonic()) + block.wait_s
        self._slots.extend(start + n * self.interval_s for n in range(count))
        self._last_slot = self._slots[-1]
        self._wake.set()

    def _fail(self, error: Exception) -> None:
        for queue in self._waiting:
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_exception(error)
        self._wake.set()
