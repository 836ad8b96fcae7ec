"""Who has a ticket of an event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from admin_ui.kit import Desk, link_to, page, panel, say
from admin_ui.kit.table import Column, Filter, Query, Rows, table
from skills.events.admin.parts import event_head, event_of
from skills.events.models import TicketType
from skills.events.service.figures import Holder, holders

STATES = {"": "All", "expected": "Expected", "came": "Came in", "cancelled": "Cancelled"}


@page("/events/{event_id}/people", title={"en": "People", "sw": "Watu"}, permission="events.orders", parent="/events")
async def people(desk: Desk, event_id: UUID, state: str = "") -> None:
    event = await event_of(desk, event_id, "events.orders")
    types = await TicketType.filter(event_id=event_id).order_by("position", "name")

    async def rows(query: Query) -> Rows:
        chosen = query.filtered("type")
        found, total = await holders(
            event_id,
            find=query.find,
            state=query.filtered("state"),
            ticket_type_id=UUID(chosen) if chosen else None,
            sort=query.sort,
            descending=query.descending,
            offset=query.offset,
            limit=query.limit,
        )
        return Rows([_row(desk, each) for each in found], total)

    event_head(desk, event, "/people")
    with panel(flush=True):
        await table(
            "tickets",
            [
                Column("name", {"en": "Name", "sw": "Jina"}, sort=True),
                Column("type", {"en": "Ticket", "sw": "Tiketi"}),
                Column("code", {"en": "Code", "sw": "Msimbo"}),
                Column("state", {"en": "State", "sw": "Hali"}),
                Column("bought", {"en": "Registered", "sw": "Alijiandikisha"}, sort=True),
                Column("came", {"en": "Came in", "sw": "Aliingia"}, sort=True),
            ],
            rows,
            find={"en": "Find a name or code", "sw": "Tafuta jina au msimbo"},
            filters=[
                Filter("state", "State", STATES, start=state if state in STATES else ""),
                Filter("type", "Ticket type", {"": "All types", **{str(each.id): each.name for each in types}}),
            ],
            sort="bought",
            descending=True,
            export=True,
            nothing={"en": "Nobody with a ticket like that.", "sw": "Hakuna mwenye tiketi kama hiyo."},
        )


def _row(desk: Desk, each: Holder) -> dict[str, Any]:
    state, tone = (
        (say("cancelled"), "bad")
        if each.status == "cancelled"
        else (say("came in"), "good")
        if each.came_at
        else (say("expected"), "plain")
    )
    contact = link_to(desk, "/contacts")
    return {
        "name": each.name,
        **({"name_href": f"/contacts/{each.contact_id}"} if contact else {}),
        "type": each.type_name,
        "code": each.code,
        "state": state,
        "state_tone": tone,
        "bought": desk.moment(each.bought_at),
        "came": desk.moment(each.came_at),
    }
