"""How fast one process empties the outbox towards a server that takes 50 ms: claim, policy gate, limits, render, post, mark."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence

import uvloop

from benchmarks.audience import Audience
from benchmarks.child import free_port, running
from benchmarks.floors.sender import TABLES, Sender
from benchmarks.stand import Stand
from benchmarks.table import Line, median
from bot import heap
from bot.config import Configuration
from bot.delivery import deliver_due
from bot.ports import Lane
from bot.runtime import Runtime
from bot.testing.fakes import NoDispatcher
from store import db
from store.tenancy import organization_scope

__all__ = ["run"]

ROUNDS = 4
PEOPLE = 400  # of each organization
DELAY_S = 0.05
LOOPS = 4  # batches of 200 under way
TASKS_PER_ORGANIZATION = 2  # as the clock lets them
BATCH = 100
ORGANIZATIONS = 16
NUMBER_PER_S = (
    1000.0  # what Meta grants a large number: bulk's share of all of them together is more than the process can do
)
CONNECTIONS = 8


def run(stand: Stand) -> Sequence[Line]:
    asyncio.run(stand.make_floor_tables(TABLES))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running("graph", "benchmarks.graph", str(port), str(DELAY_S), environment={}, folder=stand.folder, url=url):
        per_s = uvloop.run(_measure(stand, url))
    project, floor = median(per_s["project"]), median(per_s["floor"])
    return [Line("sender, one process, 50 ms server", project, floor, "1/s", ">= 0.8", project >= 0.8 * floor)]


async def _measure(stand: Stand, url: str) -> dict[str, list[float]]:
    environment = stand.environment(WHATSAPP__GRAPH_URL=url, STORE__POOL_MAX=str(CONNECTIONS))
    runtime = await Runtime.open(
        "bench", configuration=Configuration.read(environment), adapters={"dispatcher": NoDispatcher()}
    )
    floor = await Sender.open(stand.floor_dsn(), f"{url}/v25.0/1/messages", connections=CONNECTIONS)
    audiences = [
        Audience(runtime, each, people=PEOPLE, first=30_000_000 + n * PEOPLE)
        for n, each in enumerate(stand.organizations)
    ]
    count = PEOPLE * len(audiences)
    try:
        await stand.superuser(f"UPDATE channel_accounts SET number_per_s = {NUMBER_PER_S}")
        for audience in audiences:
            await audience.gather()
        await stand.superuser("ANALYZE")
        heap.settle()  # as every process of ours does; the floor runs in this one too
        per_s: dict[str, list[float]] = {"project": [], "floor": []}
        for _ in range(ROUNDS + 1):
            for audience in audiences:
                await audience.announce("The doors open at nine.")
            per_s["project"].append(count / await _timed(_deliver_all(runtime, stand)))
            await _check(stand)
            await floor.fill(count)
            per_s["floor"].append(count / await _timed(floor.empty(LOOPS)))
        return {name: rates[1:] for name, rates in per_s.items()}
    finally:
        await stand.superuser("UPDATE channel_accounts SET number_per_s = NULL")
        await floor.close()
        await runtime.close()


async def _deliver_all(runtime: Runtime, stand: Stand) -> None:
    await asyncio.gather(
        *(_deliver(runtime, stand, n) for n in range(len(stand.organizations)) for _ in range(TASKS_PER_ORGANIZATION))
    )


async def _deliver(runtime: Runtime, stand: Stand, n: int) -> None:
    while await deliver_due(runtime, stand.organizations[n].id, Lane.BULK, limit=BATCH):
        pass


async def _timed(work: Awaitable[None]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _check(stand: Stand) -> None:
    for each in stand.organizations:
        with organization_scope(each.id):
            waiting = await db.fetchval("SELECT count(*) FROM outbox")
        if waiting:
            raise RuntimeError(f"{waiting} messages were not sent")
