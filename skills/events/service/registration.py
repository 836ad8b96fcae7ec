"""Getting a seat and giving it back. The only lock of this skill is on the ticket type's row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.errors import ChatNationError
from skills.events.models import Event, Order, OrderStatus, PictureDue, Ticket, TicketStatus, TicketType
from skills.events.service.catalog import TypeState, type_state
from skills.events.service.ticket import ticket_code
from store.crypto import keyring
from store.ids import uuid7
from store.tenancy import current_organization

__all__ = [
    "AlreadyRegistered",
    "NotOnSale",
    "Registrant",
    "Seats",
    "SoldOut",
    "cancel_ticket",
    "held_ticket",
    "register",
]


class SoldOut(ChatNationError):
    """Somebody else was quicker."""


class NotOnSale(ChatNationError):
    """Not yet, no longer, not free, or no such ticket type."""


class AlreadyRegistered(ChatNationError):
    """The contact has a valid ticket of this type, by another registration."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(f"ticket {ticket.id} is valid already")
        self.ticket = ticket


@dataclass(frozen=True, slots=True)
class Registrant:
    """Who registers, and through which number."""

    contact_id: UUID
    account_id: UUID
    name: str
    email: str


class Seats:
    """Counts seats under the row's lock: whoever comes second waits, then sees the new count."""

    async def of(self, ticket_type_id: UUID) -> TicketType | None:
        return await TicketType.filter(id=ticket_type_id).select_for_update().first()


async def register(
    ticket_type_id: UUID, who: Registrant, *, key: str, now: datetime, seats: Seats | None = None
) -> Ticket:
    """A confirmed order and its ticket, or the ticket that the same `key` has got before.

    Call it inside a transaction: it locks the ticket type's row until the end.

    Raises:
        SoldOut, NotOnSale, AlreadyRegistered.
    """
    row = await (seats or Seats()).of(ticket_type_id)
    if row is None:
        raise NotOnSale(f"there is no ticket type {ticket_type_id}")
    if done := await Order.filter(key=key).first():
        return await Ticket.get(order_id=done.id)
    event = await Event.get(id=row.event_id)
    if held := await held_ticket(ticket_type_id, who.contact_id):
        raise AlreadyRegistered(held)
    state = type_state(row, event, now=now)
    if state is TypeState.SOLD_OUT:
        raise SoldOut(f"ticket type {ticket_type_id} has no seat left")
    if state is not TypeState.ON_SALE or row.price_minor:
        raise NotOnSale(f"ticket type {ticket_type_id} is {state}")
    await TicketType.filter(id=row.id).update(sold=row.sold + 1)
    return await _issue(row, event, who, key=key, now=now)


async def held_ticket(ticket_type_id: UUID, contact_id: UUID) -> Ticket | None:
    return await Ticket.filter(ticket_type_id=ticket_type_id, contact_id=contact_id, status=TicketStatus.VALID).first()


async def cancel_ticket(ticket_id: UUID, contact_id: UUID, *, now: datetime) -> Ticket | None:
    """Releases the seat; None when the contact has no such valid ticket, so a replay releases nothing twice.

    Call it inside a transaction. The type's row is locked before the ticket's, as `register` does.
    """
    found = await Ticket.filter(id=ticket_id, contact_id=contact_id).first()
    if found is None:
        return None
    row = await TicketType.filter(id=found.ticket_type_id).select_for_update().get()
    ticket = await Ticket.filter(id=ticket_id, status=TicketStatus.VALID).select_for_update().first()
    if ticket is None:
        return None
    ticket.status, ticket.cancelled_at, ticket.picture_due = TicketStatus.CANCELLED, now, PictureDue.NOT
    await ticket.save(update_fields=["status", "cancelled_at", "picture_due"])
    await Order.filter(id=ticket.order_id).update(status=OrderStatus.CANCELLED, cancelled_at=now)
    await TicketType.filter(id=row.id).update(sold=row.sold - 1)
    return ticket


async def _issue(row: TicketType, event: Event, who: Registrant, *, key: str, now: datetime) -> Ticket:
    await keyring().keys(current_organization())  # the order's e-mail is sealed with them
    order = await Order.create(
        event_id=event.id,
        contact_id=who.contact_id,
        account_id=who.account_id,
        key=key,
        name=who.name,
        email=who.email,
        total_minor=row.price_minor,
        currency=event.currency,
    )
    ticket_id = uuid7()
    return await Ticket.create(
        id=ticket_id,
        order_id=order.id,
        event_id=event.id,
        ticket_type_id=row.id,
        contact_id=who.contact_id,
        account_id=who.account_id,
        holder_name=who.name,
        code=ticket_code(ticket_id),
    )
