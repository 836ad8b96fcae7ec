"""What happened lately in an organization, as numbers for its Command Center. In the organization's scope.

Messages are found by their ids, which carry their time: (organization_id, id) is unique on every table, so a range of days costs its own
rows and no others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from store.db import fetch, fetchrow
from store.tenancy import current_organization

__all__ = [
    "Day",
    "Health",
    "Recent",
    "Stopped",
    "Today",
    "days",
    "first_id_of",
    "health",
    "recent_conversations",
    "stopped_numbers",
    "today",
]


@dataclass(frozen=True, slots=True)
class Today:
    conversations: int  # in which anything was said
    incoming: int
    outgoing: int
    failed: int
    people: int  # who wrote
    new_people: int


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    incoming: int
    outgoing: int
    failed: int
    people: int


@dataclass(frozen=True, slots=True)
class Health:
    """What waits, and what gave up."""

    to_answer: int
    oldest_s: float  # of what waits for an answer
    to_send: int
    held: int  # their number is stopped
    unknown: int
    dead: int  # messages in either direction, and jobs
    jobs: int


@dataclass(frozen=True, slots=True)
class Stopped:
    account_id: UUID
    name: str
    number: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recent:
    session_id: UUID
    contact_id: UUID
    name: str
    phase: str
    last_at: datetime


def first_id_of(moment: datetime) -> UUID:
    """Not above any UUIDv7 made at `moment` or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


_TODAY = """
SELECT count(DISTINCT session_id) AS conversations, count(*) FILTER (WHERE direction = 'in') AS incoming,
       count(*) FILTER (WHERE direction = 'out') AS outgoing, count(*) FILTER (WHERE direction = 'out' AND status IN ('failed', 'refused')) AS failed,
       count(DISTINCT contact_id) FILTER (WHERE direction = 'in') AS people,
       (SELECT count(*) FROM contacts WHERE organization_id = $1 AND id >= $2 AND id < $3) AS new_people
FROM messages WHERE organization_id = $1 AND id >= $2 AND id < $3
"""
_DAYS = """
SELECT (created_at AT TIME ZONE $3)::date AS day, count(*) FILTER (WHERE direction = 'in') AS incoming,
       count(*) FILTER (WHERE direction = 'out') AS outgoing, count(*) FILTER (WHERE direction = 'out' AND status IN ('failed', 'refused')) AS failed,
       count(DISTINCT contact_id) FILTER (WHERE direction = 'in') AS people
FROM messages WHERE organization_id = $1 AND id >= $2 AND id < $4 GROUP BY 1
"""
_HEALTH = """
SELECT (SELECT count(*) FROM inbox WHERE organization_id = $1 AND state = 'ready') AS to_answer,
       (SELECT extract(epoch FROM clock_timestamp() - min(next_attempt_at))::float8 FROM inbox WHERE organization_id = $1 AND state = 'ready' AND next_attempt_at <= clock_timestamp()) AS oldest_s,
       (SELECT count(*) FROM outbox WHERE organization_id = $1 AND state IN ('ready', 'sending', 'upload')) AS to_send,
       (SELECT count(*) FROM outbox WHERE organization_id = $1 AND state IN ('held', 'probe')) AS held,
       (SELECT count(*) FROM outbox WHERE organization_id = $1 AND state = 'unknown') AS unknown,
       (SELECT count(*) FROM outbox WHERE organization_id = $1 AND state = 'dead') + (SELECT count(*) FROM inbox WHERE organization_id = $1 AND state = 'dead')
         + (SELECT count(*) FROM jobs WHERE organization_id = $1 AND state = 'dead') AS dead,
       (SELECT count(*) FROM jobs WHERE organization_id = $1 AND state IN ('ready', 'running')) AS jobs
"""


SETTLED_S = 300.0
REMEMBERED = 1_000  # organizations; the one that came first is counted again
_settled: dict[tuple[UUID, str, date, date], tuple[float, list[Day]]] = {}


async def today(now: datetime, zone: ZoneInfo, *, days_ago: int = 0) -> Today:
    """The organization's own day; with `days_ago` up to the same time of an earlier one, to compare with."""
    then = now.astimezone(zone) - timedelta(days=days_ago)
    begins = then.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = then if days_ago else begins + timedelta(days=1)
    row = await fetchrow(_TODAY, current_organization(), first_id_of(begins), first_id_of(ends))
    return Today(**row)


async def days(now: datetime, zone: ZoneInfo, *, count: int = 14) -> list[Day]:
    """Today and the days before it, oldest first; days without messages too.

    Nearly all of a day's statuses are there a day later, so the days before yesterday are counted once in five minutes.
    """
    organization_id, last = current_organization(), now.astimezone(zone).date()
    wanted = [last - timedelta(days=back) for back in reversed(range(count))]
    settled, lately = (
        [each for each in wanted if (last - each).days > 1],
        [each for each in wanted if (last - each).days <= 1],
    )
    key = (organization_id, zone.key, settled[0], settled[-1]) if settled else None
    held = _settled.get(key) if key else None
    if key is not None and (held is None or held[0] < time.monotonic()):
        held = (time.monotonic() + SETTLED_S, await _counted(organization_id, settled, zone))
        _settled[key] = held
        while len(_settled) > REMEMBERED:
            _settled.pop(next(iter(_settled)), None)
    return [*(held[1] if held else ()), *await _counted(organization_id, lately, zone)]


async def _counted(organization_id: UUID, wanted: Sequence[date], zone: ZoneInfo) -> list[Day]:
    """Neighbouring days."""
    begins, ends = (
        datetime(each.year, each.month, each.day, tzinfo=zone) for each in (wanted[0], wanted[-1] + timedelta(days=1))
    )
    rows = await fetch(_DAYS, organization_id, first_id_of(begins), zone.key, first_id_of(ends))
    found = {row["day"]: row for row in rows}
    return [Day(**found[day]) if day in found else Day(day, 0, 0, 0, 0) for day in wanted]


async def health() -> Health:
    row = await fetchrow(_HEALTH, current_organization())
    return Health(**{**row, "oldest_s": row["oldest_s"] or 0.0})


async def stopped_numbers() -> list[Stopped]:
    rows = await fetch(
        "SELECT id, name, display_phone_number, state, state_reason FROM channel_accounts WHERE organization_id = $1 AND state <> 'connected' ORDER BY name",
        current_organization(),
    )
    return [Stopped(*row) for row in rows]


async def recent_conversations(limit: int = 6) -> Sequence[Recent]:
    """Those in which somebody wrote last."""
    rows = await fetch(
        "SELECT s.id, s.contact_id, c.name, s.phase, s.last_user_at FROM sessions s JOIN contacts c ON c.organization_id = s.organization_id AND c.id = s.contact_id"
        " WHERE s.organization_id = $1 AND s.last_user_at IS NOT NULL ORDER BY s.last_user_at DESC LIMIT $2",
        current_organization(),
        limit,
    )
    return [Recent(*row) for row in rows]
