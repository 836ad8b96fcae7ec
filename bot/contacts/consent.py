"""Who wants to hear from the organization. The ledger (`consents`) says who, when and in which words; the contact what holds now.

A person's word is kept for every skill, whatever its manifest lets it do with contacts.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from store.access import by_platform
from store.models import Consent, Contact, InboxItem

__all__ = ["PURPOSE", "grant", "grant_unless_withdrawn", "withdraw"]

PURPOSE = "messages"
MAX_WORDING = 500


async def grant(contact_id: UUID, *, source: str, wording: str, now: datetime, inbox_id: UUID | None = None) -> bool:
    """Records the opt-in, and lifts an opt-out; False when it held already. Inside a transaction.

    `wording` is what the person was told or wrote; `inbox_id` is the turn's, whose message is the proof. Nothing is written twice, so replays
    are harmless.
    """
    with by_platform():
        return await _grant(contact_id, source, wording, now, inbox_id)


async def _grant(contact_id: UUID, source: str, wording: str, now: datetime, inbox_id: UUID | None) -> bool:
    contact = await Contact.filter(id=contact_id).select_for_update().get()
    if contact.opted_in_at is not None and contact.opted_out_at is None:
        return False
    contact.opted_in_at, contact.opted_out_at = now, None
    await contact.save(update_fields=["opted_in_at", "opted_out_at"])
    await _note(contact_id, "granted", source, wording, now, inbox_id)
    return True


async def grant_unless_withdrawn(
    contact_id: UUID, *, source: str, wording: str, now: datetime, inbox_id: UUID | None = None
) -> bool:
    """For consent that comes with something else (a registration): somebody who said STOP stays out."""
    with by_platform():
        contact = await Contact.get(id=contact_id)
    if contact.opted_out_at is not None:
        return False
    return await grant(contact_id, source=source, wording=wording, now=now, inbox_id=inbox_id)


async def withdraw(contact_id: UUID, *, source: str, wording: str, now: datetime, inbox_id: UUID | None = None) -> bool:
    """Records the opt-out; False when it held already. Inside a transaction."""
    with by_platform():
        return await _withdraw(contact_id, source, wording, now, inbox_id)


async def _withdraw(contact_id: UUID, source: str, wording: str, now: datetime, inbox_id: UUID | None) -> bool:
    contact = await Contact.filter(id=contact_id).select_for_update().get()
    if contact.opted_out_at is not None:
        return False
    contact.opted_out_at, contact.opted_in_at = now, None
    await contact.save(update_fields=["opted_in_at", "opted_out_at"])
    await _note(contact_id, "withdrawn", source, wording, now, inbox_id)
    return True


async def _note(contact_id: UUID, state: str, source: str, wording: str, now: datetime, inbox_id: UUID | None) -> None:
    turn = await InboxItem.get_or_none(id=inbox_id) if inbox_id is not None else None
    await Consent.create(
        contact_id=contact_id,
        purpose=PURPOSE,
        state=state,
        source=source,
        wording=wording[:MAX_WORDING],
        at=now,
        message_id=turn.message_id if turn is not None else None,
    )
