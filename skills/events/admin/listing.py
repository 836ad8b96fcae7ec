"""All events, and the search for them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from nicegui import ui

from admin_ui.kit import Desk, Group, Hit, Todo, bar, empty, heading, link_button, page, panel, say, search, todo
from admin_ui.kit.controls import tag
from skills.events.admin.parts import status_badge, when
from skills.events.models import Event
from skills.events.service.figures import EventLine, event_lines


@page("/events", title={"en": "Events", "sw": "Matukio"}, icon="event", group=Group.EVENTS, permission="events.view")
async def events(desk: Desk, show: str = "coming") -> None:
    past = show == "past"
    text = {
        "en": "What people can register for in the chat.",
        "sw": "Yale ambayo watu hujiandikishia kwenye mazungumzo.",
    }
    with heading({"en": "Events", "sw": "Matukio"}, text):
        with ui.element("nav").classes("cn-segments") as which:
            which.props["aria-label"] = say("Which events")
            for key, words in (
                ("coming", {"en": "Coming", "sw": "Yajayo"}),
                ("past", {"en": "Past", "sw": "Yaliyopita"}),
            ):
                link = tag("a", desk.say(words))
                link.props["href"] = f"/events?show={key}"
                link.props["aria-current"] = "true" if (key == "past") == past else "false"
        if _may_create(desk):
            link_button({"en": "New event", "sw": "Tukio jipya"}, "/events/new", icon="add", kind="primary")
    found = await event_lines(past=past, now=desk.now, only=_only(desk))
    with panel(flush=True):
        if not found:
            _nothing(desk, past=past)
            return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _line(desk, each)


def _may_create(desk: Desk) -> bool:
    return desk.may("events.edit") and desk.principal.events is None


def _only(desk: Desk) -> Sequence[UUID] | None:
    return None if desk.principal.events is None else list(desk.principal.events)


def _nothing(desk: Desk, *, past: bool) -> None:
    if past:
        with empty(
            "event_available", "Nothing is over yet", "Events stand here the day after they end, with who came."
        ):
            return
    with empty(
        "event",
        "No events yet",
        "Make one, add its ticket types, publish it: from then on people find it in the chat and get their ticket there.",
    ):
        if _may_create(desk):
            link_button("Make the first event", "/events/new", icon="add", kind="primary")


def _line(desk: Desk, each: EventLine) -> None:
    begins = each.starts_at.astimezone(ZoneInfo(each.timezone))
    share = each.sold / each.capacity if each.capacity else 0.0
    with ui.element("a").classes("cn-row") as row:
        row.props["href"] = f"/events/{each.id}"
        with ui.element("div").classes("cn-date").props("aria-hidden=true"):
            ui.label(desk.short_date(begins).split()[1])
            ui.label(str(begins.day)).classes("num")
        with ui.element("div").classes("cn-grow"):
            with ui.element("div").classes("cn-line"):
                ui.label(each.title).classes("cn-strong")
                status_badge(desk, each.status)
            place = f"  ·  {each.venue}" if each.venue else ""
            ui.label(f"{when(desk, each.starts_at, each.ends_at, each.timezone)}{place}").classes("cn-muted cn-small")
        with ui.element("div").classes("cn-seats"):
            ui.label(say("{sold:,} of {capacity:,}", sold=each.sold, capacity=each.capacity)).classes(
                "cn-small num"
            ).style("text-align: right")
            bar(share, label=say("Seats taken: {share:.0%}", share=share), tone="warn" if share >= 0.9 else "accent")


@search
async def find_events(desk: Desk, text: str) -> Sequence[Hit]:
    if not desk.may("events.view"):
        return []
    wanted = Event.filter(title__icontains=text)
    if (only := _only(desk)) is not None:
        wanted = wanted.filter(id__in=only)
    return [
        Hit(each.title, f"/events/{each.id}", "event", desk.day(each.starts_at))
        for each in await wanted.order_by("-starts_at").limit(5)
    ]


@todo
async def first_event(desk: Desk) -> Sequence[Todo]:
    done = await Event.exists(status="published")
    href = "/events/new" if _may_create(desk) else ""
    text = {"en": "People register for it in the chat.", "sw": "Watu hujiandikisha kwenye mazungumzo."}
    return [Todo({"en": "Publish your first event", "sw": "Chapisha tukio lako la kwanza"}, text, href, done, 25)]
