"""Tickets in people's hands: the signed text of the QR code, the code to read out, and the picture's way to its holder."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from skills.events.models import Event, PictureDue, Ticket, TicketStatus, TicketType
from store.crypto import keyring
from store.tenancy import current_organization

__all__ = [
    "TicketView",
    "await_picture",
    "owe_picture",
    "picture_drawn",
    "take_picture",
    "ticket_code",
    "ticket_token",
    "ticket_view",
    "tickets_of",
    "verify_ticket",
]

TOKEN_PREFIX = "CN1"
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U to misread
CODE_BITS = 40
CODE_LENGTH = 9  # as it is read out: 7K3M-Q9TD


@dataclass(frozen=True, slots=True)
class TicketView:
    row: Ticket
    event: Event
    type_name: str

    @property
    def is_valid(self) -> bool:
        return self.row.status == TicketStatus.VALID


async def tickets_of(contact_id: UUID, *, now: datetime) -> list[TicketView]:
    """Valid tickets of events that have not ended, the next event first."""
    rows = await Ticket.filter(contact_id=contact_id, status=TicketStatus.VALID)
    views = [view for view in await _views(rows) if view.event.ends_at > now]
    return sorted(views, key=lambda view: (view.event.starts_at, view.row.created_at))


async def ticket_view(ticket_id: UUID, *, contact_id: UUID | None = None) -> TicketView | None:
    """With `contact_id`: only if it is that contact's."""
    found = Ticket.filter(id=ticket_id)
    rows = await (found if contact_id is None else found.filter(contact_id=contact_id))
    views = await _views(rows)
    return views[0] if views else None


async def await_picture(ticket_id: UUID) -> None:
    """A conversation waits for the picture: it will show it. Inside a transaction."""
    await Ticket.filter(id=ticket_id).update(picture_due=PictureDue.CHAT)


async def owe_picture(ticket_id: UUID) -> bool:
    """The conversation goes on without the picture: True when it is there by now, else it is sent once it is drawn.

    Inside a transaction: the row stays locked, so that the drawer either has delivered before or sees the wish.
    """
    ticket = await Ticket.filter(id=ticket_id).select_for_update().get()
    if ticket.picture:
        return True
    await Ticket.filter(id=ticket_id).update(picture_due=PictureDue.MESSAGE)
    return False


async def picture_drawn(ticket_id: UUID, blob: str) -> PictureDue | None:
    """Notes the picture and says how it is due; None: the ticket is no longer valid. Inside a transaction."""
    ticket = await Ticket.filter(id=ticket_id, status=TicketStatus.VALID).select_for_update().first()
    if ticket is None:
        return None
    due = PictureDue.NOT if ticket.picture_due is PictureDue.MESSAGE else ticket.picture_due
    await Ticket.filter(id=ticket_id).update(picture=blob, picture_due=due)
    return ticket.picture_due


async def take_picture(ticket_id: UUID) -> str:
    """The blob for whoever shows it now; nobody else needs to any more. "" when it is not drawn. Inside a transaction."""
    ticket = await Ticket.filter(id=ticket_id).select_for_update().get()
    if ticket.picture:
        await Ticket.filter(id=ticket_id).update(picture_due=PictureDue.NOT)
    return ticket.picture


async def ticket_token(ticket_id: UUID) -> str:
    """What the QR code says: `CN1.<ticket>.<signature>`, both in base32, so that the code stays in its small alphanumeric mode.

    The signature is an HMAC under a key of the organization: a forged code fails before any look at the rows, and a ticket of one
    organization is worth nothing at another's door.
    """
    return f"{TOKEN_PREFIX}.{_base32(ticket_id.bytes)}.{_base32(await _signature(ticket_id))}"


async def verify_ticket(token: str) -> UUID | None:
    """The ticket that an authentic code names; None for anything else. Whether the ticket is still valid is in its row."""
    prefix, _, rest = token.strip().upper().partition(".")
    identity, _, signature = rest.partition(".")
    if prefix != TOKEN_PREFIX:
        return None
    try:
        ticket_id, given = UUID(bytes=_from_base32(identity)), _from_base32(signature)
    except (ValueError, binascii.Error):
        return None
    return ticket_id if hmac.compare_digest(given, await _signature(ticket_id)) else None


def ticket_code(ticket_id: UUID) -> str:
    """Eight characters for people, from the id's random end. A name, not a proof: the proof is in the QR code."""
    number = ticket_id.int & ((1 << CODE_BITS) - 1)
    letters = [CODE_ALPHABET[(number >> shift) & 31] for shift in range(CODE_BITS - 5, -1, -5)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


async def _signature(ticket_id: UUID) -> bytes:
    # The key of blind indexes is the one that outlives rotation; the prefix keeps tickets apart from every indexed value.
    keys = await keyring().keys(current_organization())
    return keys.blind_index(f"events.ticket:{ticket_id}")


async def _views(rows: Sequence[Ticket]) -> list[TicketView]:
    if not rows:
        return []
    events = {each.id: each for each in await Event.filter(id__in=[row.event_id for row in rows])}
    types = {each.id: each for each in await TicketType.filter(id__in=[row.ticket_type_id for row in rows])}
    return [TicketView(row, events[row.event_id], types[row.ticket_type_id].name) for row in rows]


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _from_base32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))
