"""Rows of jobs: claim with a lease, renew, finish. Every change of a running job is fenced by its token, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from store import db

__all__ = ["ClaimedJob", "bury", "claim", "finish", "renew", "retry"]


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """`attempts` counts this one: it was counted before anything ran. `last_error` is of the one before."""

    job_id: UUID
    name: str
    payload: dict[str, Any]
    attempts: int
    last_error: str
    token: UUID
    trace_id: UUID


async def claim(job_id: UUID, token: UUID, *, lease_s: float) -> ClaimedJob | None:
    """None: it is not due, or done, or another worker has it. In the organization's scope, like everything here."""
    row = await db.fetchrow(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_token = $2, hinted_at = NULL,"
        " lease_until = clock_timestamp() + make_interval(secs => $3)"
        " WHERE id = $1 AND run_at <= clock_timestamp()"
        " AND (state = 'ready' OR (state = 'running' AND lease_until < clock_timestamp()))"
        " RETURNING name, payload, attempts, last_error, COALESCE(trace_id, id) AS trace_id",
        job_id,
        token,
        lease_s,
    )
    if row is None:
        return None
    payload = orjson.loads(row["payload"])
    return ClaimedJob(job_id, row["name"], payload, row["attempts"], row["last_error"], token, row["trace_id"])


async def renew(job: ClaimedJob, *, lease_s: float) -> bool:
    """False: the lease is lost, another worker may be at it."""
    return await _change(job, "lease_until = clock_timestamp() + make_interval(secs => $3)", lease_s)


async def finish(job: ClaimedJob) -> bool:
    return await _change(
        job, "state = 'done', finished_at = clock_timestamp(), lease_token = NULL, lease_until = NULL, last_error = ''"
    )


async def retry(job: ClaimedJob, *, after_s: float, error: str, counts: bool = True) -> bool:
    """Ready again later. `counts` false: this attempt was no attempt, the process was stopping."""
    return await _change(
        job,
        "state = 'ready', lease_token = NULL, lease_until = NULL, hinted_at = NULL,"
        " run_at = clock_timestamp() + make_interval(secs => $3), last_error = $4,"
        " attempts = CASE WHEN $5 THEN attempts ELSE greatest(attempts - 1, 0) END",
        after_s,
        error[:500],
        counts,
    )


async def bury(job: ClaimedJob, *, error: str) -> bool:
    """Dead: nobody tries again, the reason stays to be read."""
    return await _change(
        job,
        "state = 'dead', finished_at = clock_timestamp(), lease_token = NULL, lease_until = NULL, last_error = $3",
        error[:500],
    )


async def _change(job: ClaimedJob, what: str, *values: Any) -> bool:
    tag = await db.execute(
        f"UPDATE jobs SET {what} WHERE id = $1 AND state = 'running' AND lease_token = $2",  # noqa: S608 - constants above
        job.job_id,
        job.token,
        *values,
    )
    return tag == "UPDATE 1"
