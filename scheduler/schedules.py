"""Schedules of skills: a due time becomes a job once. Leader only; two at it find rows that the other holds, or moved on already.

A time that came while no clock ran is made up for as the trigger's `missed` says. One that came while the skill was off is not.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from bot.cron import Cron, parse_cron
from bot.manifest import Missed, Trigger
from bot.runtime import Runtime
from bot.triggers import StartFlowJob
from bot.understand.understand import zone_of
from store import db, triggers
from store.tenancy import unscoped
from store.triggers import DueSchedule, NewJob, Scheduled

__all__ = ["AT_ONCE", "Schedules"]

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0  # for skills switched on or off, and time zones that changed
AT_ONCE = 200
LATE = timedelta(minutes=1)  # from here on a time counts as missed
MOST_MISSED = 100
NEVER = timedelta(days=36_500)
LOOK_BACK = (timedelta(hours=2), timedelta(days=2), timedelta(days=40), timedelta(days=366 * 9))

Wanted = Mapping[tuple[str, str], Trigger]


class Schedules:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._look_at = 0.0
        self._wanted: Wanted = {
            (skill.name, trigger.label): trigger
            for skill in runtime.registry.usable
            for trigger in (skill.manifest.triggers if skill.manifest else ())
            if trigger.kind == "schedule"
        }

    async def tick(self) -> int:
        """One round; how many jobs were made."""
        now = self._runtime.clock.now()
        with unscoped("schedules of skills"):
            if time.monotonic() >= self._look_at:
                await self._look(now)
                self._look_at = time.monotonic() + LOOK_EVERY_S
            return await self._fire(now) if self._wanted else 0

    async def _look(self, now: datetime) -> None:
        """The rows become what manifests, installs and organizations say; a row that is right already keeps its time."""
        there = await triggers.schedules()
        wanted = {
            Scheduled(organization_id, skill, label, trigger.at, timezone)
            for organization_id, skill, timezone in await triggers.where_skills_are_on(
                sorted({skill for skill, _ in self._wanted})
            )
            for (of_skill, label), trigger in self._wanted.items()
            if of_skill == skill
        }
        for each in wanted - there.keys():
            await triggers.put_schedule(each, _next(parse_cron(each.at), now, zone_of(each.timezone)))
        kept = {(each.organization_id, each.skill, each.name) for each in wanted}
        gone = [row for each, row in there.items() if (each.organization_id, each.skill, each.name) not in kept]
        if gone:
            await triggers.drop_schedules(gone)

    async def _fire(self, now: datetime) -> int:
        made = 0
        async with db.transaction() as tx:
            for due in await triggers.due_schedules(tx, now, AT_ONCE):
                trigger = self._wanted.get((due.skill, due.name))
                if trigger is None:
                    continue  # the next look takes it away
                cron, zone = parse_cron(trigger.at), zone_of(due.timezone)
                times = _owed(cron, due, now, zone, trigger.missed)
                for at in times:
                    await triggers.put_job(tx, due.organization_id, _job(due, trigger, at))
                last_at = times[-1] if times else None
                await triggers.move_schedule(tx, due, last_at=last_at, next_at=_next(cron, now, zone))
                made += len(times)
                log.info("schedule is due", extra={"of_skill": due.skill, "schedule": due.name, "jobs": len(times)})
        return made


def _owed(cron: Cron, due: DueSchedule, now: datetime, zone: tzinfo, missed: Missed) -> list[datetime]:
    """Which of the times that have come are acted on, oldest first."""
    come: list[datetime] = []
    for span in LOOK_BACK:
        since = max(due.next_at - timedelta(microseconds=1), now - span)
        come = list(itertools.takewhile(lambda each: each <= now, cron.after(since, zone)))
        if since < due.next_at or len(come) > (MOST_MISSED if missed is Missed.EACH else 0):
            break
    if missed is Missed.EACH:
        return come[-MOST_MISSED:]
    latest = come[-1:]
    return [each for each in latest if missed is Missed.LAST or now - each <= LATE]


def _next(cron: Cron, now: datetime, zone: tzinfo) -> datetime:
    return next(cron.after(now, zone), now + NEVER)


def _job(due: DueSchedule, trigger: Trigger, at: datetime) -> NewJob:
    key = f"schedule:{due.skill}:{due.name}:{at.isoformat()}"
    if trigger.job:
        return NewJob(trigger.job, trigger.queue, {"due_at": at.isoformat()}, key)
    started = StartFlowJob(flow=f"{due.skill}:{trigger.flow}", once=key)
    return NewJob(started.name, started.queue, started.model_dump(mode="json"), key)
