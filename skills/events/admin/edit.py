"""Making and changing an event and its ticket types."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from nicegui import ui
from pydantic import BaseModel, ConfigDict, Field, model_validator

from admin_ui.kit import (
    Desk,
    Live,
    Missing,
    bound,
    button,
    confirm,
    dialog,
    empty,
    go,
    heading,
    here,
    live,
    page,
    panel,
    reload,
    say,
    toast,
)
from admin_ui.kit.form import Fields, form
from bot.unit import Unit
from skills.events import service
from skills.events.admin.parts import event_head, event_of
from skills.events.models import Event, EventStatus, TicketType


class EventForm(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    title: str = Field(min_length=1, max_length=160, title="Title")
    cover: str = Field(
        "",
        max_length=300,
        title="In one sentence",
        description="What makes people want to come. Shown in the chat's list.",
    )
    description: str = Field("", max_length=3000, title="Description", json_schema_extra={"ui": "textarea"})
    venue: str = Field("", max_length=160, title="Venue")
    address: str = Field("", max_length=200, title="Address")
    timezone: str = Field("Africa/Nairobi", title="Time zone")
    starts_at: datetime = Field(title="Starts")
    ends_at: datetime = Field(title="Ends")

    @model_validator(mode="after")
    def _ends_later(self) -> EventForm:
        if self.ends_at <= self.starts_at:
            raise ValueError("it must end after it starts")
        return self


class TypeForm(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str = Field(min_length=1, max_length=80, title="Name", description="Such as “General admission”.")
    description: str = Field("", max_length=200, title="What it includes")
    capacity: int = Field(ge=0, le=1_000_000, title="How many")
    opens_at: datetime | None = Field(
        None, title="On sale from", description="Empty: as soon as the event is published."
    )
    closes_at: datetime | None = Field(None, title="On sale until", description="Empty: until the event ends.")


ZONES = {"timezone": {zone: zone.replace("_", " ") for zone in sorted(zoneinfo.available_timezones()) if "/" in zone}}


@page("/events/new", title={"en": "New event", "sw": "Tukio jipya"}, permission="events.edit", parent="/events")
async def new_event(desk: Desk) -> None:
    start = (desk.local(desk.now) + timedelta(days=28)).replace(hour=9, minute=0, second=0, microsecond=0)
    blank = EventForm.model_construct(
        title="",
        timezone=desk.organization.timezone,
        starts_at=start,
        ends_at=start + timedelta(hours=8),
        cover="",
        description="",
        venue="",
        address="",
    )

    async def create(value: EventForm, work: Unit) -> None:
        here().require("events.edit")
        made = await service.create_event(work, service.EventDetails(**value.model_dump()))
        go(f"/events/{made.id}/edit")

    with heading(
        {"en": "New event", "sw": "Tukio jipya"},
        {"en": "Nobody sees it before you publish it.", "sw": "Hakuna anayeliona kabla hujalichapisha."},
    ):
        pass
    with panel(), ui.element("div").classes("cn-stack").style("max-width: 640px"):
        form(EventForm, create, value=blank, options=ZONES, action={"en": "Make the event", "sw": "Tengeneza tukio"})


@page("/events/{event_id}/edit", title={"en": "Edit", "sw": "Hariri"}, permission="events.edit", parent="/events")
async def edit_event(desk: Desk, event_id: UUID) -> None:
    event = await event_of(desk, event_id, "events.edit")
    event_head(desk, event, "/edit")

    async def keep(value: EventForm, work: Unit) -> None:
        here().require("events.edit", event=event_id)
        await service.change_event(work, await _event(event_id), _details(await _event(event_id), **value.model_dump()))
        toast(here().word("saved"))

    with ui.element("div").classes("cn-grid cn-cols-2").style("align-items: start"):
        with panel({"en": "Event", "sw": "Tukio"}):
            form(EventForm, keep, value=EventForm.model_validate(event), options=ZONES)
        with ui.element("div").classes("cn-stack loose"):
            parts: dict[str, Live] = {}
            parts["types"] = await live(_types, event_id, parts)
            parts["state"] = await live(_state, event_id, parts)


async def _types(event_id: UUID, parts: dict[str, Live]) -> None:
    found = await TicketType.filter(event_id=event_id).order_by("position", "name")

    async def add() -> None:
        await _type_dialog(event_id, None, parts)

    with panel({"en": "Ticket types", "sw": "Aina za tiketi"}):
        if not found:
            with empty("confirmation_number", "No ticket types yet", "Nobody can register before there is one."):
                pass
        with ui.element("div").classes("cn-list"):
            for each in found:
                with ui.element("div").classes("cn-row"):
                    with ui.element("div").classes("cn-grow"):
                        ui.label(each.name).classes("cn-strong")
                        ui.label(
                            say(
                                "{sold:,} of {capacity:,} taken  ·  {about}",
                                sold=each.sold,
                                capacity=each.capacity,
                                about=each.description or say("no description"),
                            )
                        ).classes("cn-muted cn-small")
                    button("Edit", bound(lambda row=each: _type_dialog(event_id, row, parts), writes=False), small=True)
        with ui.element("div").classes("cn-line"):
            button("Add a ticket type", bound(add, writes=False), icon="add", mark="add-type")


async def _type_dialog(event_id: UUID, row: TicketType | None, parts: dict[str, Live]) -> None:
    with dialog("Ticket type" if row is None else row.name) as box:
        fields = Fields(TypeForm, TypeForm.model_validate(row) if row is not None else None)

        async def keep(work: Unit) -> None:
            here().require("events.edit", event=event_id)
            value = fields.read()
            if value is None:
                return
            try:
                await _keep_type(work, event_id, row, value)
            except (service.NameTaken, service.TooFewSeats) as e:
                fields.refuse(
                    "name" if isinstance(e, service.NameTaken) else "capacity", f"{e}"[:1].upper() + f"{e}"[1:]
                )
                return
            box.close()
            await parts["types"].refresh()

        async def remove(work: Unit) -> None:
            here().require("events.edit", event=event_id)
            assert row is not None
            await service.remove_ticket_type(work, row)
            box.close()
            await parts["types"].refresh()

        with ui.element("div").classes("cn-actions"):
            if row is not None and not row.sold:
                button("Delete", bound(remove), kind="danger")
            button(here().word("cancel"), box.close, kind="quiet")
            button(here().word("save"), bound(keep), kind="primary", mark="save-type")
    box.open()


async def _keep_type(work: Unit, event_id: UUID, row: TicketType | None, value: TypeForm) -> None:
    if row is None:
        position = await TicketType.filter(event_id=event_id).count()
        await service.create_ticket_type(
            work, await _event(event_id), service.TypeDetails(**value.model_dump(), position=position)
        )
        return
    kept = service.TypeDetails(**value.model_dump(), price_minor=row.price_minor, position=row.position)
    await service.change_ticket_type(work, row, kept)


async def _state(event_id: UUID, parts: dict[str, Live]) -> None:
    event = await _event(event_id)
    has_types = await TicketType.filter(event_id=event_id).exists()
    texts = {
        EventStatus.DRAFT: "Only you see it. Published, people find it in the chat at once.",
        EventStatus.PUBLISHED: "People find it in the chat and register.",
        EventStatus.CANCELLED: "It is not offered any more; tickets stay in people's lists as cancelled events.",
        EventStatus.ARCHIVED: "It is over and out of the way.",
    }

    def to(status: EventStatus) -> Any:
        async def change(work: Unit) -> None:
            here().require("events.edit", event=event_id)
            row = await _event(event_id)
            await service.change_event(work, row, _details(row, status=status))
            reload()

        return bound(change)

    async def ask() -> None:
        confirm(
            "Cancel the event?",
            "It disappears from the chat at once. Tell its people with an announcement.",
            "Cancel the event",
            to(EventStatus.CANCELLED),
        )

    with (
        panel({"en": "Publishing", "sw": "Uchapishaji"}, text=texts[event.status]),
        ui.element("div").classes("cn-line"),
    ):
        if event.status is EventStatus.DRAFT:
            publish = button("Publish", to(EventStatus.PUBLISHED), kind="primary", icon="publish", mark="publish")
            publish.set_enabled(has_types)
        if event.status is EventStatus.PUBLISHED:
            button("Back to draft", to(EventStatus.DRAFT))
            button("Cancel the event", bound(ask, writes=False), kind="danger")
        if event.status is EventStatus.CANCELLED:
            button("Publish again", to(EventStatus.PUBLISHED))


async def _event(event_id: UUID) -> Event:
    found = await Event.filter(id=event_id).first()
    if found is None:
        raise Missing(f"there is no event {event_id}")
    return found


def _details(event: Event, **changed: Any) -> service.EventDetails:
    kept = {
        name: getattr(event, name)
        for name in (
            "title",
            "starts_at",
            "ends_at",
            "slug",
            "cover",
            "description",
            "venue",
            "address",
            "timezone",
            "currency",
            "status",
        )
    }
    return service.EventDetails(**{**kept, **changed})
