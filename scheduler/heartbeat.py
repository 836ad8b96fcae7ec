"""Each kind of process says twice a second that it lives, by the database's clock.

A send whose fate is unknown may be repeated only when silence means something: a status could have come and did not. So `alive_since` moves
whenever a beat comes late, for whatever reason: the process was gone, or the database was, or its clock leapt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot import background
from scheduler.settings import ClockSettings
from store import db
from store.errors import Retryable
from store.tenancy import unscoped

__all__ = ["beat", "beat_forever", "beating"]

log = logging.getLogger(__name__)


async def beat(name: str, *, gap_s: float) -> None:
    with unscoped("heartbeat"):
        await db.execute(
            "INSERT INTO heartbeats AS h (name, beat_at, alive_since) VALUES ($1, clock_timestamp(), clock_timestamp())"
            " ON CONFLICT (name) DO UPDATE SET beat_at = clock_timestamp(), alive_since ="
            # One that lies ahead is from before the clock leapt back.
            " CASE WHEN h.beat_at NOT BETWEEN clock_timestamp() - make_interval(secs => $2) AND clock_timestamp() + make_interval(secs => $2)"
            " THEN clock_timestamp() ELSE h.alive_since END",
            name,
            gap_s,
        )


async def beat_forever(name: str, settings: ClockSettings) -> None:
    """For every process: `web`, `clock`, `worker.bulk`... A missed beat is what the row is for; it is not an error."""
    while True:
        try:
            await beat(name, gap_s=settings.alive_gap_s)
        except Retryable as e:
            log.debug("no heartbeat", extra={"reason": str(e)})
        await asyncio.sleep(settings.beat_s)


@asynccontextmanager
async def beating(name: str, settings: ClockSettings) -> AsyncIterator[None]:
    """Beats while the block runs."""
    task = asyncio.create_task(beat_forever(name, settings), name=f"heartbeat {name}")
    try:
        yield
    finally:
        await background.end([task])
