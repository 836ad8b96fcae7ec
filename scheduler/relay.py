"""From rows to workers: messages that wait to be sent, jobs that are due. Leader only; running twice would only hint twice."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from bot.ports import Dispatcher, Lane
from scheduler.fairness import admit
from scheduler.settings import ClockSettings
from store import queue_state
from store.tenancy import unscoped

__all__ = ["REPORTERS", "Relay"]

REPORTERS = ("web", "clock")  # a status comes in through the first and is applied by the second
DELIVERIES_AT_ONCE = 1000
HINT_AGAIN_S = 0.5  # a delivery task needs a moment to show up among the leases


class Relay:
    """Args:
    grace_s: How long a send of unknown fate waits for its status.
    """

    def __init__(self, dispatcher: Dispatcher, settings: ClockSettings, *, grace_s: float) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self._grace_s = grace_s
        self._hinted: dict[tuple[UUID, int], float] = {}

    async def tick(self) -> int:
        """One round; how many hints went out."""
        return await self.deliveries() + await self.jobs()

    async def deliveries(self) -> int:
        with unscoped("relay"):
            await queue_state.hold_unknown_sends(self._grace_s, self._settings.alive_gap_s, REPORTERS)
            due = await queue_state.due_deliveries(DELIVERIES_AT_ONCE)
        now = time.monotonic()
        self._hinted = {key: at for key, at in self._hinted.items() if at > now - HINT_AGAIN_S}
        hints = 0
        for each in due:
            # Of the replies' lane the workers' own sends hold leases too, so only bulk is held to its number of tasks.
            is_full = each.lane == Lane.BULK and each.senders >= self._settings.deliveries_per_organization
            key = (each.organization_id, each.lane)
            if is_full or key in self._hinted:
                continue
            self._hinted[key] = now
            hints += 1
            await self._dispatcher.deliver(each.organization_id, lane=Lane(each.lane), attempt=uuid4().hex)
        return hints

    async def jobs(self) -> int:
        settings = self._settings
        with unscoped("relay"):
            due = await queue_state.due_jobs(settings.jobs_per_organization, settings.rekick_s)
            if not due:
                return 0
            load = await queue_state.job_load()
            admitted = admit(
                due, load, per_organization=settings.jobs_per_organization, in_total=settings.jobs_in_flight
            )
            if admitted:
                # Before the hints: a worker that starts at once clears the mark again.
                await queue_state.mark_kicked([job.job_id for job in admitted])
        attempt = time.time_ns()  # a hint that is sent again needs a new id (decision 21)
        for job in admitted:
            await self._dispatcher.kick(job.organization_id, job.job_id, queue=job.queue, attempt=attempt)
        return len(admitted)
