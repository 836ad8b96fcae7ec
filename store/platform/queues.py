"""How deep the queues are and what was given up, over all organizations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.db import fetch, fetchrow, fetchval
from store.tenancy import unscoped

__all__ = ["QUEUES", "Dead", "Depth", "dead_row", "dead_rows", "depths"]

QUEUES = ("inbox", "outbox", "jobs")
COUNT_UP_TO = 10_000
DEAD = "state = 'dead'"


@dataclass(frozen=True, slots=True)
class Depth:
    """Counted up to 10,000. `oldest_s`: of what is due."""

    queue: str
    due: int
    oldest_s: float
    later: int  # not due yet: a pause after a failure, a time that is to come
    held: int  # waits for something else: a stopped number, a person who answers, a suspension
    at_work: int
    dead: int


@dataclass(frozen=True, slots=True)
class Dead:
    """A row that nobody tries again. `what`: kind of an inbox row, type of a message, name of a job."""

    queue: str
    id: UUID
    organization_id: UUID
    organization: str
    what: str
    attempts: int
    error: str
    at: datetime


def _depth(queue: str, due: str, later: str, held: str, at_work: str, since: str) -> str:
    def count(where: str) -> str:
        return f"(SELECT count(*) FROM (SELECT 1 FROM {queue} WHERE {where} LIMIT {COUNT_UP_TO}) x)"  # noqa: S608 - constants

    return (
        f"SELECT '{queue}' AS queue, {count(due)} AS due,"  # noqa: S608 - constants
        f" coalesce((SELECT extract(epoch FROM clock_timestamp() - min({since}))::float8 FROM {queue} WHERE {due}), 0) AS oldest_s,"
        f" {count(later)} AS later, {count(held)} AS held, {count(at_work)} AS at_work, {count(DEAD)} AS dead"
    )


_DEPTHS = " UNION ALL ".join(
    (
        _depth(
            "inbox",
            "state = 'ready' AND next_attempt_at <= clock_timestamp()",
            "state = 'ready' AND next_attempt_at > clock_timestamp()",
            "state = 'held'",
            "false",
            "next_attempt_at",
        ),
        _depth(
            "outbox",
            "state = 'ready' AND next_attempt_at <= clock_timestamp()",
            "state = 'ready' AND next_attempt_at > clock_timestamp()",
            "state IN ('held', 'probe', 'upload')",
            "state IN ('sending', 'unknown')",
            "next_attempt_at",
        ),
        _depth(
            "jobs",
            "state = 'ready' AND run_at <= clock_timestamp()",
            "state = 'ready' AND run_at > clock_timestamp()",
            "false",
            "state = 'running'",
            "run_at",
        ),
    )
)
_DEAD = """
SELECT d.queue, d.id, d.organization_id, o.name AS organization, d.what, d.attempts, d.error, d.at FROM (
    SELECT 'inbox' AS queue, id, organization_id, kind::text AS what, attempts, last_error AS error, provider_at AS at FROM inbox WHERE state = 'dead'
    UNION ALL
    SELECT 'outbox', b.id, b.organization_id, m.type::text, b.attempts, b.last_error, b.created_at FROM outbox b
        JOIN messages m ON m.organization_id = b.organization_id AND m.id = b.message_id WHERE b.state = 'dead'
    UNION ALL
    SELECT 'jobs', id, organization_id, name::text, attempts, last_error, coalesce(finished_at, created_at) FROM jobs WHERE state = 'dead'
) d JOIN organizations o ON o.id = d.organization_id
"""
_WHERE = """
WHERE ($1 = '' OR d.queue = $1) AND ($2::uuid IS NULL OR d.organization_id = $2)
  AND ($3 = '' OR d.what ILIKE '%' || $3 || '%' OR d.error ILIKE '%' || $3 || '%' OR o.name ILIKE '%' || $3 || '%')
"""


async def depths() -> list[Depth]:
    with unscoped("the platform's queues"):
        return [Depth(*row) for row in await fetch(_DEPTHS)]


async def dead_rows(
    *,
    queue: str = "",
    organization_id: UUID | None = None,
    find: str = "",
    ascending: bool = False,
    offset: int = 0,
    limit: int = 25,
) -> tuple[list[Dead], int]:
    """Newest first unless `ascending`."""
    literal = find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    order = "d.at, d.id" if ascending else "d.at DESC, d.id DESC"
    with unscoped("what the platform's queues gave up"):
        rows = await fetch(
            f"{_DEAD} {_WHERE} ORDER BY {order} OFFSET $4 LIMIT $5", queue, organization_id, literal, offset, limit
        )
        total: int = await fetchval(f"SELECT count(*) FROM ({_DEAD} {_WHERE}) x", queue, organization_id, literal)  # noqa: S608 - constants
    return [Dead(*row) for row in rows], total


async def dead_row(queue: str, row_id: UUID) -> Dead | None:
    """None: it is not dead any more."""
    with unscoped("what the platform's queues gave up"):
        row = await fetchrow(f"{_DEAD} WHERE d.queue = $1 AND d.id = $2", queue, row_id)
    return Dead(*row) if row else None
