"""A worker without NATS looks for its queue's work in the rows itself: slower than a hint, and nobody waits for NATS to come back.

What it finds it hands to the broker as hints, so all else is as ever: the same tasks, the limit on them, the stop that waits for them. Leases make
it harmless that several workers find the same, or that a hint comes too.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from itertools import zip_longest
from typing import Final, TypeVar
from uuid import UUID

from bot.ports import Lane
from bot.runtime import Runtime
from scheduler.fairness import admit
from scheduler.link import Link
from scheduler.metrics import LOOKOUT_FOUND, WITHOUT_NATS
from scheduler.queues import hint_message
from scheduler.settings import ClockSettings, WorkerSettings
from store import queue_state
from store.errors import Retryable
from store.queue_state import WaitingSession
from store.tenancy import unscoped

__all__ = ["ROWS_AT_ONCE", "Lookout"]

log = logging.getLogger(__name__)

T = TypeVar("T")

LANES: Final = {"interactive": Lane.REPLY, "bulk": Lane.BULK}
DELIVERIES_AT_ONCE = 1000
ROWS_AT_ONCE = 1000
ROUNDS = 4  # conversations at a time, per place for a task: turns take milliseconds, and between two looks is a pause
# A look that takes long must not become the load: it is followed by a pause of so many times its length. A hanging database is no such reason.
REST, REST_MAX_S = 4, 3.0


class Lookout:
    """
    async for hint in Lookout(runtime, "interactive", capacity=64).hints(link): ...

    `capacity`: how many tasks the worker runs at a time.
    """

    def __init__(self, runtime: Runtime, queue: str, *, capacity: int) -> None:
        self._queue = queue
        self._capacity = capacity
        self._lease_s = runtime.turn.lease_s
        self._every_s = runtime.configuration.section(WorkerSettings, "worker").lookout_s
        self._clock = runtime.configuration.section(ClockSettings, "clock")
        self._failures = 0

    async def hints(self, link: Link) -> AsyncGenerator[bytes, None]:
        """Until the link is up; the first look comes after a pause, as most connections are back sooner.

        What the worker had no place for in time is looked for anew: by then somebody else may have it, or be before it.
        """
        if await link.is_up_within(self._pause_s()):
            return
        began, found = time.monotonic(), 0
        log.warning("this worker looks for work itself", extra={"queue": self._queue, "action": "lookout.began"})
        WITHOUT_NATS.labels(self._queue).set(1)
        try:
            while not link.is_up():
                asked = time.monotonic()
                hints = await self._look()
                took_s = time.monotonic() - asked
                until = asked + took_s + self._every_s
                for hint in hints:
                    if link.is_up() or time.monotonic() > until:
                        break
                    found += 1
                    LOOKOUT_FOUND.labels(self._queue).inc()
                    yield hint
                else:
                    await link.is_up_within(max(self._pause_s(), min(REST * took_s, REST_MAX_S)))
        finally:
            WITHOUT_NATS.labels(self._queue).set(0)
            log.info(
                "this worker follows hints again",
                extra={
                    "queue": self._queue,
                    "found": found,
                    "seconds": round(time.monotonic() - began, 1),
                    "action": "lookout.ended",
                },
            )

    def _pause_s(self) -> float:
        """Never the same, so that workers that lost NATS together do not look together."""
        return self._every_s * random.uniform(2 / 3, 4 / 3)

    async def _look(self) -> list[bytes]:
        """One of each kind in turn: none stands before all of another. Never raises: the worker would end."""
        try:
            with unscoped("lookout"):
                kinds = await self._conversations(), await self._deliveries(), await self._jobs()
        except Retryable as e:
            level = logging.DEBUG if self._failures else logging.WARNING
            log.log(level, "the lookout waits", extra={"queue": self._queue, "reason": str(e)})
        except Exception:
            log.exception("the lookout failed", extra={"queue": self._queue, "failures": self._failures + 1})
        else:
            self._failures = 0
            return _in_turn(kinds)
        self._failures += 1
        return []

    async def _conversations(self) -> list[bytes]:
        """One of each organization in turn. Whose backlog fills a question is left out of the next, so it hides nobody."""
        if self._queue != "interactive":
            return []
        waiting: dict[UUID, list[WaitingSession]] = {}
        while found := await queue_state.waiting_sessions(0.0, ROWS_AT_ONCE, lease_s=self._lease_s, besides=waiting):
            for each in sorted(found, key=lambda session: session.inbox_id):  # by age: they are of version 7
                waiting.setdefault(each.organization_id, []).append(each)
        return [
            _hint("process_session", each.organization_id, session_id=str(each.session_id))
            for each in _in_turn(waiting.values())[: ROUNDS * self._capacity]
        ]

    async def _deliveries(self) -> list[bytes]:
        lane = LANES.get(self._queue)
        if lane is None:
            return []
        due = await queue_state.due_deliveries(DELIVERIES_AT_ONCE, [int(lane)])
        most = self._clock.deliveries_per_organization
        return [
            _hint("deliver", each.organization_id, lane=int(lane))
            for each in due
            if lane is Lane.REPLY or each.senders < most
        ]

    async def _jobs(self) -> list[bytes]:
        """Only running ones count as in flight: what the clock has kicked meanwhile went nowhere."""
        per_organization = self._clock.jobs_per_organization
        due = await queue_state.due_jobs(per_organization, 0.0, [self._queue])
        if not due:
            return []
        load = await queue_state.job_load()
        admitted = admit(due, load, per_organization=per_organization, in_total=self._clock.jobs_in_flight)
        return [_hint("run_job", job.organization_id, job_id=str(job.job_id)) for job in admitted]


def _in_turn(lists: Iterable[Sequence[T]]) -> list[T]:
    return [each for places in zip_longest(*lists) for each in places if each is not None]


def _hint(task_name: str, organization_id: UUID, **kwargs: str | int) -> bytes:
    return hint_message(task_name, {"organization_id": str(organization_id)}, kwargs)
