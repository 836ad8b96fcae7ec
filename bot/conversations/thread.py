"""What was said in a conversation, with what stands between the messages; pages by key, latest first, each in the order of reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.bodies import decode_inbound, decode_outbound
from bot.conversations.notes import open_note
from bot.messages import Inbound, MediaOut, Outbound, Unsupported
from store.crypto import OrganizationKeys, Unreadable
from store.db import fetch, fetchrow
from store.jsonb import from_jsonb
from store.tenancy import current_organization

__all__ = ["Attached", "Noted", "Said", "Thread", "file_of", "thread"]

PAGE = 40

_MESSAGES = """
SELECT m.id, m.direction, m.external_id, m.body, m.reply_to, m.origin, m.status, m.created_at, m.error, m.understanding,
       f.blob, f.mime_type, f.filename, f.state AS file_state, f.reason AS file_reason
FROM messages m LEFT JOIN LATERAL (
    SELECT blob, mime_type, filename, state, reason FROM media_files f WHERE f.organization_id = $1 AND f.message_id = m.id AND m.direction = 'in'
    ORDER BY f.created_at LIMIT 1) f ON m.type = 'media'
WHERE m.organization_id = $1 AND m.session_id = $2 AND ($3::timestamptz IS NULL OR (m.created_at, m.id) < ($3, $4))
ORDER BY m.created_at DESC, m.id DESC LIMIT $5
"""
_NOTES = """
SELECT n.id, n.kind, n.sealed_body, n.created_at, COALESCE(NULLIF(u.name, ''), u.email, '') AS author
FROM conversation_notes n LEFT JOIN users u ON u.id = n.author_id
WHERE n.organization_id = $1 AND n.conversation_id = $2 AND ($3::timestamptz IS NULL OR n.created_at >= $3)
  AND ($4::timestamptz IS NULL OR n.created_at < $4) ORDER BY n.created_at, n.id
"""
_FILE = """
SELECT m.direction, m.body, f.blob, f.mime_type, f.filename FROM messages m
LEFT JOIN media_files f ON f.organization_id = $1 AND f.message_id = m.id AND f.state = 'stored' AND m.direction = 'in'
WHERE m.organization_id = $1 AND m.id = $2 ORDER BY f.created_at LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that a person sent. `state`: pending | stored | failed, then `reason` says why."""

    mime_type: str
    filename: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `part` is Unsupported when its body does not open. `index`: which of the wire messages that the part becomes."""

    id: UUID
    at: datetime
    direction: str
    part: Inbound | Outbound
    index: int
    external_id: str | None
    reply_to: str | None
    origin: str
    status: str
    error: Any
    understanding: Any
    file: Attached | None

    @property
    def by_person(self) -> bool:
        """Of ours, written by somebody and not by the bot."""
        return self.origin.startswith("inbox/")


@dataclass(frozen=True, slots=True)
class Noted:
    """`kind`: `bot.conversations.notes.Kind`."""

    id: UUID
    at: datetime
    kind: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Thread:
    """`before`: where the page with earlier ones begins; None: there is none."""

    items: list[Said | Noted]
    before: tuple[datetime, UUID] | None


async def thread(
    conversation_id: UUID,
    keys: OrganizationKeys,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> Thread:
    organization_id = keys.organization_id
    at, key = before or (None, None)
    rows = await fetch(_MESSAGES, organization_id, conversation_id, at, key, limit + 1)
    has_more = len(rows) > limit
    said = [_said(row, keys) for row in rows[:limit]]
    since = said[-1].at if has_more else None
    noted = [
        Noted(row["id"], row["created_at"], row["kind"], row["author"], open_note(row["sealed_body"], keys))
        for row in await fetch(_NOTES, organization_id, conversation_id, since, at)
    ]
    items: list[Said | Noted] = sorted([*said, *noted], key=lambda each: (each.at, each.id))
    return Thread(items, (said[-1].at, said[-1].id) if has_more else None)


async def file_of(message_id: UUID, keys: OrganizationKeys) -> tuple[str, str, str] | None:
    """(blob, type, name) of the file that a message carries; None: it has none, or not yet."""
    row = await fetchrow(_FILE, current_organization(), message_id)
    if row is None:
        return None
    if row["direction"] == "in":
        return (row["blob"], row["mime_type"], row["filename"]) if row["blob"] else None
    part = decode_outbound(row["body"], keys).part
    return (part.blob, part.mime_type, part.filename) if isinstance(part, MediaOut) and part.blob else None


def _said(row: Any, keys: OrganizationKeys) -> Said:
    part: Inbound | Outbound
    index = 0
    try:
        if row["direction"] == "in":
            part = decode_inbound(row["body"], keys)
        else:
            out = decode_outbound(row["body"], keys)
            part, index = out.part, out.index
    except Unreadable:
        part = Unsupported(what="unreadable")
    file = None
    if row["file_state"] is not None:
        file = Attached(row["mime_type"], row["filename"], row["file_state"], row["file_reason"])
    return Said(
        row["id"],
        row["created_at"],
        row["direction"],
        part,
        index,
        row["external_id"],
        row["reply_to"],
        row["origin"],
        row["status"],
        from_jsonb(row["error"]) if row["error"] else None,
        from_jsonb(row["understanding"]) if row["understanding"] else None,
        file,
    )
