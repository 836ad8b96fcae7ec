"""The process that knows what time it is: relay, statuses, sweep, retention, vector indexes. Any number may run, one leads: `python -m scheduler clock`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot import background
from bot.config import Configuration
from bot.errors import ConfigError, Retryable
from bot.platform import resume_due
from bot.runtime import Runtime
from scheduler.gauges import Gauges, forget
from scheduler.heartbeat import beating
from scheduler.hooks import put_hook_jobs
from scheduler.incidents import Incidents
from scheduler.leader import Leadership
from scheduler.process import opened, say_ready, wait_or_stop
from scheduler.relay import Relay
from scheduler.schedules import AT_ONCE, Schedules
from scheduler.settings import ClockSettings
from scheduler.statuses import StatusLadder
from scheduler.sweep import Sweep, purge
from store.passage_index import tend_passage_indexes
from store.settings import StoreSettings

__all__ = ["Loop", "loops", "run_clock", "run_loop"]

log = logging.getLogger(__name__)

ASK_AGAIN_S = 0.4
BACK_OFF_MAX_S = 2.0
SLOW_AFTER_S = 5.0
REPARSE_EVERY_S = 5.0
SUSPENSIONS_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Loop:
    """`tick` returns how much it found; `every_s` is the pause after a round, or none at all after a full one."""

    name: str
    every_s: float
    tick: Callable[[], Awaitable[int]]
    full: int | None = None


def loops(runtime: Runtime, settings: ClockSettings) -> list[Loop]:
    gauges, incidents = Gauges(runtime.dispatcher), Incidents(runtime)
    relay = Relay(runtime.dispatcher, settings, grace_s=runtime.turn.unknown_grace_s)
    sweep = Sweep(runtime, settings)
    schedules = Schedules(runtime)
    ladder = StatusLadder(keep=timedelta(hours=settings.statuses_keep_h))
    owner = runtime.configuration.section(StoreSettings, "store").owner_dsn
    found = [
        Loop("deliveries", settings.relay_s, relay.deliveries),
        Loop("jobs", settings.relay_s, relay.jobs),
        Loop("statuses", settings.statuses_s, ladder.tick),
        Loop("hooks", settings.hooks_s, lambda: put_hook_jobs(settings.jobs_per_organization)),
        Loop("sweep", settings.sweep_s, sweep.tick),
        Loop("reparse", REPARSE_EVERY_S, sweep.reparse),
        Loop("suspensions", SUSPENSIONS_EVERY_S, lambda: resume_due(runtime)),
        Loop("schedules", settings.schedules_s, schedules.tick, full=AT_ONCE),
        Loop("gauges", settings.measure_s, gauges.tick),
        Loop("incidents", settings.incidents_s, incidents.tick),
        Loop("retention", settings.retention_s, lambda: purge(settings), full=1),
    ]
    if owner is not None:
        owner_dsn = owner.get_secret_value()
        found.append(Loop("indexes", settings.indexes_s, lambda: tend_passage_indexes(owner_dsn)))
    return found


async def run_clock(configuration: Configuration, stop: asyncio.Event) -> None:
    """Leads, or waits to lead, until `stop`."""
    settings = configuration.section(ClockSettings, "clock")
    leadership = Leadership(_direct_dsn(configuration, settings))
    try:
        async with opened(configuration, "clock", queue=None, stop=stop) as runtime:
            if runtime is None:
                return
            say_ready()
            while not stop.is_set():
                if await leadership.try_take():
                    await _lead(runtime, settings, leadership, stop)
                else:
                    await wait_or_stop(stop, ASK_AGAIN_S)
    finally:
        await leadership.drop()


async def _lead(runtime: Runtime, settings: ClockSettings, leadership: Leadership, stop: asyncio.Event) -> None:
    """Runs the loops until the leadership is lost. A tick cut off midway has committed whole statements or nothing."""
    log.info("leading", extra={"action": "clock.leading"})
    async with beating("clock", settings):  # only the leader applies statuses, so only it beats
        tasks = [asyncio.create_task(run_loop(loop), name=f"clock {loop.name}") for loop in loops(runtime, settings)]
        try:
            while not stop.is_set() and await leadership.is_held():
                await wait_or_stop(stop, ASK_AGAIN_S)
        finally:
            await background.end(tasks)
            forget()
    log.info("no longer leading", extra={"action": "clock.stopped"})


async def run_loop(loop: Loop) -> None:
    """Forever. What goes wrong in one loop is told and waited out; the others do not notice."""
    failures = 0
    while True:
        started = time.monotonic()
        found = 0
        try:
            found = await loop.tick()
            failures = 0
        except Retryable as e:
            failures += 1
            log.log(
                logging.WARNING if failures == 1 else logging.DEBUG,
                "the clock waits",
                extra={"loop": loop.name, "reason": str(e)},
            )
        except Exception:
            failures += 1
            log.exception("a loop of the clock failed", extra={"loop": loop.name, "failures": failures})
        took_s = time.monotonic() - started
        if took_s > SLOW_AFTER_S:
            log.warning("a loop of the clock is slow", extra={"loop": loop.name, "seconds": round(took_s, 1)})
        if loop.full is not None and found >= loop.full:
            await asyncio.sleep(0.05)
            continue
        await asyncio.sleep(loop.every_s if not failures else min(loop.every_s * 2**failures, BACK_OFF_MAX_S))


def _direct_dsn(configuration: Configuration, settings: ClockSettings) -> str:
    """
    Raises:
        ConfigError: Neither DSN of the system's role is set.
    """
    dsn = settings.direct_dsn or configuration.section(StoreSettings, "store").system_dsn
    if dsn is None:
        raise ConfigError("store.system_dsn is not set: the clock needs CHATNATION__STORE__SYSTEM_DSN")
    return dsn.get_secret_value()
