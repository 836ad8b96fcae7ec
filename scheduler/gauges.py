"""Prometheus metrics of the clock, which is the one that looks at all organizations. No label says whose a row is.

A clock that does not lead shows no gauge: two that count the same rows would be added up.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from store import queue_state
from store.tenancy import unscoped

__all__ = ["CLOCK_LEAPS", "DEAD_ROWS", "NUMBERS", "REGISTRY", "clear", "count"]

STATES = ("connected", "paused", "disconnected", "stopped", "throttled", "bulk_throttled")
QUEUES = ("inbox", "outbox", "jobs")

REGISTRY = CollectorRegistry()
CLOCK_LEAPS = Counter(
    "database_clock_leaps_total", "Times that the database's clock went back, and waits with it", registry=REGISTRY
)
NUMBERS = Gauge(
    "numbers",
    "Numbers by state; a connected one may be throttled by its provider besides, as a whole or in bulk",
    ["state"],
    registry=REGISTRY,
)
DEAD_ROWS = Gauge("dead_rows", "Rows that were given up, with the reason in `last_error`", ["queue"], registry=REGISTRY)


async def count() -> int:
    with unscoped("metrics"):
        numbers, dead = await queue_state.count_numbers(), await queue_state.count_dead()
    for state in STATES:
        NUMBERS.labels(state).set(numbers.get(state, 0))
    for queue in QUEUES:
        DEAD_ROWS.labels(queue).set(dead.get(queue, 0))
    return 0


def clear() -> None:
    NUMBERS.clear()
    DEAD_ROWS.clear()
