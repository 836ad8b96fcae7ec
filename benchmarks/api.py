"""The REST API: a page of 50 events, and one event, with an API key; beside one statement in bare aiohttp and asyncpg."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import asyncpg

from benchmarks.child import free_port, run_json, running
from benchmarks.floors.api import COLUMNS, TABLES
from benchmarks.stand import FLOOR, Stand
from benchmarks.table import Line, median, percentile
from store.embedded import Role

__all__ = ["run"]

ROUNDS = 4
SECONDS = 2.5
CONNECTIONS = 16
EVENTS = 2_000
PER_S = 200
RATED_SECONDS = 5
LEAST = 0.4
MOST_MS = 50
KEY = ("bench0", "a-secret-of-the-benchmark")
UNLIMITED = {f"API__{name}_PER_MIN": "100000000" for name in ("PER_CALLER", "PER_ORGANIZATION", "PER_IP")}

_EVENTS = f"""
INSERT INTO events_events (organization_id, {COLUMNS})
SELECT $1, md5(n::text)::uuid, 'event-' || n, 'Event number ' || n, 'One day that people talk about', repeat('What is on. ', 20), 'Sarit Expo Centre',
    'Westlands, Nairobi', now() + n * interval '1 hour', now() + n * interval '1 hour' + interval '8 hours', 'Africa/Nairobi', 'KES', 'published', now()
FROM generate_series(1, {EVENTS}) AS n
"""
_KEY = (
    "INSERT INTO api_keys (id, organization_id, kind, name, prefix, secret_hash, scopes, allowed_ips, rate_per_min, created_at, last_used_ip)"
    " VALUES (gen_random_uuid(), $1, 'api', 'bench', $2, $3, '[\"events.view\"]', '[]', 100000000, now(), '')"
)


def run(stand: Stand) -> Sequence[Line]:
    token = f"cn_{KEY[0]}_{KEY[1]}"
    organization_id = stand.organizations[0].organization_id
    asyncio.run(_prepare(stand))
    ours, floors = free_port(), free_port()
    web = stand.environment(WEB__PORT=str(ours), STORE__POOL_MAX="8", **UNLIMITED)
    floor = {
        "FLOOR_DSN": stand.floor_dsn(),
        "FLOOR_PORT": str(floors),
        "FLOOR_TOKEN": token,
        "FLOOR_ORGANIZATION": organization_id,
    }
    with (
        running("web", "channels", environment=web, folder=stand.folder, url=f"http://127.0.0.1:{ours}/readyz"),
        running(
            "floor-api",
            "benchmarks.floors.api",
            environment=floor,
            folder=stand.folder,
            url=f"http://127.0.0.1:{floors}/",
        ),
    ):
        return [
            *_measure("API list of 50", ["/v1/events"], token, {"project": ours, "floor": floors}),
            *_measure("API read", _reads(), token, {"project": ours, "floor": floors}),
        ]


def _measure(what: str, paths: list[str], token: str, ports: dict[str, int]) -> Sequence[Line]:
    def load(name: str, mode: str, **more: Any) -> Any:
        given = {"port": ports[name], "paths": paths, "token": token, "connections": CONNECTIONS, "mode": mode, **more}
        found = run_json("benchmarks.get_load", given=given)
        if found["refused"]:
            raise RuntimeError(f"{name} refused {len(found['refused'])} requests: {set(found['refused'])}")
        return found

    per_s: dict[str, list[float]] = {name: [] for name in ports}
    for name in ports:
        load(name, "open", per_s=PER_S, seconds=1)
    for _ in range(ROUNDS):
        for name in ports:
            per_s[name].append(load(name, "closed", seconds=SECONDS)["per_s"])
    project, floor = median(per_s["project"]), median(per_s["floor"])
    taken = {name: load(name, "open", per_s=PER_S, seconds=RATED_SECONDS)["taken_s"] for name in ports}
    p95 = {name: percentile(times, 0.95) * 1000 for name, times in taken.items()}
    return [
        Line(what, project, floor, "1/s", f">= {LEAST}", project >= LEAST * floor),
        Line(
            f"{what}, p95 at {PER_S}/s",
            p95["project"],
            p95["floor"],
            "ms",
            f"project < {MOST_MS} ms",
            p95["project"] < MOST_MS,
        ),
    ]


async def _prepare(stand: Stand) -> None:
    organization_id = stand.organizations[0].organization_id
    await stand.make_floor_tables(TABLES)
    await stand.superuser(_EVENTS, organization_id)
    await stand.superuser(_KEY, organization_id, KEY[0], hashlib.sha256(KEY[1].encode()).hexdigest())
    await stand.superuser("ANALYZE events_events")
    floor = await asyncpg.connect(stand.postgres.dsn(Role.SUPERUSER, FLOOR))
    try:
        await floor.execute(_EVENTS.replace("events_events", "events"), organization_id)
        await floor.execute("ANALYZE events")
    finally:
        await floor.close()


def _reads() -> list[str]:
    ids = (hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest() for n in range(1, 200))
    return [f"/v1/events/{each}" for each in ids]
