"""Prometheus metrics of the clock, which is the one that looks at all organizations. No label says whose a row is."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

__all__ = ["CLOCK_LEAPS", "REGISTRY"]

REGISTRY = CollectorRegistry()
CLOCK_LEAPS = Counter(
    "database_clock_leaps_total", "Times that the database's clock went back, and waits with it", registry=REGISTRY
)
