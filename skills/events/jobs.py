"""Work that this skill leaves for workers."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from bot.skill import Job, Queue

__all__ = ["PICTURE_READY", "Announce", "DeliverTicket", "RenderTicket"]

PICTURE_READY = "events.ticket_rendered"  # what a conversation waits for; its key is the ticket's id


class RenderTicket(Job):
    """Draws a ticket's picture, for the conversation that waits for it."""

    name: ClassVar[str] = "events.render_ticket"
    queue: ClassVar[Queue] = "render"

    ticket_id: UUID
    session_id: UUID
    locale: str = "en"


class DeliverTicket(Job):
    """Sends a drawn ticket, should the conversation that waited for it have been left."""

    name: ClassVar[str] = "events.deliver_ticket"
    queue: ClassVar[Queue] = "bulk"

    ticket_id: UUID
    locale: str = "en"


class Announce(Job):
    """Queues the batch of an announcement that comes behind the contact `after`, and the job for the next one."""

    name: ClassVar[str] = "events.announce"
    queue: ClassVar[Queue] = "bulk"

    announcement_id: UUID
    after: UUID | None = None

    def key(self) -> str:
        return f"events.announce:{self.announcement_id}:{self.after or 'start'}"
