"""Who wants everything about them deleted. Asked for in the chat, kept with the contact, carried out and settled by people: nothing is deleted here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bot.contacts.errors import NoSuchContact
from bot.unit import Unit
from store.db import fetchrow
from store.models import Contact
from store.tenancy import current_organization

__all__ = ["ASKED", "asked_at", "note_request", "open_requests", "settle"]

ASKED = "erasure.requested"  # in the audit
SETTLED = "erasure.settled"


async def asked_at(contact_id: UUID) -> datetime | None:
    """Since when such a request is open."""
    contact = await Contact.get_or_none(id=contact_id)
    return contact.erasure_asked_at if contact is not None else None


async def note_request(contact_id: UUID, *, now: datetime) -> bool:
    """False: one is open already, and keeps its date. Inside a transaction."""
    contact = await Contact.filter(id=contact_id).select_for_update().get()
    if contact.erasure_asked_at is not None:
        return False
    contact.erasure_asked_at = now
    await contact.save(update_fields=["erasure_asked_at"])
    return True


async def open_requests() -> tuple[int, datetime | None]:
    """How many are open, and since when the oldest is."""
    row = await fetchrow(
        "SELECT count(*) AS open, min(erasure_asked_at) AS oldest FROM contacts"
        " WHERE organization_id = $1 AND erasure_asked_at IS NOT NULL",
        current_organization(),
    )
    return (row["open"], row["oldest"]) if row is not None else (0, None)


async def settle(work: Unit, contact_id: UUID) -> None:
    """Somebody has done what was asked for, or has told the person why not.

    Raises:
        NoSuchContact: not in this organization, or nothing is open.
    """
    tag = await work.tx.execute(
        "UPDATE contacts SET erasure_asked_at = NULL WHERE organization_id = $1 AND id = $2 AND erasure_asked_at IS NOT NULL",
        work.organization_id,
        contact_id,
    )
    if tag != "UPDATE 1":
        raise NoSuchContact
    work.audit(SETTLED, subject=f"contacts:{contact_id}")
