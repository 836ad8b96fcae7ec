"""Alarms of the platform: what the clock found, and what people did about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from store.db import execute, fetch, fetchrow, fetchval, transaction
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import unscoped

__all__ = [
    "Finding",
    "Incident",
    "IncidentNote",
    "change_incident",
    "incident",
    "incidents",
    "notes_of",
    "observe",
    "put_note",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong now. Of a `key` there is one incident at a time."""

    kind: str
    key: str
    severity: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incident:
    id: UUID
    kind: str
    key: str
    severity: str
    facts: Mapping[str, Any]
    state: str  # open | acknowledged | resolved
    opened_at: datetime
    seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    resolved_by: str  # "" and resolved: it was over by itself


@dataclass(frozen=True, slots=True)
class IncidentNote:
    at: datetime
    by: str  # "": the clock
    kind: str
    text: str


_NAME = "coalesce((SELECT coalesce(nullif(u.name, ''), u.email) FROM users u WHERE u.id = {}), '')"
_SELECT = (
    "SELECT i.id, i.kind, i.key, i.severity, i.facts, i.state, i.opened_at, i.seen_at, i.acknowledged_at,"  # noqa: S608 - constants
    f" {_NAME.format('i.acknowledged_by')} AS acknowledged_by, i.resolved_at, {_NAME.format('i.resolved_by')} AS resolved_by FROM incidents i"
)


async def observe(found: Sequence[Finding], now: datetime, *, quiet_s: float) -> list[Incident]:
    """Opens what is new and returns it; keeps what goes on; ends what was not seen for `quiet_s`, so that one that comes and goes is one."""
    opened: list[UUID] = []
    with unscoped("the platform's incidents"):
        async with transaction() as tx:
            for each in found:
                made = await tx.fetchval(
                    "INSERT INTO incidents AS i (id, kind, key, severity, facts, state, opened_at, seen_at)"
                    " VALUES ($1, $2, $3, $4, $5::jsonb, 'open', $6, $6) ON CONFLICT (key) WHERE state <> 'resolved'"
                    " DO UPDATE SET seen_at = $6, facts = EXCLUDED.facts, severity = EXCLUDED.severity RETURNING CASE WHEN i.id = $1 THEN i.id END",
                    uuid7(),
                    each.kind,
                    each.key,
                    each.severity,
                    to_jsonb(each.facts),
                    now,
                )
                opened += [made] if made else []
            over = await tx.fetch(
                "UPDATE incidents SET state = 'resolved', resolved_at = $1, resolved_by = NULL"
                " WHERE state <> 'resolved' AND seen_at < $1::timestamptz - make_interval(secs => $2) RETURNING id",
                now,
                quiet_s,
            )
            for row in over:
                await tx.execute(_NOTE, uuid7(), row["id"], now, None, "over", "")
        rows = await fetch(f"{_SELECT} WHERE i.id = ANY($1) ORDER BY i.id", opened) if opened else []
    return [_incident(row) for row in rows]


async def incidents(*, state: str = "", find: str = "", offset: int = 0, limit: int = 25) -> tuple[list[Incident], int]:
    """Unresolved ones first, the newest of each on top. `state` "unresolved": open and acknowledged."""
    where = "WHERE ($1 = '' OR i.state = $1 OR ($1 = 'unresolved' AND i.state <> 'resolved')) AND ($2 = '' OR i.key ILIKE '%' || $2 || '%' OR i.facts::text ILIKE '%' || $2 || '%')"
    literal = find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with unscoped("the platform's incidents"):
        rows = await fetch(
            f"{_SELECT} {where} ORDER BY i.state = 'resolved', i.opened_at DESC, i.id OFFSET $3 LIMIT $4",
            state,
            literal,
            offset,
            limit,
        )
        total: int = await fetchval(f"SELECT count(*) FROM incidents i {where}", state, literal)  # noqa: S608 - constants
    return [_incident(row) for row in rows], total


async def incident(incident_id: UUID) -> Incident | None:
    with unscoped("the platform's incidents"):
        row = await fetchrow(f"{_SELECT} WHERE i.id = $1", incident_id)
    return _incident(row) if row else None


async def notes_of(incident_id: UUID) -> list[IncidentNote]:
    """Oldest first."""
    with unscoped("the platform's incidents"):
        rows = await fetch(
            f"SELECT n.at, {_NAME.format('n.by')}, n.kind, n.text FROM incident_notes n WHERE n.incident_id = $1 ORDER BY n.at, n.id",  # noqa: S608 - constants
            incident_id,
        )
    return [IncidentNote(*row) for row in rows]


async def change_incident(incident_id: UUID, state: str, by: UUID, now: datetime, *, text: str = "") -> bool:
    """To `acknowledged` or `resolved`, with its note; False: it was so already, or is over."""
    what = (
        "state = 'acknowledged', acknowledged_at = $3, acknowledged_by = $4"
        if state == "acknowledged"
        else "state = 'resolved', resolved_at = $3, resolved_by = $4"
    )
    was = ("open",) if state == "acknowledged" else ("open", "acknowledged")
    with unscoped("the platform's incidents"):
        async with transaction() as tx:
            tag = await tx.execute(
                f"UPDATE incidents SET {what} WHERE id = $1 AND state = ANY($2::text[])",  # noqa: S608 - two constants
                incident_id,
                list(was),
                now,
                by,
            )
            if tag == "UPDATE 0":
                return False
            await tx.execute(_NOTE, uuid7(), incident_id, now, by, state, text)
    return True


async def put_note(incident_id: UUID, by: UUID, now: datetime, text: str) -> None:
    with unscoped("the platform's incidents"):
        await execute(_NOTE, uuid7(), incident_id, now, by, "note", text)


_NOTE = "INSERT INTO incident_notes (id, incident_id, at, by, kind, text) VALUES ($1, $2, $3, $4, $5, $6)"


def _incident(row: Any) -> Incident:
    return Incident(**{**dict(row), "facts": from_jsonb(row["facts"])})
