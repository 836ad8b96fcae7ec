"""Announcements: a message to all who hold a valid ticket, in batches, each person once."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from bot.errors import Permanent
from bot.skill import UnitOfWork
from skills.events.jobs import Announce
from skills.events.models import Announcement, Event
from store import db
from store.scope import current_organization

__all__ = [
    "BATCH",
    "AnnouncementReport",
    "Recipient",
    "announce",
    "announcement_key",
    "announcement_report",
    "announcement_text",
    "count_holders",
    "next_recipients",
]

MAX_MESSAGE = 4_096  # characters of one message (WhatsApp)
MAX_TEXT = 4_000  # the column's
BATCH = 500  # one transaction each: long enough to be quick, short enough that nobody waits for its locks


@dataclass(frozen=True, slots=True)
class Recipient:
    contact_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class AnnouncementReport:
    """How far it is. `statuses` counts messages by their status, `refusals` those that never left by their reason."""

    queued: int
    finished: bool
    statuses: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)


async def announce(work: UnitOfWork, event: Event, text: str, *, requested_by: str) -> Announcement:
    """Notes the announcement and its first batch; workers do the rest.

    Raises:
        Permanent: nothing to say, or more than one message holds.
    """
    most = min(MAX_TEXT, MAX_MESSAGE - len(announcement_text(event, "")))
    if not 0 < len(text.strip()) <= most:
        raise Permanent(f"an announcement of {event.title} has 1 to {most} characters, this one {len(text.strip())}")
    announcement = await Announcement.create(event_id=event.id, text=text, requested_by=requested_by)
    work.enqueue(Announce(announcement_id=announcement.id))
    work.audit(
        "events.announcement_requested",
        subject=f"events_announcements:{announcement.id}",
        after={"event": str(event.id), "requested_by": requested_by, "characters": len(text)},
    )
    return announcement


def announcement_text(event: Event, text: str) -> str:
    """What people read. It names the event: they may hold tickets of several, and not remember any."""
    return f"📣 *{event.title}*\n\n{text}"


async def count_holders(event_id: UUID) -> int:
    row = await db.fetchrow(
        "SELECT count(DISTINCT contact_id) AS n FROM events_tickets"
        " WHERE organization_id = $1 AND event_id = $2 AND status = 'valid'",
        current_organization(),
        event_id,
    )
    return int(row["n"]) if row else 0


def announcement_key(announcement_id: UUID, contact_id: UUID) -> str:
    """Makes the message of one person happen once."""
    return f"announce:{announcement_id}:{contact_id}"


async def next_recipients(announcement: Announcement, *, limit: int = BATCH) -> list[Recipient]:
    """The next contacts behind `announcement.reached`, each once, with the number of their newest ticket."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (contact_id) contact_id, account_id FROM events_tickets"
        " WHERE organization_id = $1 AND event_id = $2 AND status = 'valid' AND contact_id > $3"
        " ORDER BY contact_id, created_at DESC LIMIT $4",
        announcement.organization_id,
        announcement.event_id,
        announcement.reached or UUID(int=0),
        limit,
    )
    return [Recipient(row["contact_id"], row["account_id"]) for row in rows]


async def announcement_report(announcement_id: UUID) -> AnnouncementReport:
    """Counted from the messages themselves, so it says what is, not what was hoped for."""
    announcement = await Announcement.get(id=announcement_id)
    rows = await db.fetch(
        "SELECT m.status, coalesce(m.error ->> 'reason', '') AS reason, count(*) AS n"
        " FROM (SELECT DISTINCT contact_id FROM events_tickets WHERE organization_id = $1 AND event_id = $2) t"
        " JOIN messages m ON m.organization_id = $1 AND m.key = 'announce:' || $3::text || ':' || t.contact_id::text || ':0'"
        " GROUP BY 1, 2",
        announcement.organization_id,
        announcement.event_id,
        str(announcement_id),
    )
    statuses: dict[str, int] = {}
    refusals: dict[str, int] = {}
    for row in rows:
        statuses[row["status"]] = statuses.get(row["status"], 0) + row["n"]
        if row["status"] in ("refused", "failed"):
            refusals[row["reason"]] = refusals.get(row["reason"], 0) + row["n"]
    return AnnouncementReport(announcement.queued, announcement.finished_at is not None, statuses, refusals)
