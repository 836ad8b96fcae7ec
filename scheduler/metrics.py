"""Prometheus metrics of a worker, on 127.0.0.1 and only when a port is set (decision 24). Those of the clock: `scheduler/gauges.py`."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

__all__ = [
    "JOBS_FINISHED",
    "LOOKOUT_FOUND",
    "MESSAGES_PROCESSED",
    "REGISTRY",
    "TASK_DURATION",
    "TASK_ERRORS",
    "WITHOUT_NATS",
    "serve",
]

log = logging.getLogger(__name__)

REGISTRY = CollectorRegistry()
MESSAGES_PROCESSED = Counter("messages_processed_total", "Hints at conversations that were followed", registry=REGISTRY)
JOBS_FINISHED = Counter(
    "jobs_finished_total", "Jobs that were run, by what became of them", ["job", "outcome"], registry=REGISTRY
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


def serve(host: str, port: int, registry: CollectorRegistry = REGISTRY) -> int:
    """Starts the endpoint in a thread and returns its port."""
    server, _ = start_http_server(port, addr=host, registry=registry)
    bound: int = server.server_port
    log.info("metrics", extra={"url": f"http://{host}:{bound}/metrics"})
    return bound
