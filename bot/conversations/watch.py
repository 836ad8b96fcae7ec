"""What a page that watches asks again and again, so it must cost little: one look per organization, whoever watches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from store.db import fetch

__all__ = ["Pulse", "pulse"]

_TOP = """
SELECT id, version FROM (SELECT id, version FROM conversations WHERE organization_id = $1 ORDER BY last_at DESC, id DESC LIMIT 60) t
UNION SELECT id, version FROM conversations WHERE organization_id = $1 AND id = ANY($2::uuid[])
"""
_OPEN = """
SELECT o.id, sum(hashtextextended(m.id::text || m.status || (m.understanding IS NOT NULL)::text
         || COALESCE((SELECT max(f.state) FROM media_files f WHERE m.type = 'media' AND f.organization_id = $1 AND f.message_id = m.id), ''), 0))
         AS print
FROM unnest($2::uuid[]) AS o(id) CROSS JOIN LATERAL (
    SELECT id, status, understanding, type FROM messages m WHERE m.organization_id = $1 AND m.session_id = o.id ORDER BY m.created_at DESC LIMIT 40) m
GROUP BY o.id
"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """`versions`: of the conversations on top of the list and of those that are open; `prints`: of what was said lately in the open ones."""

    versions: Mapping[UUID, int]
    prints: Mapping[UUID, int]


async def pulse(organization_id: UUID, opened: Iterable[UUID]) -> Pulse:
    ids = list(opened)
    versions = {row["id"]: row["version"] for row in await fetch(_TOP, organization_id, ids)}
    prints = {row["id"]: row["print"] for row in await fetch(_OPEN, organization_id, ids)} if ids else {}
    return Pulse(versions, prints)
