"""What the pages of an event share."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from nicegui import ui

from admin_ui.kit import Desk, Missing, badge, link_button, say
from admin_ui.kit.controls import Tone, tag
from admin_ui.kit.frame import crumb
from skills.events.models import Event, EventStatus

__all__ = ["STATUS", "event_head", "event_of", "status_badge", "when"]

STATUS: dict[EventStatus, tuple[dict[str, str], Tone]] = {
    EventStatus.DRAFT: ({"en": "draft", "sw": "rasimu"}, "plain"),
    EventStatus.PUBLISHED: ({"en": "published", "sw": "limechapishwa"}, "good"),
    EventStatus.CANCELLED: ({"en": "cancelled", "sw": "limeghairiwa"}, "bad"),
    EventStatus.ARCHIVED: ({"en": "archived", "sw": "kumbukumbu"}, "plain"),
}
_VIEWS = (
    ("", {"en": "Overview", "sw": "Muhtasari"}, "events.view"),
    ("/people", {"en": "People", "sw": "Watu"}, "events.orders"),
    ("/check-in", {"en": "Check-in", "sw": "Mlangoni"}, "events.checkin"),
    ("/edit", {"en": "Edit", "sw": "Hariri"}, "events.edit"),
)


async def event_of(desk: Desk, event_id: UUID, permission: str) -> Event:
    """
    Raises:
        NotAllowed, Missing.
    """
    desk.require(permission, event=event_id)
    found = await Event.filter(id=event_id).first()
    if found is None:
        raise Missing(f"there is no event {event_id}")
    crumb(found.title)
    return found


def status_badge(desk: Desk, status: EventStatus) -> None:
    words, tone = STATUS[status]
    badge(desk.say(words), tone)


def when(desk: Desk, starts_at: datetime, ends_at: datetime, timezone: str) -> str:
    """In the event's own time: `Thu 16 Dec 2026, 09:00 – 17:30`."""
    zone = ZoneInfo(timezone)
    begins, ends = starts_at.astimezone(zone), ends_at.astimezone(zone)
    last = f"{ends:%H:%M}" if ends.date() == begins.date() else f"{desk.short_date(ends)}, {ends:%H:%M}"
    return f"{desk.short_date(begins)} {begins.year}, {begins:%H:%M} – {last}"


def event_head(desk: Desk, event: Event, view: str) -> None:
    """Title, when and where, and the ways to the event's other pages."""
    with ui.element("div").classes("cn-title"):
        with ui.element("div"):
            with ui.element("div").classes("cn-line"):
                tag("h1", event.title)
                status_badge(desk, event.status)
            place = f"  ·  {event.venue}" if event.venue else ""
            tag("div", f"{when(desk, event.starts_at, event.ends_at, event.timezone)}{place}", "cn-sub")
        with ui.element("nav").classes("cn-segments") as views:
            views.props["aria-label"] = say("Views of the event")
            for path, words, permission in _VIEWS:
                if desk.may(permission, event=event.id):
                    link = tag("a", desk.say(words))
                    link.props["href"] = f"/events/{event.id}{path}"
                    link.props["aria-current"] = "true" if path == view else "false"


def back_to_list() -> None:
    link_button("All events", "/events", kind="quiet", icon="arrow_back")
