"""What skills that require `events` may import."""

from __future__ import annotations

from skills.events.events import TicketCancelled, TicketIssued
from skills.events.models import Event, Ticket, TicketStatus, TicketType
from skills.events.service import event_view, find_event, list_upcoming, tickets_of, verify_ticket

__all__ = [
    "Event",
    "Ticket",
    "TicketCancelled",
    "TicketIssued",
    "TicketStatus",
    "TicketType",
    "event_view",
    "find_event",
    "list_upcoming",
    "tickets_of",
    "verify_ticket",
]
