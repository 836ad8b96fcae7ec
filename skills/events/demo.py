"""Events of the demo organizations. Dates are relative to today, so the demo never grows old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.demo.announced import Announced, Progress
from bot.demo.history import Past
from bot.skill import UnitOfWork
from skills.events import service
from skills.events.models import Announcement, Event, EventStatus, Order, Ticket, TicketType
from store.db import transaction

__all__ = ["announce", "announcements", "history", "load"]

TIMEZONE = "Africa/Nairobi"


@dataclass(frozen=True, slots=True)
class _Type:
    name: str
    capacity: int
    description: str = ""
    sold: int = 0


@dataclass(frozen=True, slots=True)
class _Event:
    slug: str
    title: str
    cover: str
    description: str
    venue: str
    address: str
    in_days: int
    starts: time
    hours: float
    types: tuple[_Type, ...]


_SAVANNA = (
    _Event(
        "ai-data-summit",
        "Nairobi AI & Data Summit",
        "One day, thirty speakers, and the people who build with data in East Africa.",
        "Talks, hands-on sessions and demos, from farm advice by satellite to fraud detection in mobile money.",
        "Sarit Expo Centre",
        "Westlands, Nairobi",
        21,
        time(9),
        8.5,
        (
            _Type("General admission", 400, "All talks and the exhibition"),
            _Type("Student", 150, "All talks; bring your student card"),
            _Type("Workshop: LLMs on a budget", 25, "Three hours hands-on, with lunch", sold=24),
        ),
    ),
    _Event(
        "makers-night-market",
        "Makers' Night Market",
        "Food, live music and forty makers under the stars.",
        "Come for the nyama choma, stay for the band. Children are welcome.",
        "The Alchemist",
        "Parklands Road, Nairobi",
        9,
        time(17),
        6,
        (
            _Type("Entry", 600, "Free, but we need your name"),
            _Type("Pottery class at 18:00", 12, "You keep what you make"),
        ),
    ),
)
_PWANI = (
    _Event(
        "tamasha-la-pwani",
        "Tamasha la Ubunifu Pwani",
        "Mafundi, wasanii na wabunifu wa Pwani mahali pamoja.",
        "Maonyesho, warsha fupi na muziki wa taarabu jioni.",
        "Fort Jesus",
        "Mombasa",
        14,
        time(10),
        9,
        (_Type("Kiingilio", 250, "Bure, jiandikishe tu"),),
    ),
)
_EVENTS = {"savanna": _SAVANNA, "pwani": _PWANI}


async def load(organization_slug: str, *, now: datetime | None = None) -> None:
    """Makes what is missing and changes nothing that is there; an event that is over gets a new date. In the organization's scope."""
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(TIMEZONE)).date()
    for each in _EVENTS.get(organization_slug, ()):
        starts_at = datetime.combine(today + timedelta(days=each.in_days), each.starts, ZoneInfo(TIMEZONE))
        ends_at = starts_at + timedelta(hours=each.hours)
        event = await Event.filter(slug=each.slug).first()
        if event is None:
            event = await Event.create(
                slug=each.slug,
                title=each.title,
                cover=each.cover,
                description=each.description,
                venue=each.venue,
                address=each.address,
                timezone=TIMEZONE,
                status=EventStatus.PUBLISHED,
                starts_at=starts_at,
                ends_at=ends_at,
            )
        elif event.ends_at.date() < today:
            await Event.filter(id=event.id).update(starts_at=starts_at, ends_at=ends_at)
        await _load_types(event, each.types)


async def _load_types(event: Event, types: tuple[_Type, ...]) -> None:
    for position, each in enumerate(types):
        if not await TicketType.filter(event_id=event.id, name=each.name).exists():
            await TicketType.create(
                event_id=event.id,
                name=each.name,
                description=each.description,
                capacity=each.capacity,
                sold=each.sold,
                position=position,
            )


async def history(organization_slug: str, account_id: UUID, people: Sequence[Past], *, now: datetime) -> None:
    """Who of them has a ticket. Again: nobody gets another one. In the organization's scope."""
    types = [
        row
        for each in _EVENTS.get(organization_slug, ())
        if (event := await Event.filter(slug=each.slug).first()) is not None
        for row in await TicketType.filter(event_id=event.id).order_by("position")
    ]
    for number, who in enumerate(people):
        for row in types[number % 3 :: 3]:
            await _give(row, who, account_id, f"demo:{row.id}:{who.contact_id}", now=now)


async def _give(row: TicketType, who: Past, account_id: UUID, key: str, *, now: datetime) -> None:
    if await Order.filter(key=key).exists():
        return
    registrant = service.Registrant(who.contact_id, account_id, who.name, who.email)
    try:
        async with transaction():
            ticket = await service.register(row.id, registrant, key=key, now=now)
            await Order.filter(id=ticket.order_id).update(created_at=who.first_at)
            await Ticket.filter(id=ticket.id).update(created_at=who.first_at)
    except (service.SoldOut, service.NotOnSale, service.AlreadyRegistered):
        return  # the workshop has one seat left, and somebody may have registered in the chat


async def announce(work: UnitOfWork, subject: str, text: str) -> Announced:
    """To all who hold a ticket of the event `subject` (id, slug or part of its title).

    Raises:
        Permanent: there is no such event here, several are called so, or the text does not fit a message.
    """
    event = await service.find_event(subject)
    announcement = await service.announce(work, event, text.strip(), requested_by="demo")
    people = await service.count_holders(event.id)
    return Announced(announcement.id, f"with a ticket of {event.title}", people)


async def announcements(limit: int) -> list[Progress]:
    """The newest first, with what became of their messages."""
    found = []
    for each in await Announcement.all().order_by("-created_at").limit(limit):
        event = await Event.get(id=each.event_id)
        report = await service.announcement_report(each.id)
        found.append(
            Progress(
                each.id,
                event.title,
                each.text,
                each.created_at,
                report.queued,
                report.finished,
                report.statuses,
                report.refusals,
            )
        )
    return found
