"""The clock's work by hand, and a look behind row level security: for tests of the whole in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg

from scheduler.relay import Relay
from scheduler.settings import ClockSettings
from scheduler.statuses import StatusLadder
from scheduler.sweep import Sweep
from tests.support.world import World

__all__ = ["rows", "tick", "until", "value"]

PATIENCE_S = 20.0  # two cores, shared
PAUSE_S = 0.02


async def rows(world: World, sql: str, *values: Any) -> list[Any]:
    """As superuser: everything of everybody."""
    connection = await asyncpg.connect(world.database.superuser_dsn)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


async def value(world: World, sql: str, *values: Any) -> Any:
    found = await rows(world, sql, *values)
    return found[0][0] if found else None


async def tick(world: World, *, settling: bool = True, sweeping: bool = True) -> None:
    """One round of statuses, relay and sweep, and whatever their hints start; `settling` False: what they start goes on meanwhile."""
    if "clock" not in world.extra:
        settings = ClockSettings(lost_hint_s=0.05, lost_hint_max_s=0.1)
        world.extra["clock"] = (
            StatusLadder(keep=timedelta(days=7)),
            Relay(world.dispatcher, settings, grace_s=world.runtime.turn.unknown_grace_s),
            Sweep(world.runtime, settings),
        )
    for each in world.extra["clock"] if sweeping else world.extra["clock"][:2]:
        await each.tick()
    if settling:
        await world.dispatcher.settle()


async def until(
    world: World,
    holds: Callable[[], Awaitable[Any]],
    what: str = "",
    *,
    ticking: bool = True,
    settling: bool = True,
    sweeping: bool = True,
) -> Any:
    """The first true answer of `holds`; the clock works meanwhile.

    Raises:
        AssertionError: it never came.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        found = await holds()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"never came true: {what or holds}"
        if ticking:
            await tick(world, settling=settling, sweeping=sweeping)
        await asyncio.sleep(PAUSE_S)
