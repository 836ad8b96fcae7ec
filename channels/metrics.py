"""What the web process counts; docs/metrics.md lists it with the rest."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from store.metrics import REGISTRY

__all__ = ["DELIVERIES", "REQUEST_DURATION"]

DELIVERIES = Counter(
    "webhook_deliveries_total", "Deliveries of providers, by what became of them", ["outcome"], registry=REGISTRY
)
REQUEST_DURATION = Histogram(
    "http_request_duration_seconds",
    "From a request to its answer, by route, not by address",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
