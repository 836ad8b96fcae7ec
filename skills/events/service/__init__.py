"""The verbs of the events skill. Each runs in the caller's organization scope, and those that write inside its transaction."""

from __future__ import annotations

from skills.events.service.announcement import (
    BATCH,
    AnnouncementReport,
    announce,
    announcement_key,
    announcement_report,
    announcement_text,
    count_holders,
    next_recipients,
)
from skills.events.service.catalog import (
    EventView,
    TypeView,
    event_view,
    find_event,
    list_upcoming,
    offered_types,
)
from skills.events.service.registration import (
    AlreadyRegistered,
    NotOnSale,
    Registrant,
    Seats,
    SoldOut,
    cancel_ticket,
    held_ticket,
    register,
)
from skills.events.service.ticket import (
    TicketView,
    await_picture,
    owe_picture,
    picture_drawn,
    take_picture,
    ticket_token,
    ticket_view,
    tickets_of,
    verify_ticket,
)

__all__ = [
    "BATCH",
    "AlreadyRegistered",
    "AnnouncementReport",
    "EventView",
    "NotOnSale",
    "Registrant",
    "Seats",
    "SoldOut",
    "TicketView",
    "TypeView",
    "announce",
    "announcement_key",
    "announcement_report",
    "announcement_text",
    "await_picture",
    "cancel_ticket",
    "count_holders",
    "event_view",
    "find_event",
    "held_ticket",
    "list_upcoming",
    "next_recipients",
    "offered_types",
    "owe_picture",
    "picture_drawn",
    "register",
    "take_picture",
    "ticket_token",
    "ticket_view",
    "tickets_of",
    "verify_ticket",
]
