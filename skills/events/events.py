"""What this skill tells others, and organizations' own programs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bot.skill import Event, Told, UnitOfWork
from skills.events.models import Ticket

__all__ = [
    "OrderCancelled",
    "OrderPlaced",
    "TicketCancelled",
    "TicketCheckedIn",
    "TicketIssued",
    "tell_cancelled",
    "tell_registered",
]


class OrderPlaced(Event):
    """Somebody registered, in the chat, by the API or at your desk."""

    name: ClassVar[str] = "events.order_placed"
    webhook: ClassVar[Told | None] = Told({"en": "An order was placed", "sw": "Oda imewekwa"}, "events.orders")

    order_id: UUID
    event_id: UUID
    contact_id: UUID
    ticket_ids: list[UUID]


class OrderCancelled(Event):
    """The order's seats are free again."""

    name: ClassVar[str] = "events.order_cancelled"
    webhook: ClassVar[Told | None] = Told({"en": "An order was cancelled", "sw": "Oda imeghairiwa"}, "events.orders")

    order_id: UUID
    event_id: UUID
    contact_id: UUID
    ticket_ids: list[UUID]


class TicketIssued(Event):
    """A ticket is somebody's. `code` is the one to read out at the door, no proof."""

    name: ClassVar[str] = "events.ticket_issued"
    webhook: ClassVar[Told | None] = Told({"en": "A ticket was issued", "sw": "Tiketi imetolewa"}, "events.orders")

    ticket_id: UUID
    event_id: UUID
    contact_id: UUID
    order_id: UUID
    ticket_type_id: UUID
    holder_name: str
    code: str


class TicketCancelled(Event):
    """A ticket is no longer good."""

    name: ClassVar[str] = "events.ticket_cancelled"
    webhook: ClassVar[Told | None] = Told({"en": "A ticket was cancelled", "sw": "Tiketi imeghairiwa"}, "events.orders")

    ticket_id: UUID
    event_id: UUID
    contact_id: UUID


class TicketCheckedIn(Event):
    """A ticket's holder came in."""

    name: ClassVar[str] = "events.ticket_checked_in"
    webhook: ClassVar[Told | None] = Told({"en": "A ticket was checked in", "sw": "Tiketi imeingia"}, "events.orders")

    ticket_id: UUID
    event_id: UUID
    contact_id: UUID
    holder_name: str
    checked_in_at: datetime


async def tell_registered(work: UnitOfWork, ticket: Ticket) -> None:
    of = {"event_id": ticket.event_id, "contact_id": ticket.contact_id, "order_id": ticket.order_id}
    await work.publish(OrderPlaced(**of, ticket_ids=[ticket.id]))
    await work.publish(
        TicketIssued(
            **of,
            ticket_id=ticket.id,
            ticket_type_id=ticket.ticket_type_id,
            holder_name=ticket.holder_name,
            code=ticket.code,
        )
    )


async def tell_cancelled(work: UnitOfWork, ticket: Ticket) -> None:
    of = {"event_id": ticket.event_id, "contact_id": ticket.contact_id}
    await work.publish(TicketCancelled(**of, ticket_id=ticket.id))
    await work.publish(OrderCancelled(**of, order_id=ticket.order_id, ticket_ids=[ticket.id]))
