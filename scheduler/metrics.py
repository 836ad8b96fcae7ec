"""What workers count, and what the clock that leads measures; docs/metrics.md lists it with the rest."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from store.metrics import REGISTRY

__all__ = [
    "CLOCK_LEAPS",
    "CONNECTIONS_ACTIVE",
    "CONNECTIONS_MAX",
    "DEAD_ROWS",
    "JOBS_FINISHED",
    "LOOKOUT_FOUND",
    "NUMBERS",
    "QUEUE_DEPTH",
    "REGISTRY",
    "ROWS_WAITING",
    "TASK_DURATION",
    "TASK_ERRORS",
    "WITHOUT_NATS",
]

JOBS_FINISHED = Counter(
    "jobs_finished_total", "Jobs that were run, by what became of them", ["job_name", "outcome"], registry=REGISTRY
)
WITHOUT_NATS = Gauge(
    "worker_without_nats",
    "1 while the worker looks for work itself, because NATS is away",
    ["queue"],
    registry=REGISTRY,
)
LOOKOUT_FOUND = Counter(
    "lookout_found_total", "Tasks that were started without a hint, while NATS was away", ["queue"], registry=REGISTRY
)
TASK_ERRORS = Counter("taskiq_task_errors_total", "Tasks that raised", ["task"], registry=REGISTRY)
TASK_DURATION = Histogram(
    "taskiq_task_duration_seconds",
    "From start to end of a task",
    ["task", "queue"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
    registry=REGISTRY,
)
CONNECTIONS_ACTIVE = Gauge("postgres_connections_active", "Connections of the whole server", registry=REGISTRY)
CONNECTIONS_MAX = Gauge("postgres_connections_max", "Connections that the server allows", registry=REGISTRY)
QUEUE_DEPTH = Gauge("nats_queue_depth", "Hints that wait, or are at work", ["queue"], registry=REGISTRY)
ROWS_WAITING = Gauge(
    "rows_waiting", "Rows of a queue in PostgreSQL that are due, counted up to 10,000", ["table"], registry=REGISTRY
)
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
