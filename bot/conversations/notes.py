"""What stands between the messages and never leaves the house: notes, and what happened to the conversation."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from bot.unit import Unit
from store.crypto import OrganizationKeys
from store.ids import uuid7

__all__ = ["Kind", "open_note", "put_note"]

_PUT = """
INSERT INTO conversation_notes (id, organization_id, conversation_id, kind, author_id, sealed_body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())
"""


class Kind(StrEnum):
    NOTE = "note"
    CALLED = "called"  # the bot called a person
    TAKEN_OVER = "taken_over"
    GIVEN_BACK = "given_back"
    ASSIGNED = "assigned"  # the text is the name
    CLOSED = "closed"
    REOPENED = "reopened"


async def put_note(work: Unit, conversation_id: UUID, kind: Kind, *, author_id: UUID | None, text: str = "") -> UUID:
    note_id = uuid7()
    sealed = work.keys.seal_text(text, table="conversation_notes", column="sealed_body") if text else None
    await work.tx.execute(_PUT, note_id, work.organization_id, conversation_id, kind.value, author_id, sealed)
    return note_id


def open_note(sealed: bytes | None, keys: OrganizationKeys) -> str:
    return keys.open_text(sealed, table="conversation_notes", column="sealed_body") if sealed else ""
