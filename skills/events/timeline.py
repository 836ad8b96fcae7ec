"""What the timeline of a contact says of events: tickets, and the door."""

from __future__ import annotations

from bot.timeline import Asked, Entry, tells
from skills.events.models import Event, Ticket, TicketType

__all__ = ["tickets"]


@tells("events.view")
async def tickets(asked: Asked) -> list[Entry]:
    """A ticket got, given back, and shown at the door: up to three entries of each."""
    found = Ticket.filter(contact_id__in=list(asked.contact_ids))
    if asked.principal.events is not None:
        found = found.filter(event_id__in=list(asked.principal.events))
    rows = await found.order_by("-created_at")
    events = {row.id: row for row in await Event.filter(id__in=[row.event_id for row in rows])}
    types = {row.id: row.name for row in await TicketType.filter(id__in=[row.ticket_type_id for row in rows])}
    entries: list[Entry] = []
    for row in rows:
        text = f"{events[row.event_id].title} · {types[row.ticket_type_id]} · {row.code}"
        href = f"/events/{row.event_id}"
        got = {"en": "Got a ticket", "sw": "Alipata tiketi"}
        entries.append(Entry(row.id, row.created_at, "ticket", got, text, "confirmation_number", href, "good"))
        if row.checked_in_at is not None:
            came = {"en": "Came in", "sw": "Aliingia"}
            entries.append(Entry(row.id, row.checked_in_at, "ticket", came, text, "how_to_reg", href, "good"))
        if row.cancelled_at is not None:
            gave = {"en": "Gave the ticket back", "sw": "Alirudisha tiketi"}
            entries.append(Entry(row.id, row.cancelled_at, "ticket", gave, text, "event_busy", href, "warn"))
    return sorted((each for each in entries if each.at < asked.before), key=lambda each: each.at, reverse=True)[
        : asked.limit
    ]
