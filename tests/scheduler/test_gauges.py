"""What the clock tells Prometheus: how many numbers are stopped or throttled and how many rows were given up, and of nobody whose they are."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

import aiohttp
import pytest

from bot.config import Configuration
from bot.runtime import Runtime
from scheduler import gauges
from scheduler.clock import run_clock
from scheduler.embedded import EmbeddedNats
from store import db
from store.tenancy import unscoped
from tests.scheduler import world


async def sql(statement: str, *values: Any) -> None:
    with unscoped("test"):
        await db.execute(statement, *values)


def shown(name: str, **labels: str) -> float | None:
    return gauges.REGISTRY.get_sample_value(name, labels)


async def test_numbers_and_dead_rows_are_counted_over_all_organizations(runtime: Runtime) -> None:
    talks = [await world.new_conversation() for _ in range(4)]
    await sql("UPDATE channel_accounts SET state = 'stopped' WHERE id = $1", talks[0].account_id)
    ahead = "clock_timestamp() + interval '1 minute'"
    await sql(
        f"UPDATE channel_accounts SET hold_until = {ahead}, bulk_hold_until = {ahead} WHERE id = $1",
        talks[1].account_id,
    )
    await sql("UPDATE channel_accounts SET hold_until = now() - interval '1 s' WHERE id = $1", talks[2].account_id)
    await world.put_outbox(talks[0])
    for talk in talks[:2]:
        await world.put_outbox(talk, state="dead")
    await sql("UPDATE inbox SET state = 'dead' WHERE id = $1", await world.put_inbox(talks[3]))
    await gauges.count()
    counted = {state: shown("numbers", state=state) for state in gauges.STATES}
    assert counted == {
        "connected": 3,
        "stopped": 1,
        "throttled": 1,
        "bulk_throttled": 1,
        "paused": 0,
        "disconnected": 0,
    }
    assert {queue: shown("dead_rows", queue=queue) for queue in gauges.QUEUES} == {"inbox": 1, "outbox": 2, "jobs": 0}
    await sql("UPDATE channel_accounts SET state = 'connected'")
    await gauges.count()
    assert shown("numbers", state="stopped") == 0, "what is over is shown as over"
    gauges.clear()


@pytest.mark.usefixtures("fresh")
async def test_the_leader_serves_them_and_says_nothing_of_anybody(
    environment: dict[str, str], nats_server: EmbeddedNats
) -> None:
    port, stop = _free_port(), asyncio.Event()
    settings = {"CLOCK__METRICS_PORT": str(port), "CLOCK__GAUGES_S": "0.1", "NATS__URL": nats_server.url}
    configuration = Configuration.read({**environment, **{f"CHATNATION__{k}": v for k, v in settings.items()}})
    clock = asyncio.create_task(run_clock(configuration, stop))
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            page = ""
            while "numbers{" not in page:
                await asyncio.sleep(0.1)
                try:
                    async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                        page = await answer.text()
                except aiohttp.ClientConnectionError:
                    continue
    finally:
        stop.set()
        await clock
    assert {*re.findall(r"(\w+)=", page)} <= {"state", "queue"}
    assert "database_clock_leaps_total" in page
    assert shown("numbers", state="stopped") is None, "who does not lead any more counts nothing"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found: int = listener.getsockname()[1]
        return found
