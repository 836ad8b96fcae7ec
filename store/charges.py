"""What was charged, read for reckoning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.db import fetch
from store.tenancy import unscoped

__all__ = ["Charged", "charged"]


@dataclass(frozen=True, slots=True)
class Charged:
    """`times` charges of `quantity` units each: amounts are rounded charge by charge."""

    organization: str
    meter: str
    quantity: int
    times: int


async def charged(since: datetime, until: datetime) -> list[Charged]:
    """Of all organizations, from `since` until before `until`; by name and meter."""
    with unscoped("prices are tried out"):
        rows = await fetch(
            "SELECT o.name, c.meter, c.quantity, count(*) FROM charges c JOIN organizations o ON o.id = c.organization_id"
            " WHERE c.at >= $1 AND c.at < $2 GROUP BY o.id, o.name, c.meter, c.quantity ORDER BY o.name, o.id, c.meter, c.quantity",
            since,
            until,
        )
    return [Charged(*row) for row in rows]
