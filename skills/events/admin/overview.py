"""One event at a glance."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from nicegui import ui

from admin_ui.kit import Desk, badge, bar, empty, facts, link_button, page, panel, say, stat
from admin_ui.kit.chart import bars
from skills.events.admin.parts import event_head, event_of
from skills.events.models import Event, TicketType
from skills.events.service.figures import attendance, sold_by_day


@page("/events/{event_id}", title={"en": "Event", "sw": "Tukio"}, permission="events.view", parent="/events")
async def overview(desk: Desk, event_id: UUID) -> None:
    event = await event_of(desk, event_id, "events.view")
    found = await attendance(event_id)
    event_head(desk, event, "")
    people = f"/events/{event.id}/people" if desk.may("events.orders", event=event.id) else ""
    share = found.sold / found.capacity if found.capacity else 0.0
    with ui.element("div").classes("cn-grid cn-cols-4"):
        stat(
            {"en": "Tickets", "sw": "Tiketi"},
            found.sold,
            say("{share:.0%} of {capacity:,} seats", share=share, capacity=found.capacity),
            href=people,
        )
        stat({"en": "Seats left", "sw": "Nafasi zilizobaki"}, max(0, found.capacity - found.sold))
        stat(
            {"en": "Came in", "sw": "Walioingia"},
            found.came,
            say("{n:.0%} of tickets", n=found.came / found.sold) if found.sold else "",
            href=f"{people}?state=came" if people else "",
        )
        stat(
            {"en": "Cancelled", "sw": "Zilizoghairiwa"},
            found.cancelled,
            href=f"{people}?state=cancelled" if people else "",
        )
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            await _types(desk, event)
            await _sales(desk, event)
        with panel({"en": "Details", "sw": "Maelezo"}):
            zone = ZoneInfo(event.timezone)
            facts(
                [
                    ("Doors", f"{event.starts_at.astimezone(zone):%H:%M}"),
                    ("Ends", f"{event.ends_at.astimezone(zone):%H:%M}"),
                    ("Venue", event.venue),
                    ("Address", event.address),
                    ("Time zone", event.timezone),
                    ("Short name", event.slug),
                ]
            )
            if event.cover:
                ui.label(event.cover).classes("cn-muted")


async def _types(desk: Desk, event: Event) -> None:
    types = await TicketType.filter(event_id=event.id).order_by("position", "name")
    with panel({"en": "Ticket types", "sw": "Aina za tiketi"}):
        if not types:
            with empty(
                "confirmation_number",
                "No ticket types yet",
                "Nobody can register before there is one: what it is called, and how many there are.",
            ):
                if desk.may("events.edit", event=event.id):
                    link_button("Add one", f"/events/{event.id}/edit", kind="primary", icon="add")
            return
        for each in types:
            share = each.sold / each.capacity if each.capacity else 1.0
            with ui.element("div").classes("cn-stack tight"):
                with ui.element("div").classes("cn-line between"):
                    with ui.element("div").classes("cn-line"):
                        ui.label(each.name).classes("cn-strong")
                        if each.sold >= each.capacity:
                            badge(say("sold out"), "bad")
                    price = say("free") if not each.price_minor else f"{event.currency} {each.price_minor / 100:,.2f}"
                    ui.label(
                        say("{sold:,} of {capacity:,}  ·  {price}", sold=each.sold, capacity=each.capacity, price=price)
                    ).classes("cn-small cn-muted num")
                bar(
                    share,
                    label=say("{name}: {share:.0%} taken", name=each.name, share=share),
                    tone="bad" if share >= 1 else "warn" if share >= 0.9 else "accent",
                )


async def _sales(desk: Desk, event: Event) -> None:
    found = await sold_by_day(event.id, today=desk.local(desk.now).date(), zone=desk.organization.timezone)
    with panel({"en": "Tickets a day", "sw": "Tiketi kwa siku"}):
        bars(
            [desk.short_date(day) for day, _ in found],
            {"Tickets": [count for _, count in found]},
            label="Tickets given out on each of the last 14 days",
            height_px=200,
        )
