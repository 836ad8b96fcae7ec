"""Rows of schedules and webhooks: due times become jobs in the statement that moves them on; a delivery becomes one with its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from store import db
from store.db import Tx
from store.ids import uuid7
from store.jsonb import to_jsonb

__all__ = [
    "Delivered",
    "DueSchedule",
    "NewJob",
    "Scheduled",
    "delivery",
    "drop_schedules",
    "due_schedules",
    "move_schedule",
    "purge_trigger_deliveries",
    "put_delivery",
    "put_job",
    "put_schedule",
    "schedules",
    "start_in_sessions",
    "where_skills_are_on",
]

_JOB = (
    "INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at)"
    " VALUES ($1, $2, $3, $4, $5::jsonb, $6, 'ready', clock_timestamp(), 0, '', clock_timestamp())"
    " ON CONFLICT (organization_id, key) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class NewJob:
    """`key`: made once, ever."""

    name: str
    queue: str
    payload: Mapping[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    organization_id: UUID
    skill: str
    name: str
    at: str
    timezone: str


@dataclass(frozen=True, slots=True)
class DueSchedule:
    schedule_id: UUID
    organization_id: UUID
    skill: str
    name: str
    timezone: str
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """What another system sent, as it came."""

    delivery_id: UUID
    external_id: str
    content_type: str
    sealed_body: bytes
    received_at: datetime


async def put_job(tx: Tx, organization_id: UUID, job: NewJob) -> None:
    await tx.execute(_JOB, uuid7(), organization_id, job.name, job.queue, to_jsonb(dict(job.payload)), job.key)


# -- schedules, by the system's role --------------------------------------------------------------


async def where_skills_are_on(skills: Sequence[str]) -> list[tuple[UUID, str, str]]:
    """(organization, skill, time zone)."""
    rows = await db.fetch(
        "SELECT i.organization_id, i.skill, o.timezone FROM skill_installs i JOIN organizations o ON o.id = i.organization_id"
        " WHERE i.enabled AND i.skill = ANY($1)",
        list(skills),
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def schedules() -> dict[Scheduled, UUID]:
    rows = await db.fetch("SELECT id, organization_id, skill, name, at, timezone FROM trigger_schedules")
    return {Scheduled(*(row[n] for n in range(1, 6))): row["id"] for row in rows}


async def put_schedule(schedule: Scheduled, next_at: datetime) -> None:
    """One that is there and was reckoned the same way keeps its time."""
    await db.execute(
        "INSERT INTO trigger_schedules AS s (id, organization_id, skill, name, at, timezone, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (organization_id, skill, name) DO UPDATE SET at = excluded.at, timezone = excluded.timezone, next_at = excluded.next_at"
        " WHERE (s.at, s.timezone) IS DISTINCT FROM (excluded.at, excluded.timezone)",
        uuid7(),
        schedule.organization_id,
        schedule.skill,
        schedule.name,
        schedule.at,
        schedule.timezone,
        next_at,
    )


async def drop_schedules(schedule_ids: Sequence[UUID]) -> None:
    await db.execute("DELETE FROM trigger_schedules WHERE id = ANY($1)", list(schedule_ids))


async def due_schedules(tx: Tx, now: datetime, limit: int) -> list[DueSchedule]:
    """Held until the transaction ends: another clock passes over them. Of skills that are on."""
    rows = await tx.fetch(
        "SELECT s.id, s.organization_id, s.skill, s.name, s.timezone, s.next_at FROM trigger_schedules s"
        " WHERE s.next_at <= $1 AND EXISTS (SELECT FROM skill_installs i"
        "   WHERE i.organization_id = s.organization_id AND i.skill = s.skill AND i.enabled)"
        " ORDER BY s.next_at LIMIT $2 FOR UPDATE OF s SKIP LOCKED",
        now,
        limit,
    )
    return [DueSchedule(*row) for row in rows]


async def move_schedule(tx: Tx, due: DueSchedule, *, last_at: datetime | None, next_at: datetime) -> None:
    await tx.execute(
        "UPDATE trigger_schedules SET next_at = $3, last_at = COALESCE($4, last_at) WHERE organization_id = $1 AND id = $2",
        due.organization_id,
        due.schedule_id,
        next_at,
        last_at,
    )


# -- deliveries, in the organization's scope -------------------------------------------------------


async def put_delivery(
    delivery_id: UUID, skill: str, name: str, *, external_id: str, content_type: str, sealed_body: bytes, job: NewJob
) -> bool:
    """The delivery and the job that reads it, in one commit; False: it came before, and nothing was written."""
    async with db.transaction() as tx:
        kept = await tx.fetchval(
            "INSERT INTO trigger_deliveries (id, organization_id, skill, name, external_id, content_type, sealed_body, received_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())"
            " ON CONFLICT (organization_id, skill, name, external_id) DO NOTHING RETURNING id",
            delivery_id,
            tx.organization_id,
            skill,
            name,
            external_id,
            content_type,
            sealed_body,
        )
        if kept is None:
            return False
        assert tx.organization_id is not None
        await put_job(tx, tx.organization_id, job)
        return True


async def delivery(delivery_id: UUID, skill: str) -> Delivered | None:
    """Of this skill; None: there is none, or not any more."""
    row = await db.fetchrow(
        "SELECT id, external_id, content_type, sealed_body, received_at FROM trigger_deliveries WHERE id = $1 AND skill = $2",
        delivery_id,
        skill,
    )
    return None if row is None else Delivered(*row)


async def start_in_sessions(
    tx: Tx, payload: Mapping[str, Any], key: str, *, since: datetime, contact_id: UUID | None, limit: int
) -> list[tuple[UUID, UUID]]:
    """Puts an event into conversations whose person may be written to now: (inbox id, session) of each that did not have it.

    The person agreed, wrote later than `since`, and no colleague has taken over. Of everybody only those who are in the middle of nothing.
    """
    rows = await tx.fetch(
        "INSERT INTO inbox (id, organization_id, session_id, kind, payload, key, provider_at, state, attempts, next_attempt_at, last_error)"
        " SELECT cn_uuid7(), s.organization_id, s.id, 'event', $2::jsonb, $3 || ':' || s.id, clock_timestamp(), 'ready', 0, clock_timestamp(), ''"
        " FROM sessions s JOIN contacts c ON c.organization_id = s.organization_id AND c.id = s.contact_id"
        " WHERE s.organization_id = $1 AND s.last_user_at > $4 AND c.opted_in_at IS NOT NULL AND c.opted_out_at IS NULL"
        " AND ($5::uuid IS NULL AND s.phase = 'IDLE' OR c.id = $5)"
        " AND NOT EXISTS (SELECT FROM conversations v WHERE v.organization_id = s.organization_id AND v.id = s.id AND v.taken_over_at IS NOT NULL)"
        " AND NOT EXISTS (SELECT FROM inbox o WHERE o.organization_id = s.organization_id AND o.key = $3 || ':' || s.id)"
        " ORDER BY s.last_user_at DESC LIMIT $6 ON CONFLICT (organization_id, key) DO NOTHING RETURNING id, session_id",
        tx.organization_id,
        to_jsonb(dict(payload)),
        key,
        since,
        contact_id,
        limit,
    )
    return [(row["id"], row["session_id"]) for row in rows]


async def purge_trigger_deliveries(older_than_days: float, limit: int) -> int:
    """By the system's role; how many went."""
    tag = await db.execute(
        "DELETE FROM trigger_deliveries WHERE id IN (SELECT id FROM trigger_deliveries"
        " WHERE received_at < clock_timestamp() - make_interval(secs => $1) ORDER BY received_at LIMIT $2)",
        older_than_days * 86_400,
        limit,
    )
    return int(tag.split()[-1])
