"""The list of the inbox: by view, with search, in pages by key: a page costs its own rows, however many conversations there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bot.bodies import decode_inbound, decode_outbound
from bot.conversations.preview import preview
from store.crypto import OrganizationKeys, Unreadable
from store.db import fetch, fetchrow
from store.jsonb import from_jsonb

__all__ = ["Counts", "Listed", "Page", "View", "conversations", "counts"]

PAGE = 40


class View(StrEnum):
    OPEN = "open"
    WAITING = "waiting"  # the bot called a person
    MINE = "mine"
    UNASSIGNED = "unassigned"
    UNREAD = "unread"
    CLOSED = "closed"


_VIEWS = {
    View.OPEN: "v.closed_at IS NULL",
    View.WAITING: "v.waiting_at IS NOT NULL",
    View.MINE: "v.assignee_id = $2 AND v.closed_at IS NULL",
    View.UNASSIGNED: "v.assignee_id IS NULL AND v.closed_at IS NULL",
    View.UNREAD: "v.unread > 0 AND v.closed_at IS NULL",
    View.CLOSED: "v.closed_at IS NOT NULL",
}
_FOUND = """ AND v.contact_id IN (
    SELECT c.id FROM contacts c WHERE c.organization_id = $1 AND c.name ILIKE $3
    UNION SELECT i.contact_id FROM contact_identities i WHERE i.organization_id = $1 AND i.valid_to IS NULL
      AND (i.value_masked ILIKE $3 OR i.value_index = $4))"""
_ROWS = """
SELECT v.id, v.contact_id, c.name, v.unread, v.labels, v.assignee_id, v.last_at, v.waiting_at, v.taken_over_at, v.closed_at, v.version,
       s.last_user_at, s.phase, m.body, m.direction, m.status,
       (SELECT COALESCE(NULLIF(u.name, ''), u.email) FROM users u WHERE u.id = v.assignee_id) AS assignee,
       (SELECT i.value_masked FROM contact_identities i WHERE i.organization_id = $1 AND i.contact_id = v.contact_id AND i.kind = 'phone'
          AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1) AS masked
FROM (SELECT * FROM conversations v WHERE v.organization_id = $1 AND $2::uuid IS NOT NULL AND {view}{found}{after}
      ORDER BY v.last_at DESC, v.id DESC LIMIT {limit}) v
JOIN contacts c ON c.organization_id = $1 AND c.id = v.contact_id
JOIN sessions s ON s.organization_id = $1 AND s.id = v.id
LEFT JOIN messages m ON m.organization_id = $1 AND m.id = v.last_message_id
ORDER BY v.last_at DESC, v.id DESC
"""
_COUNTS = """
SELECT count(*) FILTER (WHERE closed_at IS NULL) AS open, count(*) FILTER (WHERE waiting_at IS NOT NULL) AS waiting,
       count(*) FILTER (WHERE assignee_id = $2 AND closed_at IS NULL) AS mine,
       count(*) FILTER (WHERE assignee_id IS NULL AND closed_at IS NULL) AS unassigned,
       count(*) FILTER (WHERE unread > 0 AND closed_at IS NULL) AS unread
FROM conversations WHERE organization_id = $1
"""


@dataclass(frozen=True, slots=True)
class Listed:
    id: UUID
    contact_id: UUID
    name: str  # "" when the person has none
    masked: str  # the phone number, masked
    preview: str
    direction: str  # of the last message; "" without one
    status: str
    unread: int
    labels: tuple[str, ...]
    assignee_id: UUID | None
    assignee: str
    phase: str
    last_at: datetime
    last_user_at: datetime | None
    waiting_at: datetime | None
    taken_over_at: datetime | None
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Page:
    """`after`: where the next page begins; None: there is none."""

    rows: list[Listed]
    after: tuple[datetime, UUID] | None


@dataclass(frozen=True, slots=True)
class Counts:
    open: int
    waiting: int
    mine: int
    unassigned: int
    unread: int


async def conversations(
    view: View,
    *,
    me: UUID,
    keys: OrganizationKeys,
    find: str = "",
    after: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
    locale: str = "en",
) -> Page:
    """Those with the latest message first. `find`: in names and masked numbers; a whole number finds its person too."""
    values: list[object] = [keys.organization_id, me]
    found = ""
    if find.strip():
        found = _FOUND
        values += [f"%{_literally(find.strip())}%", keys.blind_index(_number(find))]
    following = ""
    if after is not None:
        following = f" AND (v.last_at, v.id) < (${len(values) + 1}::timestamptz, ${len(values) + 2}::uuid)"
        values += after
    sql = _ROWS.format(view=_VIEWS[view], found=found, after=following, limit=limit + 1)
    rows = [_listed(row, keys, locale) for row in await fetch(sql, *values)]
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, (rows[-1].last_at, rows[-1].id) if more else None)


async def counts(organization_id: UUID, me: UUID) -> Counts:
    return Counts(**await fetchrow(_COUNTS, organization_id, me))


def _listed(row: dict[str, object], keys: OrganizationKeys, locale: str) -> Listed:
    given = dict(row)
    body = given.pop("body")
    given["labels"] = tuple(from_jsonb(str(given["labels"])) or ())
    given["direction"], given["status"] = given["direction"] or "", given["status"] or ""
    for name in ("assignee", "masked"):
        given[name] = given[name] or ""
    return Listed(**given, preview=_shown(body, str(given["direction"]), keys, locale))  # type: ignore[arg-type]


def _shown(body: object, direction: str, keys: OrganizationKeys, locale: str) -> str:
    if not isinstance(body, bytes):
        return ""
    try:
        part = decode_inbound(body, keys) if direction == "in" else decode_outbound(body, keys).part
    except Unreadable:
        return "…"
    return preview(part, locale)


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _number(text: str) -> str:
    return "+" + "".join(each for each in text if each.isdigit())
