"""The REST resources of this skill: events with their ticket types, orders, tickets, purchase and check-in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from bot.columns import Columns
from bot.http import (
    NOT_FOUND,
    WHOLE,
    Answer,
    Ask,
    Body,
    Filter,
    Kind,
    Line,
    Listed,
    Moment,
    Page,
    Problem,
    Routes,
    Timezone,
    Words,
    found,
)
from bot.unit import Unit
from skills.events import service
from skills.events.events import tell_cancelled, tell_registered
from skills.events.models import Event, EventStatus, Order, OrderStatus, Ticket, TicketStatus, TicketType
from store.crypto import keyring
from store.fields import reveal
from store.models import ChannelAccount, Contact, Session

routes = Routes("Events", "What an organization puts on, and what one can get for it.")
tickets = Routes("Tickets", "Orders and tickets, and the door.")

SOLD_OUT = Kind("sold-out", 409, "There is no seat left")
NOT_ON_SALE = Kind("not-on-sale", 409, "It cannot be had now")
HELD_ALREADY = Kind("already-registered", 409, "This contact has such a ticket")
TAKEN = Kind("name-taken", 409, "The name is taken")
IN_USE = Kind("in-use", 409, "People hold tickets")
NOT_ADMITTED = Kind("not-admitted", 409, "No entry with this")
ALREADY_IN = Kind("already-checked-in", 409, "This ticket came in before")

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Name = Annotated[
    Line,
    StringConstraints(min_length=1, max_length=160, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]
Email = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^@\s\x00-\x1f]{1,64}@[a-zA-Z0-9]([a-zA-Z0-9-]{0,60}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,60}[a-zA-Z0-9])?)+$",
        max_length=254,
    ),
]
Seats = Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]

_EVENT: dict[str, Any] = {
    "title": "Nairobi AI & Data Summit",
    "starts_at": "2027-03-14T06:00:00Z",
    "ends_at": "2027-03-14T15:00:00Z",
    "venue": "Sarit Expo Centre",
    "status": "published",
}
_TYPE: dict[str, Any] = {"name": "General admission", "capacity": 400, "description": "All talks"}


# -- events


class EventIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    title: Name
    starts_at: Moment
    ends_at: Moment
    slug: Slug | None = Field(None, description="A short name; made of the title when it is left out.")
    cover: Line = ""
    description: Words = ""
    venue: Annotated[Line, StringConstraints(max_length=160)] = ""
    address: Annotated[Line, StringConstraints(max_length=200)] = ""
    timezone: Timezone = "Africa/Nairobi"
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "KES"
    status: EventStatus = EventStatus.DRAFT

    @field_validator("ends_at")
    @classmethod
    def _ends_after_it_starts(cls, ends_at: datetime, info: ValidationInfo) -> datetime:
        starts_at = info.data.get("starts_at")
        if starts_at is not None and ends_at <= starts_at:
            raise ValueError("an event ends after it starts; give a later ends_at")
        return ends_at

    def details(self) -> service.EventDetails:
        return service.EventDetails(**self.model_dump())


class EventOut(Answer):
    id: UUID
    slug: str
    title: str
    cover: str
    description: str
    venue: str
    address: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    currency: str
    status: EventStatus
    created_at: datetime


EVENTS = Columns(Event, EventOut)


class EventFilter(Filter):
    status: EventStatus | None = None


@routes.get("/events", permission="events.view")
async def list_events(ask: Ask, query: EventFilter, page: Page) -> Listed[EventOut]:
    """List events, the newest first."""
    return await EVENTS.page(page, status=query.status, id=ask.principal.events)


@routes.get("/events/{event_id}", permission="events.view")
async def get_event(ask: Ask, event_id: UUID) -> EventOut:
    """Read an event."""
    return found(await EVENTS.one(id=event_id), "event")


@routes.post(
    "/events",
    permission="events.edit",
    status=201,
    of=get_event,
    location="/events/{id}",
    raises={service.NameTaken: TAKEN},
)
async def create_event(ask: Ask, work: Unit, body: EventIn) -> EventOut:
    """Create an event.

    It is a draft unless you say otherwise; people see published ones only.
    """
    _refuse_limited(ask)
    return EventOut.model_validate(await service.create_event(work, body.details()))


@routes.put("/events/{event_id}", permission="events.edit", of=get_event, raises={service.NameTaken: TAKEN})
async def change_event(ask: Ask, work: Unit, event_id: UUID, body: EventIn) -> EventOut:
    """Change an event. What is left out goes back to its default."""
    return EventOut.model_validate(await service.change_event(work, await _event(event_id), body.details()))


@routes.delete("/events/{event_id}", permission="events.edit", of=get_event, raises={service.HasOrders: IN_USE})
async def delete_event(ask: Ask, work: Unit, event_id: UUID) -> None:
    """Delete an event that nobody has registered for."""
    await service.remove_event(work, await _event(event_id))


# -- ticket types


class TicketTypeIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [_TYPE]})

    name: Annotated[Name, StringConstraints(max_length=80)]
    capacity: Seats
    description: Annotated[Line, StringConstraints(max_length=200)] = ""
    price_minor: Annotated[
        int, Field(ge=0, le=10**12, description="In the smallest unit of the event's currency; 0: free."), WHOLE
    ] = 0
    opens_at: Moment | None = None
    closes_at: Moment | None = None
    position: Annotated[int, Field(ge=0, le=32_767), WHOLE] = 0

    def details(self) -> service.TypeDetails:
        return service.TypeDetails(**self.model_dump())


class TicketTypeOut(Answer):
    volatile: ClassVar[frozenset[str]] = frozenset({"sold"})

    id: UUID
    event_id: UUID
    name: str
    description: str
    price_minor: int
    capacity: int
    sold: int
    opens_at: datetime | None
    closes_at: datetime | None
    position: int


TICKET_TYPES = Columns(TicketType, TicketTypeOut)


@routes.get("/events/{event_id}/tickets", permission="events.view")
async def list_ticket_types(ask: Ask, event_id: UUID, page: Page) -> Listed[TicketTypeOut]:
    """List an event's ticket types."""
    await _event(event_id)
    return await TICKET_TYPES.page(page, event_id=event_id)


@routes.get("/events/{event_id}/tickets/{ticket_type_id}", permission="events.view")
async def get_ticket_type(ask: Ask, event_id: UUID, ticket_type_id: UUID) -> TicketTypeOut:
    """Read a ticket type."""
    return found(await TICKET_TYPES.one(id=ticket_type_id, event_id=event_id), "ticket type")


@routes.post(
    "/events/{event_id}/tickets",
    permission="events.edit",
    status=201,
    of=get_ticket_type,
    location="/events/{event_id}/tickets/{id}",
    raises={service.NameTaken: TAKEN},
)
async def create_ticket_type(ask: Ask, work: Unit, event_id: UUID, body: TicketTypeIn) -> TicketTypeOut:
    """Create a ticket type."""
    return TicketTypeOut.model_validate(await service.create_ticket_type(work, await _event(event_id), body.details()))


@routes.put(
    "/events/{event_id}/tickets/{ticket_type_id}",
    permission="events.edit",
    of=get_ticket_type,
    raises={service.NameTaken: TAKEN, service.TooFewSeats: IN_USE},
)
async def change_ticket_type(
    ask: Ask, work: Unit, event_id: UUID, ticket_type_id: UUID, body: TicketTypeIn
) -> TicketTypeOut:
    """Change a ticket type. What is left out goes back to its default."""
    row = await _type(event_id, ticket_type_id)
    return TicketTypeOut.model_validate(await service.change_ticket_type(work, row, body.details()))


@routes.delete(
    "/events/{event_id}/tickets/{ticket_type_id}",
    permission="events.edit",
    of=get_ticket_type,
    raises={service.HasOrders: IN_USE},
)
async def delete_ticket_type(ask: Ask, work: Unit, event_id: UUID, ticket_type_id: UUID) -> None:
    """Delete a ticket type of which nobody has a ticket."""
    await service.remove_ticket_type(work, await _type(event_id, ticket_type_id))


# -- orders


class OrderOut(Answer):
    id: UUID
    event_id: UUID
    contact_id: UUID
    name: str
    email: str
    total_minor: int
    currency: str
    status: OrderStatus
    created_at: datetime
    cancelled_at: datetime | None


class OfEvent(Filter):
    event_id: UUID | None = None


@tickets.get("/orders", permission="events.orders")
async def list_orders(ask: Ask, query: OfEvent, page: Page) -> Listed[OrderOut]:
    """List orders, the newest first."""
    await keyring().keys(ask.organization_id)
    return await page.of(_narrowed(ask, Order.filter(**_of(query.event_id))), _order)


@tickets.get("/orders/{order_id}", permission="events.orders")
async def get_order(ask: Ask, order_id: UUID) -> OrderOut:
    """Read an order."""
    await keyring().keys(ask.organization_id)
    return _order(found(await _narrowed(ask, Order.filter(id=order_id)).first(), "order"))


# -- tickets


class TicketOut(Answer):
    id: UUID
    order_id: UUID
    event_id: UUID
    ticket_type_id: UUID
    contact_id: UUID
    holder_name: str
    code: str
    status: TicketStatus
    checked_in_at: datetime | None
    created_at: datetime
    cancelled_at: datetime | None


TICKETS = Columns(Ticket, TicketOut)


class TicketFilter(OfEvent):
    status: TicketStatus | None = None
    contact_id: UUID | None = None


class Purchase(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ticket_type_id": "0199a3f2-7c1e-7d40-9b0e-2f6a1c8d4e55",
                    "contact_id": "0199a3f2-7c1e-7d40-9b0e-2f6a1c8d4e56",
                    "name": "Asha Mwangi",
                    "email": "asha@example.org",
                }
            ]
        }
    )

    ticket_type_id: UUID
    contact_id: UUID
    name: Name
    email: Email


class CheckIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "7K3M-Q9TD"}]})

    code: Annotated[Line, StringConstraints(min_length=1, max_length=200)] = Field(
        description="What the QR code says, or the code that people read out."
    )
    event_id: UUID | None = Field(None, description="What this door is for.")


@tickets.get("/tickets", permission="events.orders")
async def list_tickets(ask: Ask, query: TicketFilter, page: Page) -> Listed[TicketOut]:
    """List tickets, the newest first."""
    return await TICKETS.page(
        page, status=query.status, contact_id=query.contact_id, event_id=_events(ask, query.event_id)
    )


@tickets.get("/tickets/{ticket_id}", permission="events.orders")
async def get_ticket(ask: Ask, ticket_id: UUID) -> TicketOut:
    """Read a ticket."""
    return found(await TICKETS.one(id=ticket_id, event_id=ask.principal.events), "ticket")


@tickets.post(
    "/tickets/purchase",
    permission="events.orders",
    status=201,
    of=get_ticket,
    location="/tickets/{id}",
    raises={
        service.SoldOut: SOLD_OUT,
        service.NotOnSale: NOT_ON_SALE,
        service.AlreadyRegistered: HELD_ALREADY,
    },
)
async def purchase_ticket(ask: Ask, work: Unit, body: Purchase) -> TicketOut:
    """Get a ticket for a contact.

    Free types only, as long as there are no payments.
    """
    contact = found(await Contact.filter(id=body.contact_id).first(), "contact")
    wanted = found(await TicketType.filter(id=body.ticket_type_id).first(), "ticket type")
    ask.principal.require("events.orders", event=wanted.event_id)
    who = service.Registrant(contact.id, await _account_of(contact.id), body.name, body.email)
    key = f"api:{ask.principal.actor}:{ask.key}"
    ticket = await service.register(wanted.id, who, key=key[:200], now=work.now)
    work.charge("events.ticket_issued", key=f"{key}:events.ticket_issued")
    work.audit("events.ticket_issued", subject=f"events_tickets:{ticket.id}", after={"event": str(ticket.event_id)})
    await tell_registered(work, ticket)
    return TicketOut.model_validate(ticket)


@tickets.post(
    "/tickets/checkin",
    permission="events.checkin",
    raises={service.NotAdmitted: NOT_ADMITTED, service.AlreadyIn: ALREADY_IN},
)
async def check_in(ask: Ask, work: Unit, body: CheckIn) -> TicketOut:
    """Let a ticket's holder in, once."""
    view = await service.check_in(work, body.code, by=ask.principal.actor, event_id=body.event_id)
    ask.principal.require("events.checkin", event=view.row.event_id)
    return TicketOut.model_validate(view.row)


@tickets.post("/tickets/{ticket_id}/cancel", permission="events.orders")
async def cancel_ticket(ask: Ask, work: Unit, ticket_id: UUID) -> TicketOut:
    """Cancel a ticket; its seat is free again."""
    ticket = found(await _narrowed(ask, Ticket.filter(id=ticket_id)).first(), "ticket")
    cancelled = await service.cancel_ticket(ticket.id, ticket.contact_id, now=work.now)
    if cancelled is None:
        return TicketOut.model_validate(ticket)
    work.audit("events.ticket_cancelled", subject=f"events_tickets:{ticket.id}", after={"by": ask.principal.actor})
    await tell_cancelled(work, cancelled)
    return TicketOut.model_validate(cancelled)


# -- below


async def _event(event_id: UUID) -> Event:
    return found(await Event.filter(id=event_id).first(), "event")


async def _type(event_id: UUID, ticket_type_id: UUID) -> TicketType:
    return found(await TicketType.filter(id=ticket_type_id, event_id=event_id).first(), "ticket type")


def _order(row: Order) -> OrderOut:
    values = {name: getattr(row, name) for name in OrderOut.model_fields if name != "email"}
    return OrderOut(**values, email=reveal(row, "email") or "")


def _of(event_id: UUID | None) -> dict[str, Any]:
    return {"event_id": event_id} if event_id is not None else {}


def _events(ask: Ask, event_id: UUID | None) -> frozenset[UUID] | None:
    """The event that is asked for, of those that the caller is limited to, if any."""
    if event_id is None:
        return ask.principal.events
    return frozenset({event_id}) if ask.principal.events is None else ask.principal.events & {event_id}


def _narrowed(ask: Ask, rows: Any) -> Any:
    """To the events that the caller is limited to, if any."""
    return rows if ask.principal.events is None else rows.filter(event_id__in=list(ask.principal.events))


def _refuse_limited(ask: Ask) -> None:
    if ask.principal.events is not None:
        raise Problem(NOT_FOUND, "you organize some events only; new ones are made by who organizes them all")


async def _account_of(contact_id: UUID) -> UUID:
    """The number that the contact talks with, else the organization's first."""
    session = await Session.filter(contact_id=contact_id).order_by("-last_user_at").first()
    if session is not None:
        return session.account_id
    account = found(await ChannelAccount.filter(state="connected").order_by("created_at").first(), "connected number")
    return account.id
