"""What is on: upcoming events and what one can get for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bot.errors import Permanent
from skills.events.models import Event, EventStatus, TicketType

__all__ = [
    "EventView",
    "TypeState",
    "TypeView",
    "event_view",
    "find_event",
    "list_upcoming",
    "offered_types",
    "type_state",
]

MAX_LISTED = 100  # nobody pages further in a chat


class TypeState(StrEnum):
    ON_SALE = "on_sale"
    SOLD_OUT = "sold_out"
    NOT_YET = "not_yet"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class TypeView:
    """A ticket type and what can be done with it now. Free ones are registered for in the chat; the others are sold elsewhere."""

    row: TicketType
    state: TypeState

    @property
    def seats_left(self) -> int:
        return self.row.capacity - self.row.sold

    @property
    def is_free(self) -> bool:
        return not self.row.price_minor

    @property
    def is_open(self) -> bool:
        return self.is_free and self.state == TypeState.ON_SALE


@dataclass(frozen=True, slots=True)
class EventView:
    row: Event
    types: tuple[TypeView, ...]

    @property
    def is_open(self) -> bool:
        return any(each.is_open for each in self.types)


async def list_upcoming(*, now: datetime) -> list[EventView]:
    """Published events that have not ended, the next one first; at most 100."""
    upcoming = Event.filter(status=EventStatus.PUBLISHED, ends_at__gt=now).order_by("starts_at", "id")
    return await _with_types(await upcoming.limit(MAX_LISTED), now=now)


async def event_view(event_id: UUID, *, now: datetime) -> EventView | None:
    """None when it is not published, has ended, or is not this organization's."""
    event = await Event.filter(id=event_id, status=EventStatus.PUBLISHED, ends_at__gt=now).first()
    return None if event is None else (await _with_types([event], now=now))[0]


async def offered_types(event_id: UUID, *, now: datetime) -> list[TypeView]:
    """The types that one can register for right now in the chat."""
    event = await event_view(event_id, now=now)
    return [] if event is None else [each for each in event.types if each.is_open]


async def find_event(text: str) -> Event:
    """By id, slug, or a part of the title that only one event has.

    Raises:
        Permanent: none, or several, with the candidates named.
    """
    wanted = text.strip()
    found = await Event.filter(slug=wanted) or await _by_id(wanted)
    if not found:
        found = await Event.filter(title__icontains=wanted).order_by("starts_at").limit(6)
    if len(found) != 1:
        names = ", ".join(f"{each.slug} ({each.title})" for each in found or await Event.all().limit(6))
        raise Permanent(f"{len(found)} events are called {text!r}; say one of: {names or 'there are no events'}")
    return found[0]


async def _by_id(text: str) -> list[Event]:
    try:
        return await Event.filter(id=UUID(text))
    except ValueError:
        return []


def type_state(row: TicketType, event: Event, *, now: datetime) -> TypeState:
    if event.status is not EventStatus.PUBLISHED or now >= (row.closes_at or event.ends_at) or now >= event.ends_at:
        return TypeState.CLOSED
    if row.opens_at is not None and now < row.opens_at:
        return TypeState.NOT_YET
    return TypeState.ON_SALE if row.sold < row.capacity else TypeState.SOLD_OUT


async def _with_types(events: Sequence[Event], *, now: datetime) -> list[EventView]:
    types: dict[UUID, list[TypeView]] = {event.id: [] for event in events}
    by_id = {event.id: event for event in events}
    rows = TicketType.filter(event_id__in=list(by_id)).order_by("position", "name")
    for row in await rows if by_id else []:
        types[row.event_id].append(TypeView(row, type_state(row, by_id[row.event_id], now=now)))
    return [EventView(event, tuple(types[event.id])) for event in events]
