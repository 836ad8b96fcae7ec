"""Organizations with what they use. A message is counted on its day in the organization's own time; ids carry the time (`store/insights.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from store.db import fetch, fetchrow, fetchval
from store.insights import first_id_of
from store.jsonb import from_jsonb
from store.tenancy import unscoped

__all__ = ["Listed", "Looked", "Member", "Number", "Usage", "organization", "organizations", "suspensions_over"]

DAYS = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """`conversations`: in which anything was said. `tokens`: read and written by models, as they were recorded."""

    conversations: int
    messages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Listed:
    id: UUID
    name: str
    slug: str
    country: str
    plan: str  # "" as long as there are none
    created_at: datetime
    suspended_at: datetime | None
    suspended_until: datetime | None
    members: int
    today: Usage
    month: Usage  # the last 30 days


@dataclass(frozen=True, slots=True)
class Member:
    user_id: UUID
    name: str
    email: str
    role: str
    role_name: str  # of a role of the organization's own
    last_seen_at: datetime | None
    platform_admin: bool


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    display: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Looked:
    """One organization, from near."""

    listed: Listed
    timezone: str
    locale: str
    suspended_reason: str
    suspended_says: dict[str, str]
    members: Sequence[Member]
    numbers: Sequence[Number]
    skills: Sequence[str]
    dead: int


# Midnight of the organization as the first id of its day.
_TODAY = (
    "(lpad(to_hex((extract(epoch FROM date_trunc('day', $1::timestamptz AT TIME ZONE o.timezone) AT TIME ZONE o.timezone) * 1000)::bigint), 12, '0')"
    " || repeat('0', 20))::uuid"
)
_SORTS = {
    "name": "lower(o.name)",
    "created": "o.created_at",
    "today": f"(SELECT count(*) FROM messages m WHERE m.organization_id = o.id AND m.id >= {_TODAY})",  # noqa: S608 - constants
    "month": "(SELECT count(*) FROM messages m WHERE m.organization_id = o.id AND m.id >= $2)",
    "tokens": "(SELECT coalesce(sum(f.tokens_in + f.tokens_out), 0) FROM usage_facts f WHERE f.organization_id = o.id AND f.at >= $3)",
}
_STATES = {"": "true", "active": "o.suspended_at IS NULL", "suspended": "o.suspended_at IS NOT NULL"}
_USAGE = f"""
SELECT o.id, o.name, o.slug, o.country, coalesce(o.settings ->> 'plan', '') AS plan, o.created_at, o.suspended_at, o.suspended_until,
    (SELECT count(*) FROM memberships x WHERE x.organization_id = o.id) AS members,
    m.conversations_today, m.messages_today, m.conversations, m.messages, t.tokens_today, t.tokens
FROM wanted o
CROSS JOIN LATERAL (SELECT count(DISTINCT session_id) FILTER (WHERE m.id >= {_TODAY}) AS conversations_today,
    count(*) FILTER (WHERE m.id >= {_TODAY}) AS messages_today, count(DISTINCT session_id) AS conversations, count(*) AS messages
    FROM messages m WHERE m.organization_id = o.id AND m.id >= $2) m
CROSS JOIN LATERAL (SELECT coalesce(sum(f.tokens_in + f.tokens_out) FILTER (WHERE f.at >= date_trunc('day', $1::timestamptz AT TIME ZONE o.timezone) AT TIME ZONE o.timezone), 0)::bigint AS tokens_today,
    coalesce(sum(f.tokens_in + f.tokens_out), 0)::bigint AS tokens
    FROM usage_facts f WHERE f.organization_id = o.id AND f.at >= $3) t
ORDER BY o.place
"""  # noqa: S608 - constants


async def organizations(
    now: datetime,
    *,
    find: str = "",
    state: str = "",
    sort: str = "today",
    descending: bool = True,
    offset: int = 0,
    limit: int = 25,
) -> tuple[list[Listed], int]:
    """One page and how many there are. Only the organizations of the page are counted through, unless `sort` is by usage."""
    month = now - timedelta(days=DAYS)
    where = f"{_STATES[state]} AND ($4 = '' OR o.name ILIKE '%' || $4 || '%' OR o.slug ILIKE '%' || $4 || '%')"
    order = f"{_SORTS[sort]} {'DESC' if descending else 'ASC'}, o.name, o.id"
    literal = find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    given = (now, first_id_of(month), month, literal)
    with unscoped("the platform's organizations"):
        rows = await fetch(
            f"WITH wanted AS MATERIALIZED (SELECT o.*, row_number() OVER (ORDER BY {order}) AS place FROM organizations o WHERE {where}"  # noqa: S608 - constants
            f" ORDER BY {order} OFFSET $5 LIMIT $6) {_USAGE}",
            *given,
            offset,
            limit,
        )
        total: int = await fetchval(f"SELECT count(*) FROM organizations o WHERE {where.replace('$4', '$1')}", literal)  # noqa: S608 - constants
    return [_listed(row) for row in rows], total


async def organization(organization_id: UUID, now: datetime) -> Looked | None:
    month = now - timedelta(days=DAYS)
    with unscoped("one of the platform's organizations"):
        row = await fetchrow(
            f"WITH wanted AS (SELECT o.*, 1 AS place FROM organizations o WHERE o.id = $4) {_USAGE}",  # noqa: S608 - constants
            now,
            first_id_of(month),
            month,
            organization_id,
        )
        if row is None:
            return None
        more = await fetchrow(
            "SELECT timezone, locale, coalesce(suspended_reason, '') AS reason, coalesce(suspended_says::text, '{}') AS says,"
            " (SELECT coalesce(array_agg(skill::text ORDER BY position, skill), '{}') FROM skill_installs WHERE organization_id = $1 AND enabled) AS skills,"
            " (SELECT count(*) FROM inbox WHERE organization_id = $1 AND state = 'dead')"
            " + (SELECT count(*) FROM outbox WHERE organization_id = $1 AND state = 'dead')"
            " + (SELECT count(*) FROM jobs WHERE organization_id = $1 AND state = 'dead') AS dead FROM organizations WHERE id = $1",
            organization_id,
        )
        members = await fetch(
            "SELECT u.id, u.name, u.email, m.role, coalesce(r.name, ''), (SELECT max(s.last_seen_at) FROM user_sessions s"
            "   WHERE s.user_id = u.id AND s.impersonating IS NULL), coalesce(c.platform_admin, false)"
            " FROM memberships m JOIN users u ON u.id = m.user_id LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id"
            " LEFT JOIN user_credentials c ON c.user_id = u.id WHERE m.organization_id = $1 ORDER BY m.role <> 'owner', u.name, u.email LIMIT 200",
            organization_id,
        )
        numbers = await fetch(
            "SELECT name, display_phone_number, state, state_reason FROM channel_accounts WHERE organization_id = $1 ORDER BY name, id",
            organization_id,
        )
    return Looked(
        _listed(row),
        more["timezone"],
        more["locale"],
        more["reason"],
        from_jsonb(more["says"]) or {},
        [Member(*each) for each in members],
        [Number(*each) for each in numbers],
        list(more["skills"]),
        more["dead"],
    )


async def suspensions_over(now: datetime) -> list[UUID]:
    with unscoped("suspensions whose time is over"):
        rows = await fetch(
            "SELECT id FROM organizations WHERE suspended_at IS NOT NULL AND suspended_until <= $1 ORDER BY id", now
        )
    return [row["id"] for row in rows]


def _listed(row: Any) -> Listed:
    facts = dict(row)
    today = Usage(facts.pop("conversations_today"), facts.pop("messages_today"), facts.pop("tokens_today"))
    month = Usage(facts.pop("conversations"), facts.pop("messages"), facts.pop("tokens"))
    return Listed(**facts, today=today, month=month)
