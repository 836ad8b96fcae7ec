"""What several journeys share: the event that was chosen, told in detail."""

from __future__ import annotations

from uuid import UUID

from bot.actions import Turn
from skills.events import service
from skills.events.service.catalog import EventView
from skills.events.wording import type_lines, venue_text, when_text

__all__ = ["chosen_event", "details_of", "how_many"]


def how_many(n: int) -> str:
    return ("none", "one")[n] if n < 2 else "some"


async def chosen_event(turn: Turn) -> EventView | None:
    return await service.event_view(turn.slot("events_event", UUID), now=turn.now)


def details_of(view: EventView, locale: str) -> dict[str, str]:
    about = view.row.cover or view.row.description
    return {
        "title": view.row.title,
        "cover": f"\n{about}" if about else "",
        "when": when_text(view.row, locale),
        "venue": venue_text(view.row, locale),
        "types": type_lines(view, locale),
    }
