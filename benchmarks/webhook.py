"""A webhook accepted durably: signature, parse, contact, session, inbox, one commit for all that arrived meanwhile; beside one row per delivery."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from benchmarks.child import free_port, run_json, running
from benchmarks.floors.webhook import TABLES
from benchmarks.stand import Stand
from benchmarks.table import Line, median, percentile

__all__ = ["run"]

ROUNDS = 4
SECONDS = 2.5
CONNECTIONS = 64
PEOPLE = 500  # they write again and again, as people do; the warm-up makes their contacts
EVENTS_PER_S = 400
RATED_SECONDS = 4


def run(stand: Stand) -> Sequence[Line]:
    asyncio.run(stand.make_floor_tables(TABLES))
    number = stand.organizations[0]
    ours, floors = free_port(), free_port()
    floor_environment = {"FLOOR_DSN": stand.floor_dsn(), "FLOOR_SECRET": number.app_secret, "FLOOR_PORT": str(floors)}
    web = stand.environment(WEB__PORT=str(ours), STORE__POOL_MAX="4")
    with (
        running("web", "channels", environment=web, folder=stand.folder, url=f"http://127.0.0.1:{ours}/readyz"),
        running(
            "floor-webhook",
            "benchmarks.floors.webhook",
            environment=floor_environment,
            folder=stand.folder,
            url=f"http://127.0.0.1:{floors}/",
        ),
    ):
        return _measure(
            {
                "phone_number_id": number.phone_number_id,
                "waba_id": number.waba_id,
                "app_secret": number.app_secret,
            },
            {"project": (ours, "/webhooks/whatsapp"), "floor": (floors, "/")},
        )


def _measure(number: dict[str, str], servers: dict[str, tuple[int, str]]) -> Sequence[Line]:
    runs = itertools.count(1)

    def load(name: str, mode: str, **more: Any) -> Any:
        port, path = servers[name]
        given = {"port": port, "path": path, "number": number, "people": PEOPLE, "connections": CONNECTIONS}
        found = run_json("benchmarks.load", given={**given, "mode": mode, "run": f"{name}{next(runs)}", **more})
        if found["refused"]:
            raise RuntimeError(f"{name} refused {len(found['refused'])} deliveries: {set(found['refused'])}")
        return found

    per_s: dict[str, list[float]] = {name: [] for name in servers}
    for name in servers:
        load(name, "open", per_s=EVENTS_PER_S, seconds=PEOPLE / EVENTS_PER_S)
    for _ in range(ROUNDS):
        for name in servers:
            per_s[name].append(load(name, "closed", seconds=SECONDS)["per_s"])
    project, floor = median(per_s["project"]), median(per_s["floor"])
    rated = {name: load(name, "open", per_s=EVENTS_PER_S, seconds=RATED_SECONDS)["taken_s"] for name in servers}
    p99 = {name: percentile(taken, 0.99) * 1000 for name, taken in rated.items()}
    return [
        Line("webhook accepted durably", project, floor, "1/s", ">= 0.5", project >= 0.5 * floor),
        Line(
            f"webhook p99 at {EVENTS_PER_S}/s",
            p99["project"],
            p99["floor"],
            "ms",
            "project < 100 ms",
            p99["project"] < 100,
        ),
    ]
