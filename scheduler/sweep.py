"""What fell through: lost hints, leases of workers that are gone, waits that are over, deliveries that could not be read, clocks that leapt.

Leader only.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bot.runtime import Runtime
from bot.standing import PROBE_S
from scheduler.metrics import CLOCK_LEAPS
from scheduler.settings import ClockSettings
from store import hooks, queue_state
from store.errors import Retryable
from store.people.retention import purge_ended
from store.queue_state import WaitingSession
from store.tenancy import unscoped
from store.triggers import purge_trigger_deliveries

__all__ = ["Sweep", "purge"]

log = logging.getLogger(__name__)

SESSIONS_AT_ONCE = 1000
TIMEOUTS_AT_ONCE = 500
REPARSES_AT_ONCE = 20
LEAP_S = 1.0  # by so much the database's clock may go back before anything is done about it
MAX_REPARSES = 6  # the last one more than an hour after the delivery; then it stays unparsed, to be looked at
PURGE_BATCH = 2000


@dataclass(slots=True)
class _Hinted:
    inbox_id: UUID
    again_at: float
    pause_s: float


class Sweep:
    def __init__(
        self, runtime: Runtime, settings: ClockSettings, *, reparse: Callable[[UUID], Awaitable[None]] | None = None
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._reparse = reparse or runtime.reparse
        self._hinted: dict[UUID, _Hinted] = {}

    async def tick(self) -> int:
        """One round; how many hints went out."""
        with unscoped("sweep"):
            await self._heal_leap()
            await queue_state.wake_held(PROBE_S)
            over = await queue_state.put_timeouts(TIMEOUTS_AT_ONCE)
            waiting = await queue_state.waiting_sessions(
                self._settings.lost_hint_s, SESSIONS_AT_ONCE, lease_s=self._runtime.turn.lease_s
            )
        await self._hint(over)
        return len(over) + await self._hint(self._not_lately(waiting))

    async def _heal_leap(self) -> None:
        """First of all: by a clock that went back nothing else is due."""
        leap_s, moved = await queue_state.heal_leap(LEAP_S, self._runtime.turn.unknown_grace_s)
        if leap_s:
            CLOCK_LEAPS.inc()
            log.error("the database's clock leapt back", extra={"leap_s": round(leap_s, 1), "rows": moved})

    async def reparse(self) -> int:
        """Reads deliveries again that came while their number was unknown or our parser was wrong."""
        with unscoped("sweep"):
            deliveries = await queue_state.unparsed_deliveries(MAX_REPARSES, REPARSES_AT_ONCE)
        if not deliveries:
            return 0
        for delivery_id in deliveries:
            try:
                await self._reparse(delivery_id)
            except Retryable:
                raise
            except Exception:  # one that cannot be read must not keep the others waiting
                log.exception("delivery still unparsed", extra={"delivery_id": str(delivery_id)})
        return len(deliveries)

    def _not_lately(self, waiting: Sequence[WaitingSession]) -> list[WaitingSession]:
        """Leaves out what was hinted a moment ago: in a backlog the row waits for a worker, not for a hint. The pause doubles per row."""
        now = time.monotonic()
        settings = self._settings
        found = []
        for each in waiting:
            before = self._hinted.get(each.session_id)
            if before is not None and before.inbox_id == each.inbox_id:
                if now < before.again_at:
                    continue
                pause_s = min(before.pause_s * 2, settings.lost_hint_max_s)
            else:
                pause_s = settings.lost_hint_s
            self._hinted[each.session_id] = _Hinted(each.inbox_id, now + pause_s, pause_s)
            found.append(each)
        if len(self._hinted) > 4 * SESSIONS_AT_ONCE:
            self._hinted = {key: each for key, each in self._hinted.items() if each.again_at > now}
        return found

    async def _hint(self, sessions: Sequence[WaitingSession]) -> int:
        for each in sessions:
            attempt = f"{each.inbox_id}:{uuid4().hex[:12]}"
            await self._runtime.dispatcher.hint(each.organization_id, each.session_id, attempt=attempt)
        if sessions:
            log.info("hinted again", extra={"sessions": len(sessions), "action": "sweep.hinted"})
        return len(sessions)


async def purge(settings: ClockSettings) -> int:
    """Retention: old done jobs, raw deliveries, traces of turns, what models were asked and webhooks out, a batch of each; how many went."""
    with unscoped("retention"):
        jobs = await queue_state.purge_jobs(settings.done_jobs_days, PURGE_BATCH)
        deliveries = await queue_state.purge_deliveries(settings.deliveries_days, PURGE_BATCH)
        deliveries += await purge_trigger_deliveries(settings.deliveries_days, PURGE_BATCH)
        traces = await queue_state.purge_traces(settings.traces_days, PURGE_BATCH)
        usage = await queue_state.purge_usage(settings.usage_days, PURGE_BATCH)
        told = await hooks.purge(datetime.now(UTC) - timedelta(days=settings.hooks_days), PURGE_BATCH)
        ended = await purge_ended()
    if found := jobs + deliveries + traces + usage + told + ended:
        log.info(
            "purged",
            extra={
                "jobs": jobs,
                "deliveries": deliveries,
                "traces": traces,
                "usage": usage,
                "hooks": told,
                "sign_ins": ended,
            },
        )
    return found
