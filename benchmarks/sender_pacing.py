"""Pacing of one number by two worker processes together, seen where the messages arrive; beside a pacer in memory, which only one may use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from benchmarks.child import run_json
from benchmarks.stand import Stand
from benchmarks.table import Line, median

__all__ = ["run"]

PER_S = 80
SECONDS = 8.0
ROUNDS = 2
STARTUP_S = 4.0  # both processes begin at the same moment
LATENCY_S = 0.05
PROCESSES = {"project": 2, "floor": 1}


def run(stand: Stand) -> Sequence[Line]:
    return asyncio.run(_measure(stand))


async def _measure(stand: Stand) -> Sequence[Line]:
    arrived: list[float] = []

    async def take(request: web.Request) -> web.Response:
        arrived.append(time.monotonic())
        await request.read()
        await asyncio.sleep(LATENCY_S)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    error: dict[str, list[float]] = {name: [] for name in PROCESSES}
    busiest: dict[str, list[int]] = {name: [] for name in PROCESSES}
    try:
        for _ in range(ROUNDS):
            for name, count in PROCESSES.items():
                arrived.clear()
                await _send(stand, name, count, f"http://{host}:{port}/")
                rate = (len(arrived) - 1) / (arrived[-1] - arrived[0])
                error[name].append(abs(rate / PER_S - 1) * 100)
                busiest[name].append(busiest_second(arrived))
    finally:
        await runner.cleanup()
    project, most = median(error["project"]), max(busiest["project"])
    return [
        Line(
            "pacing, error of the mean rate, 2 processes",
            project,
            median(error["floor"]),
            "%",
            "project < 1 %",
            project < 1,
        ),
        Line(
            "pacing, busiest sliding second",
            most,
            max(busiest["floor"]),
            "messages",
            f"<= {PER_S + 1}",
            most <= PER_S + 1,
        ),
    ]


async def _send(stand: Stand, name: str, count: int, url: str) -> None:
    number = stand.organizations[0]
    given: dict[str, Any] = {
        "pacer": name,
        "environment": stand.environment(),
        "per_s": PER_S,
        "seconds": SECONDS,
        "start": time.monotonic() + STARTUP_S,
        "url": url,
        "organization_id": number.organization_id,
        "account_id": number.account_id,
    }
    senders = [
        asyncio.to_thread(run_json, "benchmarks.pacing_sender", given={**given, "tag": f"{name}{each}"})
        for each in range(count)
    ]
    await asyncio.gather(*senders)


def busiest_second(moments: Sequence[float]) -> int:
    """The most that any half-open second holds."""
    ordered = sorted(moments)
    first = most = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
