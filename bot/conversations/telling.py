"""Who is told of a conversation that wants somebody (`bot.notifications`)."""

from __future__ import annotations

from uuid import UUID

from bot.notifications import notify
from bot.unit import Unit

__all__ = ["tell_of_assignment", "tell_of_call"]

_WHO = """
SELECT v.assignee_id, NULLIF(c.name, '') AS name FROM conversations v JOIN contacts c ON c.organization_id = $1 AND c.id = v.contact_id
WHERE v.organization_id = $1 AND v.id = $2
"""


async def tell_of_assignment(work: Unit, conversation_id: UUID, user_id: UUID, *, by: str) -> None:
    row = await work.tx.fetchrow(_WHO, work.organization_id, conversation_id)
    name = row["name"] if row else None
    subject = {
        "en": f"{by or 'Somebody'} gave you the conversation with {name or 'somebody without a name'}",
        "sw": f"{by or 'Mtu'} amekukabidhi mazungumzo na {name or 'mtu asiye na jina'}",
    }
    link = f"/inbox?c={conversation_id}"
    await notify(work, "conversation.assigned", subject, link, user_id=user_id, key=f"assigned:{conversation_id}")


async def tell_of_call(work: Unit, conversation_id: UUID) -> None:
    """Whose conversation it is; nobody's: all who answer."""
    row = await work.tx.fetchrow(_WHO, work.organization_id, conversation_id)
    name, assignee = (row["name"], row["assignee_id"]) if row else (None, None)
    subject = {
        "en": f"{name or 'Somebody'} asks for a person",
        "sw": f"{name or 'Mtu'} anataka kuzungumza na mtu",
    }
    link, key = f"/inbox?c={conversation_id}", f"waiting:{conversation_id}"
    told = 0
    if assignee is not None:
        told = await notify(work, "conversation.waiting", subject, link, user_id=assignee, key=key)
    if not told:
        await notify(work, "conversation.waiting", subject, link, permission="inbox.reply", key=key)
