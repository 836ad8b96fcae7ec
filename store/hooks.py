"""Rows of webhooks out: which are due, leased to who sends them, and what became of them. By the database's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from store import db
from store.insights import first_id_of
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import current_organization

__all__ = ["ClaimedDelivery", "Health", "claim", "healths", "keep_bodies", "mark", "purge", "put_jobs", "replay"]

KEPT_TRIES = 20


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """`attempts` counts this one. Without `body` it is to be made."""

    id: UUID
    event_id: UUID
    type: str
    about: Any
    body: bytes | None
    attempts: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """Of one endpoint: what it took lately, and what waits or was given up in all that is kept."""

    delivered: int
    waiting: int
    dead: int


async def put_jobs(per_organization: int) -> int:
    """For the clock, inside `unscoped`: how many endpoints got their job."""
    made: int = await db.fetchval("SELECT cn_put_hook_jobs($1)", per_organization)
    return made


async def claim(endpoint_id: UUID, limit: int, *, lease_s: float) -> list[ClaimedDelivery]:
    """The oldest that are due. Whoever dies with them leaves them to be due again when the lease is over."""
    rows = await db.fetch(
        "UPDATE hook_deliveries d SET attempts = d.attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $4)"
        " WHERE d.organization_id = $1 AND d.id IN (SELECT w.id FROM hook_deliveries w WHERE w.organization_id = $1 AND w.endpoint_id = $2"
        "   AND w.state = 'ready' AND w.next_attempt_at <= clock_timestamp() ORDER BY w.next_attempt_at, w.id LIMIT $3 FOR UPDATE SKIP LOCKED)"
        " RETURNING d.id, d.event_id, d.type, d.about, d.body, d.attempts, d.occurred_at",
        current_organization(),
        endpoint_id,
        limit,
        lease_s,
    )
    found = [ClaimedDelivery(**{**row, "about": from_jsonb(row["about"]) if row["about"] else None}) for row in rows]
    return sorted(found, key=lambda each: each.id)


async def keep_bodies(bodies: Sequence[tuple[UUID, bytes]]) -> None:
    """Before they are sent for the first time: a retry sends the same bytes."""
    await db.execute(
        "UPDATE hook_deliveries d SET body = b.body FROM unnest($2::uuid[], $3::bytea[]) AS b(id, body)"
        " WHERE d.organization_id = $1 AND d.id = b.id AND d.body IS NULL",
        current_organization(),
        [each for each, _ in bodies],
        [body for _, body in bodies],
    )


async def mark(
    claimed: ClaimedDelivery,
    state: str,
    *,
    after_s: float,
    status: int | None,
    error: str,
    response: bytes | None,
    tried: dict[str, Any],
) -> None:
    """Who was replayed or sent by another meanwhile (its `attempts` say so) stays as it is."""
    await db.execute(
        "UPDATE hook_deliveries SET state = $4::text, next_attempt_at = clock_timestamp() + make_interval(secs => $5), last_status = $6,"
        " last_error = $7, response = $8, delivered_at = CASE WHEN $4::text = 'delivered' THEN clock_timestamp() END,"
        " tries = CASE WHEN jsonb_array_length(tries) >= $10 THEN tries - 0 ELSE tries END || $9::jsonb"
        " WHERE organization_id = $1 AND id = $2 AND attempts = $3 AND state = 'ready'",
        current_organization(),
        claimed.id,
        claimed.attempts,
        state,
        after_s,
        status,
        error[:300],
        response,
        to_jsonb([tried]),
        KEPT_TRIES,
    )


async def replay(
    tx: db.Tx,
    endpoint_id: UUID,
    *,
    ids: Sequence[UUID] | None = None,
    since: datetime | None = None,
    states: Sequence[str] = ("dead", "held", "delivered"),
) -> int:
    """They are due now, from their first try on; how many. What is on its way anyway is left alone."""
    tag = await tx.execute(
        "UPDATE hook_deliveries SET state = 'ready', attempts = 0, next_attempt_at = clock_timestamp(), delivered_at = NULL"
        " WHERE organization_id = $1 AND endpoint_id = $2 AND ($3::uuid[] IS NULL OR id = ANY($3)) AND ($4::timestamptz IS NULL OR occurred_at >= $4)"
        " AND state = ANY($5)",
        tx.organization_id,
        endpoint_id,
        None if ids is None else list(ids),
        since,
        list(states),
    )
    return int(tag.split()[-1])


_TOLD = "SELECT count(*) FROM hook_deliveries d WHERE d.organization_id = $1 AND d.endpoint_id = e.id AND"
_HEALTHS = f"""
SELECT e.id, ({_TOLD} d.id >= $2 AND d.state = 'delivered') AS delivered,
       ({_TOLD} d.state = 'ready') + ({_TOLD} d.state = 'held') AS waiting, ({_TOLD} d.state = 'dead') AS dead
FROM hook_endpoints e WHERE e.organization_id = $1
"""  # noqa: S608 - a constant above


async def healths(since: datetime) -> dict[UUID, Health]:
    """Of all endpoints of the organization."""
    rows = await db.fetch(_HEALTHS, current_organization(), first_id_of(since))
    return {row["id"]: Health(row["delivered"], row["waiting"], row["dead"]) for row in rows}


async def purge(before: datetime, limit: int) -> int:
    """Whatever became of them: they quote people. Inside `unscoped`. Found by their ids, which carry their time."""
    tag = await db.execute(
        "DELETE FROM hook_deliveries WHERE id IN (SELECT id FROM hook_deliveries WHERE id < $1 ORDER BY id LIMIT $2)",
        first_id_of(before),
        limit,
    )
    return int(tag.split()[-1])
