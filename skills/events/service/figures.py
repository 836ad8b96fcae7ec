"""What organizers see of their events: seats, sales, who has a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from skills.events.models import EventStatus
from store.db import fetch, fetchrow, fetchval
from store.tenancy import current_organization

__all__ = ["Attendance", "EventLine", "Holder", "attendance", "event_lines", "holders", "sold_by_day"]


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event of the list."""

    id: UUID
    title: str
    venue: str
    timezone: str
    status: EventStatus
    starts_at: datetime
    ends_at: datetime
    capacity: int
    sold: int


@dataclass(frozen=True, slots=True)
class Attendance:
    capacity: int
    sold: int
    cancelled: int
    came: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A ticket, and who has it."""

    ticket_id: UUID
    contact_id: UUID
    name: str
    code: str
    type_name: str
    status: str
    bought_at: datetime
    came_at: datetime | None


_LINES = """
SELECT e.id, e.title, e.venue, e.timezone, e.status, e.starts_at, e.ends_at, coalesce(sum(y.capacity), 0)::int AS capacity,
       coalesce(sum(y.sold), 0)::int AS sold
FROM events_events e LEFT JOIN events_ticket_types y ON y.organization_id = e.organization_id AND y.event_id = e.id
WHERE e.organization_id = $1 AND (e.ends_at < $2) = $3 AND ($4::uuid[] IS NULL OR e.id = ANY($4)) GROUP BY e.id ORDER BY {order}, e.id LIMIT $5
"""
_HOLDERS = """
 FROM events_tickets t JOIN events_ticket_types y ON y.organization_id = t.organization_id AND y.id = t.ticket_type_id
 WHERE t.organization_id = $1 AND t.event_id = $2
   AND ($3 = '' OR t.holder_name ILIKE '%' || $3 || '%' OR t.code ILIKE '%' || $3 || '%')
   AND ($4 = '' OR $4 = 'came' AND t.checked_in_at IS NOT NULL OR $4 = 'expected' AND t.status = 'valid' AND t.checked_in_at IS NULL
        OR $4 = 'cancelled' AND t.status = 'cancelled')
   AND ($5::uuid IS NULL OR t.ticket_type_id = $5)
"""
_ORDERS = {"name": "lower(t.holder_name)", "bought": "t.created_at", "came": "t.checked_in_at"}


async def event_lines(
    *, past: bool, now: datetime, only: Sequence[UUID] | None = None, limit: int = 200
) -> list[EventLine]:
    """Those to come, the next first, or those that are over, the latest first. `only`: of these."""
    order = "e.starts_at DESC" if past else "e.starts_at"
    rows = await fetch(
        _LINES.replace("{order}", order),
        current_organization(),
        now,
        past,
        None if only is None else list(only),
        limit,
    )
    return [EventLine(**{**row, "status": EventStatus(row["status"])}) for row in rows]


async def attendance(event_id: UUID) -> Attendance:
    row = await fetchrow(
        "SELECT (SELECT coalesce(sum(capacity), 0)::int FROM events_ticket_types WHERE organization_id = $1 AND event_id = $2) AS capacity,"
        " count(*) FILTER (WHERE status = 'valid') AS sold, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,"
        " count(*) FILTER (WHERE checked_in_at IS NOT NULL) AS came FROM events_tickets WHERE organization_id = $1 AND event_id = $2",
        current_organization(),
        event_id,
    )
    return Attendance(**row)


async def sold_by_day(event_id: UUID, *, today: date, zone: str, days: int = 14) -> list[tuple[date, int]]:
    """Tickets given out on each of the last days, oldest first."""
    rows = await fetch(
        "SELECT (created_at AT TIME ZONE $3)::date AS day, count(*) AS given FROM events_tickets"
        " WHERE organization_id = $1 AND event_id = $2 AND created_at >= $4 GROUP BY 1",
        current_organization(),
        event_id,
        zone,
        datetime.combine(today - timedelta(days=days), datetime.min.time()).astimezone(),
    )
    found = {row["day"]: row["given"] for row in rows}
    return [(day, found.get(day, 0)) for day in (today - timedelta(days=back) for back in reversed(range(days)))]


async def holders(
    event_id: UUID,
    *,
    find: str = "",
    state: str = "",
    ticket_type_id: UUID | None = None,
    sort: str = "bought",
    descending: bool = True,
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Holder], int]:
    """A page of them, and how many there are. `state`: came | expected | cancelled."""
    wanted = find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    given = (current_organization(), event_id, wanted, state, ticket_type_id)
    order = f"{_ORDERS.get(sort, _ORDERS['bought'])} {'DESC' if descending else 'ASC'} NULLS LAST, t.id"
    rows = await fetch(
        "SELECT t.id, t.contact_id, t.holder_name, t.code, y.name, t.status, t.created_at, t.checked_in_at"
        f"{_HOLDERS} ORDER BY {order} OFFSET $6 LIMIT $7",  # constants of this module
        *given,
        offset,
        limit,
    )
    total: int = await fetchval(f"SELECT count(*) {_HOLDERS}", *given)
    return [Holder(*row) for row in rows], total
