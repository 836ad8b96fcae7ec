"""What this organization's events and ticket types are called, so that a sentence may name them."""

from __future__ import annotations

from datetime import datetime

from bot.skill import Named, names
from skills.events import service

__all__ = ["event_names", "type_names"]


@names("events_event")
async def event_names(now: datetime) -> list[Named]:
    return [Named(str(view.row.id), view.row.title) for view in await service.list_upcoming(now=now)]


@names("events_ticket_type")
async def type_names(now: datetime) -> list[Named]:
    return [
        Named(str(each.row.id), each.row.name, within=str(view.row.id))
        for view in await service.list_upcoming(now=now)
        for each in view.types
        if each.is_open
    ]
