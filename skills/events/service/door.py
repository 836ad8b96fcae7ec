"""At the door: who comes in, once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bot.errors import Refused
from bot.skill import UnitOfWork
from skills.events.events import TicketCheckedIn
from skills.events.models import Ticket, TicketStatus
from skills.events.service.ticket import CODE_LENGTH, TicketView, ticket_view, verify_ticket

__all__ = ["AlreadyIn", "NotAdmitted", "check_in"]


class NotAdmitted(Refused):
    """No such ticket, a cancelled one, or one of another event."""


class AlreadyIn(Refused):
    """Somebody came in with it before: who holds it, when, and who let them in, as audit entries name people."""

    def __init__(self, holder_name: str, at: datetime, by: str) -> None:
        super().__init__(f"this ticket came in at {at:%Y-%m-%d %H:%M} UTC already")
        self.holder_name, self.at, self.by = holder_name, at, by


async def check_in(work: UnitOfWork, shown: str, *, by: str, event_id: UUID | None = None) -> TicketView:
    """Lets the holder in. `shown` is what the QR code says, or the code that people read out; `event_id` what the door is for.

    Raises:
        NotAdmitted, AlreadyIn: whom to send where stands in the message.
    """
    ticket = await _shown(shown)
    if ticket is None:
        raise NotAdmitted("this is no ticket of ours; look for the name in the list")
    if event_id is not None and ticket.event_id != event_id:
        raise NotAdmitted("this ticket is for another event")
    if ticket.status is not TicketStatus.VALID:
        raise NotAdmitted("this ticket was cancelled")
    if ticket.checked_in_at is not None:
        raise AlreadyIn(ticket.holder_name, ticket.checked_in_at, ticket.checked_in_by or "")
    ticket.checked_in_at, ticket.checked_in_by = work.now, by[:120]
    await ticket.save(update_fields=["checked_in_at", "checked_in_by"])
    work.audit("events.checked_in", subject=f"events_tickets:{ticket.id}", after={"event": str(ticket.event_id)})
    await work.publish(
        TicketCheckedIn(
            ticket_id=ticket.id,
            event_id=ticket.event_id,
            contact_id=ticket.contact_id,
            holder_name=ticket.holder_name,
            checked_in_at=work.now,
        )
    )
    view = await ticket_view(ticket.id)
    assert view is not None
    return view


async def _shown(text: str) -> Ticket | None:
    """Its row stays locked, so that of two doors one is second."""
    ticket_id = await verify_ticket(text)
    code = text.strip().upper()
    if ticket_id is None and len(code) > CODE_LENGTH:
        return None
    wanted = Ticket.filter(id=ticket_id) if ticket_id is not None else Ticket.filter(code=code)
    return await wanted.select_for_update().first()
