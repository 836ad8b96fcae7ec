"""The queue of the inbox: conversations in which the bot called a person."""

from __future__ import annotations

from uuid import UUID

from bot.conversations.notes import Kind, put_note
from bot.conversations.summary import Summary, seal_summary
from bot.conversations.telling import tell_of_call
from bot.unit import Unit

__all__ = ["call_a_person"]

_CALL = """
UPDATE conversations SET waiting_at = COALESCE(waiting_at, $3), sealed_summary = $4, closed_at = NULL, version = version + 1
WHERE organization_id = $1 AND id = $2 AND taken_over_at IS NULL
"""


async def call_a_person(work: Unit, conversation_id: UUID, summary: Summary) -> None:
    """Harmless when one is there already."""
    sealed = seal_summary(summary, work.keys)
    tag = await work.tx.execute(_CALL, work.organization_id, conversation_id, work.now, sealed)
    if tag == "UPDATE 1":
        await put_note(work, conversation_id, Kind.CALLED, author_id=None, text=summary.reason)
        await tell_of_call(work, conversation_id)
