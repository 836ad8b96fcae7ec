"""Reading the audit log of an organization, in its scope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from store.db import fetch, fetchval
from store.jsonb import from_jsonb
from store.tenancy import current_organization, unscoped

__all__ = ["Entry", "actions", "entries"]


@dataclass(frozen=True, slots=True)
class Entry:
    id: UUID
    at: datetime
    actor: str  # user:<id>, contact:<id>, job:<id>, platform
    actor_name: str  # "" where nobody is behind it, or not any more
    action: str
    subject: str
    before: Any
    after: Any


_OF_USER = re.compile(r"user:[0-9a-f]{8}-[0-9a-f-]{27}\b")
_WHERE = """
 FROM audit_entries e LEFT JOIN users u ON e.actor LIKE 'user:%' AND u.id::text = right(e.actor, 36)
 WHERE e.organization_id = $1 AND ($2 = '' OR e.action LIKE $2 || '%') AND ($3::timestamptz IS NULL OR e.at >= $3)
   AND ($4 = '' OR e.action ILIKE '%' || $4 || '%' OR e.subject ILIKE '%' || $4 || '%' OR e.actor ILIKE '%' || $4 || '%'
        OR u.name ILIKE '%' || $4 || '%' OR u.email ILIKE '%' || $4 || '%')
"""


async def entries(
    *,
    action: str = "",
    since: datetime | None = None,
    find: str = "",
    ascending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> tuple[Sequence[Entry], int]:
    """Newest first unless `ascending`, and how many there are. `action`: what it begins with, such as "events."."""
    given = (current_organization(), action, since, _literally(find))
    order = "e.at, e.id" if ascending else "e.at DESC, e.id DESC"
    rows = await fetch(
        "SELECT e.id, e.at, e.actor, coalesce(nullif(u.name, ''), u.email, '') AS actor_name, e.action, e.subject, e.before, e.after"
        f"{_WHERE} ORDER BY {order} OFFSET $5 LIMIT $6",  # two constants
        *given,
        offset,
        limit,
    )
    total: int = await fetchval(f"SELECT count(*) {_WHERE}", *given)
    found = [Entry(**{**row, "before": _value(row["before"]), "after": _value(row["after"])}) for row in rows]
    return await _with_platform(found), total


async def _with_platform(found: list[Entry]) -> list[Entry]:
    """With the names of the platform's own people, who are no members: of what they did here, and `A as B` where with B's eyes."""
    ids = {UUID(each.actor[5:41]) for each in found if _OF_USER.match(each.actor)}
    if not ids:
        return found
    with unscoped("who of the platform was here"):
        rows = await fetch(
            "SELECT u.id, coalesce(nullif(u.name, ''), u.email) AS name FROM users u JOIN user_credentials c ON c.user_id = u.id"
            " WHERE c.platform_admin AND u.id = ANY($1)",
            list(ids),
        )
    names = {f"user:{row['id']}": f"{row['name']} (ChatNation)" for row in rows}
    return [_named(each, names) for each in found]


def _named(entry: Entry, names: dict[str, str]) -> Entry:
    first, _, other = entry.actor.partition(" as ")
    if other:
        return replace(entry, actor_name=f"{names.get(first, 'ChatNation')} as {entry.actor_name or 'a former user'}")
    return entry if entry.actor_name else replace(entry, actor_name=names.get(first, ""))


async def actions() -> list[str]:
    """The first words of what was ever done here: events, skill, user."""
    rows = await fetch(
        "SELECT DISTINCT split_part(action, '.', 1) AS kind FROM audit_entries WHERE organization_id = $1 ORDER BY 1",
        current_organization(),
    )
    return [row["kind"] for row in rows]


def _value(text: str | None) -> Any:
    return None if text is None else from_jsonb(text)


def _literally(find: str) -> str:
    return find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
