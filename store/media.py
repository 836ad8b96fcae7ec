"""Rows of files that came with messages: where fetching them stands. In the organization's scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from store import db
from store.ids import uuid7

__all__ = ["IncomingMessage", "incoming_message", "note_failed", "note_stored", "note_waiting", "open_file"]


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    account_id: UUID
    contact_id: UUID
    locale: str | None  # the person's, if chosen
    body: bytes


async def incoming_message(message_id: UUID) -> IncomingMessage | None:
    row = await db.fetchrow(
        "SELECT m.account_id, m.contact_id, c.locale, m.body FROM messages m"
        " JOIN contacts c ON c.organization_id = m.organization_id AND c.id = m.contact_id"
        " WHERE m.id = $1 AND m.direction = 'in'",
        message_id,
    )
    return IncomingMessage(*row) if row else None


async def open_file(
    message_id: UUID, account_id: UUID, *, external_id: str, kind: str, mime_type: str, filename: str
) -> tuple[UUID, bool]:
    """The row of this message's file, made at the first call, and whether its bytes are stored already."""
    async with db.transaction() as tx:
        row = await tx.fetchrow(
            "SELECT id, state FROM media_files WHERE message_id = $1 AND direction = 'in' ORDER BY created_at LIMIT 1 FOR UPDATE",
            message_id,
        )
        if row is not None:
            return row["id"], row["state"] == "stored"
        file_id = uuid7()
        await tx.execute(
            "INSERT INTO media_files (id, organization_id, message_id, account_id, direction, external_id, blob, kind,"
            " mime_type, filename, state, reason, created_at)"
            " VALUES ($1, $2, $3, $4, 'in', $5, '', $6, $7, $8, 'pending', '', clock_timestamp())",
            file_id,
            tx.organization_id,
            message_id,
            account_id,
            external_id,
            kind,
            mime_type[:120],
            filename[:255],
        )
        return file_id, False


async def note_stored(file_id: UUID, *, blob: str, mime_type: str, size_bytes: int) -> None:
    await db.execute(
        "UPDATE media_files SET state = 'stored', reason = '', blob = $2, mime_type = $3, size_bytes = $4 WHERE id = $1",
        file_id,
        blob,
        mime_type[:120],
        size_bytes,
    )


async def note_waiting(file_id: UUID, reason: str) -> None:
    """Still to be fetched; the reason says why it is not there yet."""
    await db.execute("UPDATE media_files SET reason = $2 WHERE id = $1 AND state = 'pending'", file_id, reason[:300])


async def note_failed(file_id: UUID, reason: str) -> None:
    await db.execute(
        "UPDATE media_files SET state = 'failed', reason = $2 WHERE id = $1 AND state <> 'stored'",
        file_id,
        reason[:300],
    )
