"""Fixtures of the whole suite live in `tests/support`; here they are only made known."""

from __future__ import annotations

from tests.support.database import blank_database, cluster, database
from tests.support.world import world

__all__ = ["blank_database", "cluster", "database", "world"]
