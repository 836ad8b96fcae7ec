"""What organizers do: events and their ticket types, made, changed and taken away. Each inside a unit of work, with its audit entry."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.errors import Refused
from bot.skill import UnitOfWork
from skills.events.models import Event, EventStatus, Order, Ticket, TicketType
from store.ids import uuid7

__all__ = [
    "EventDetails",
    "HasOrders",
    "NameTaken",
    "TooFewSeats",
    "TypeDetails",
    "change_event",
    "change_ticket_type",
    "create_event",
    "create_ticket_type",
    "remove_event",
    "remove_ticket_type",
]

MAX_SLUG = 80


class NameTaken(Refused):
    """Another event of the organization has this slug, or another type of the event this name."""


class HasOrders(Refused):
    """Somebody has a ticket, so it is not taken away."""


class TooFewSeats(Refused):
    """More are sold already."""


@dataclass(frozen=True, slots=True)
class EventDetails:
    """Without a slug one is made of the title."""

    title: str
    starts_at: datetime
    ends_at: datetime
    slug: str | None = None
    cover: str = ""
    description: str = ""
    venue: str = ""
    address: str = ""
    timezone: str = "Africa/Nairobi"
    currency: str = "KES"
    status: EventStatus = EventStatus.DRAFT


@dataclass(frozen=True, slots=True)
class TypeDetails:
    name: str
    capacity: int
    description: str = ""
    price_minor: int = 0
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    position: int = 0


async def create_event(work: UnitOfWork, details: EventDetails) -> Event:
    """
    Raises:
        NameTaken: another event has this slug.
    """
    slug = details.slug or await _free_slug(details.title)
    if await Event.filter(slug=slug).exists():
        raise NameTaken(f"another event is called {slug} already; choose another slug")
    event = await Event.create(**{**asdict(details), "slug": slug})
    work.audit("events.event_created", subject=_subject(event), after=_shown(event))
    return event


async def change_event(work: UnitOfWork, event: Event, details: EventDetails) -> Event:
    """
    Raises:
        NameTaken: another event has this slug.
    """
    slug = details.slug or event.slug
    if slug != event.slug and await Event.filter(slug=slug).exists():
        raise NameTaken(f"another event is called {slug} already; choose another slug")
    before = _shown(event)
    event.update_from_dict({**asdict(details), "slug": slug})
    await event.save()
    work.audit("events.event_changed", subject=_subject(event), before=before, after=_shown(event))
    return event


async def remove_event(work: UnitOfWork, event: Event) -> None:
    """
    Raises:
        HasOrders: somebody registered; cancel or archive it instead.
    """
    if await Order.filter(event_id=event.id).exists():
        raise HasOrders("people have registered for it: cancel or archive it instead of deleting it")
    await TicketType.filter(event_id=event.id).delete()
    await Event.filter(id=event.id).delete()
    work.audit("events.event_removed", subject=_subject(event), before=_shown(event))


async def create_ticket_type(work: UnitOfWork, event: Event, details: TypeDetails) -> TicketType:
    """
    Raises:
        NameTaken: the event has a type of this name.
    """
    await _refuse_taken(event.id, details.name)
    made = await TicketType.create(event_id=event.id, **asdict(details))
    work.audit("events.ticket_type_created", subject=_subject(made), after=_shown(made))
    return made


async def change_ticket_type(work: UnitOfWork, ticket_type: TicketType, details: TypeDetails) -> TicketType:
    """
    Raises:
        NameTaken, TooFewSeats.
    """
    row = await TicketType.filter(id=ticket_type.id).select_for_update().get()
    if details.name != row.name:
        await _refuse_taken(row.event_id, details.name)
    if details.capacity < row.sold:
        raise TooFewSeats(f"{row.sold} seats are taken already; the capacity cannot be less")
    before = _shown(row)
    row.update_from_dict(asdict(details))
    await row.save(update_fields=list(asdict(details)))
    work.audit("events.ticket_type_changed", subject=_subject(row), before=before, after=_shown(row))
    return row


async def remove_ticket_type(work: UnitOfWork, ticket_type: TicketType) -> None:
    """
    Raises:
        HasOrders: somebody has, or had, a ticket of it; close its sale instead.
    """
    if await Ticket.filter(ticket_type_id=ticket_type.id).exists():
        raise HasOrders("people have tickets of this type: close its sale instead of deleting it")
    await TicketType.filter(id=ticket_type.id).delete()
    work.audit("events.ticket_type_removed", subject=_subject(ticket_type), before=_shown(ticket_type))


async def _refuse_taken(event_id: UUID, name: str) -> None:
    if await TicketType.filter(event_id=event_id, name=name).exists():
        raise NameTaken(f"this event has a ticket type named {name} already")


async def _free_slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: MAX_SLUG - 9].strip("-")
    if slug and not await Event.filter(slug=slug).exists():
        return slug
    return f"{slug or 'event'}-{uuid7().hex[-8:]}"


def _subject(row: Event | TicketType) -> str:
    return f"{row._meta.db_table}:{row.id}"


def _shown(row: Event | TicketType) -> dict[str, Any]:
    kept = row._meta.db_fields - {"id", "organization_id", "created_at", "sold"}
    return {name: _plain(getattr(row, name)) for name in sorted(kept)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
