"""What conversation tests of this skill may begin with: `given: {events: [...]}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from skills.events.models import Event, EventStatus, TicketType

__all__ = ["given"]

HOUR = timedelta(hours=1)


async def given(events: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    """Makes events: `{slug, title, venue, in_hours, hours, status, types: [{name, capacity, sold, price_minor}]}`."""
    for each in events:
        starts_at = now + each.get("in_hours", 240) * HOUR
        event = await Event.create(
            slug=each["slug"],
            title=each.get("title", each["slug"]),
            cover=each.get("cover", ""),
            venue=each.get("venue", "KICC"),
            address=each.get("address", "Nairobi"),
            starts_at=starts_at,
            ends_at=starts_at + each.get("hours", 8) * HOUR,
            status=EventStatus(each.get("status", "published")),
        )
        for position, kind in enumerate(each.get("types", ())):
            closes_in_hours = kind.get("closes_in_hours")
            opens_in_hours = kind.get("opens_in_hours")
            await TicketType.create(
                event_id=event.id,
                name=kind["name"],
                price_minor=kind.get("price_minor", 0),
                capacity=kind.get("capacity", 100),
                sold=kind.get("sold", 0),
                opens_at=None if opens_in_hours is None else now + opens_in_hours * HOUR,
                closes_at=None if closes_in_hours is None else now + closes_in_hours * HOUR,
                position=position,
            )
