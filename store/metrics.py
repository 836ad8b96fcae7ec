"""The registry that every process of ours is measured in, and how long PostgreSQL takes.

Each layer has its own `metrics.py` (docs/metrics.md lists them all). Labels are of bounded sets: words of ours, never an id or what people write.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from prometheus_client import CollectorRegistry, Histogram

__all__ = ["DB_QUERY", "REGISTRY", "note_query"]

REGISTRY = CollectorRegistry()
DB_QUERY = Histogram(
    "db_query_duration_seconds",
    "One statement, from here to PostgreSQL and back, by function or by verb and table",
    ["statement"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10),
    registry=REGISTRY,
)

_FUNCTION = re.compile(r"\bcn_[a-z0-9_]+(?=\()")
_TABLE = re.compile(r"\b(?:from|into|update)\s+\"?([a-z_][a-z0-9_]*)", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_VERBS = frozenset(
    ("select", "insert", "update", "delete", "with", "begin", "commit", "rollback", "savepoint", "release")
)
KNOWN_STATEMENTS = 2048  # texts; with more than that some are read again


def note_query(record: Any) -> None:
    """asyncpg's query logger: one statement that is over."""
    _timer(record.query).observe(record.elapsed)


@functools.lru_cache(KNOWN_STATEMENTS)
def _timer(sql: str) -> Any:
    return DB_QUERY.labels(statement_name(sql))


def statement_name(sql: str) -> str:
    function = _FUNCTION.search(sql)
    if function is not None:
        return function[0]
    word = _WORD.search(sql)
    verb = word[0].lower() if word is not None else ""
    if verb not in _VERBS:
        return "other"
    table = _TABLE.search(sql) if verb not in ("begin", "savepoint") else None
    return f"{verb} {table[1].lower()}" if table is not None else verb
