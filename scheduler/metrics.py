"""Prometheus metrics of a worker, on 127.0.0.1 and only when a port is set (decision 24). Those of the clock: `scheduler/gauges.py`."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

__all__ = ["JOBS_FINISHED", "MESSAGES_PROCESSED", "REGISTRY", "TASK_DURATION", "TASK_ERRORS", "serve"]

log = logging.getLogger(__name__)

REGISTRY = CollectorRegistry()
MESSAGES_PROCESSED = Counter("messages_processed_total", "Hints at conversations that were followed", registry=REGISTRY)
JOBS_FINISHED = Counter(
    "jobs_finished_total", "Jobs that were run, by what became of them", ["job", "outcome"], registry=REGISTRY
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
