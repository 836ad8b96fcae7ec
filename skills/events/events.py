"""What this skill tells others."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from bot.skill import Event

__all__ = ["TicketCancelled", "TicketIssued"]


class TicketIssued(Event):
    name: ClassVar[str] = "events.ticket_issued"

    ticket_id: UUID
    event_id: UUID
    contact_id: UUID


class TicketCancelled(Event):
    name: ClassVar[str] = "events.ticket_cancelled"

    ticket_id: UUID
    event_id: UUID
    contact_id: UUID
