"""From the webhook to the reply at the Graph server, 100 turns a second, all processes on this machine; beside a bot of three small processes."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.child import free_port, run_json, running
from benchmarks.floors.pipeline import TABLES
from benchmarks.stand import Stand
from benchmarks.table import Line, median, percentile

__all__ = ["run"]

TURNS_PER_S = 100
SECONDS = 5.0
ROUNDS = 2
PEOPLE = 300  # so that nobody writes while the last answer is under way, on most machines
NUMBER_PER_S = 1000.0  # the number's own limit of 80 a second would be what is measured
SETTLE_S = 20.0  # after this the missing are lost


def run(stand: Stand) -> Sequence[Line]:
    asyncio.run(stand.make_floor_tables(TABLES))
    graph = free_port()
    url = f"http://127.0.0.1:{graph}"
    asyncio.run(stand.superuser(f"UPDATE channel_accounts SET number_per_s = {NUMBER_PER_S}"))
    with running("graph", "benchmarks.graph", str(graph), "0", environment={}, folder=stand.folder, url=url):
        return _measure(stand, url)


def _measure(stand: Stand, graph: str) -> Sequence[Line]:
    sides = {"project": _project, "floor": _floor}
    p50: dict[str, list[float]] = {name: [] for name in sides}
    p99: dict[str, list[float]] = {name: [] for name in sides}
    wrong = 0
    for turn in range(ROUNDS):
        for name, start in sides.items():
            with start(stand, graph) as (port, path):
                _talk(stand, port, path, graph, f"warm{name}{turn}", seconds=PEOPLE / TURNS_PER_S)
                if name == "project":
                    asyncio.run(stand.superuser("ANALYZE"))
                taken, missing = _talk(stand, port, path, graph, f"{name}{turn}", seconds=SECONDS)
            wrong += missing if name == "project" else 0
            p50[name].append(median(taken) * 1000)
            p99[name].append(percentile(taken, 0.99) * 1000)
    middle = {name: median(values) for name, values in p50.items()}
    slow = {name: median(values) for name, values in p99.items()}
    return [
        Line(
            f"webhook to reply at {TURNS_PER_S}/s, p50",
            middle["project"],
            middle["floor"],
            "ms",
            "<= 3",
            middle["project"] <= 3 * middle["floor"],
        ),
        Line("... p99", slow["project"], slow["floor"], "ms", "<= 4", slow["project"] <= 4 * slow["floor"]),
        Line("... lost or doubled", wrong, 0, "turns", "0", wrong == 0),
    ]


def _talk(stand: Stand, port: int, path: str, graph: str, run_name: str, *, seconds: float) -> tuple[list[float], int]:
    """Seconds from the moment at which each delivery was due to the arrival of its reply, and how many replies are missing or too many."""
    number = stand.organizations[0]
    given = {
        "mode": "open",
        "port": port,
        "path": path,
        "number": {key: getattr(number, key) for key in ("phone_number_id", "waba_id", "app_secret")},
        "run": f"{run_name}.{time.time()}",
        "people": PEOPLE,
        "first": 40_000_000,
        "connections": 32,
        "per_s": TURNS_PER_S,
        "seconds": seconds,
    }
    _report(graph)
    found = run_json("benchmarks.load", given=given)
    if found["refused"]:
        raise RuntimeError(f"{run_name}: {len(found['refused'])} deliveries were refused")
    replies: dict[str, list[float]] = defaultdict(list)
    arrived = 0
    until = time.monotonic() + SETTLE_S
    while arrived < len(found["sent"]) and time.monotonic() < until:
        time.sleep(0.3)
        for moment, wa_id in _report(graph):
            replies[wa_id].append(moment)
            arrived += 1
    sent: dict[str, list[float]] = defaultdict(list)
    for wa_id, due in found["sent"]:
        sent[wa_id].append(due)
    taken = [
        reply - due for wa_id, dues in sent.items() for due, reply in zip(dues, sorted(replies[wa_id]), strict=False)
    ]
    return taken, sum(abs(len(dues) - len(replies[wa_id])) for wa_id, dues in sent.items())


def _report(graph: str) -> list[tuple[float, str]]:
    with urllib.request.urlopen(f"{graph}/report", timeout=10) as answer:
        return [(moment, wa_id) for moment, wa_id in json.load(answer)]


@contextmanager
def _project(stand: Stand, graph: str) -> Iterator[tuple[int, str]]:
    port = free_port()
    environment = stand.environment(
        WEB__PORT=str(port), STORE__POOL_MAX="4", WHATSAPP__GRAPH_URL=graph, EMBEDDINGS__PROVIDER="off"
    )
    worker = environment | {"CHATNATION__STORE__POOL_MAX": "8"}
    with ExitStack() as stack:
        stack.enter_context(
            running(
                "web", "channels", environment=environment, folder=stand.folder, url=f"http://127.0.0.1:{port}/readyz"
            )
        )
        for name, module in (("worker", ("scheduler", "worker", "interactive")), ("clock", ("scheduler", "clock"))):
            stack.enter_context(running(name, *module, environment=worker, folder=stand.folder))
        yield port, "/webhooks/whatsapp"


@contextmanager
def _floor(stand: Stand, graph: str) -> Iterator[tuple[int, str]]:
    port = free_port()
    environment = {
        "FLOOR_DSN": stand.floor_dsn(),
        "FLOOR_NATS": stand.nats.url,
        "FLOOR_SECRET": stand.organizations[0].app_secret,
        "FLOOR_PORT": str(port),
        "FLOOR_GRAPH": f"{graph}/v25.0/1/messages",
    }
    with ExitStack() as stack:
        for role in ("web", "worker", "sweep"):
            stack.enter_context(
                running(
                    f"floor-{role}", "benchmarks.floors.pipeline", role, environment=environment, folder=stand.folder
                )
            )
        yield port, "/"
