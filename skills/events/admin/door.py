"""At the door: a code in, a name out, in less than a breath."""

from __future__ import annotations

from uuid import UUID

from nicegui import ui

from admin_ui.kit import Desk, Live, bound, button, empty, here, live, page, panel, say, stat
from admin_ui.kit.controls import tag
from bot.unit import Unit
from skills.events import service
from skills.events.admin.parts import event_head, event_of
from skills.events.service.figures import attendance, holders


@page(
    "/events/{event_id}/check-in",
    title={"en": "Check-in", "sw": "Mlangoni"},
    permission="events.checkin",
    parent="/events",
)
async def door(desk: Desk, event_id: UUID) -> None:
    event = await event_of(desk, event_id, "events.checkin")
    event_head(desk, event, "/check-in")
    parts: dict[str, Live] = {}
    with ui.element("div").classes("cn-grid cn-cols-2").style("align-items: start"):
        with panel(
            {"en": "Ticket code", "sw": "Msimbo wa tiketi"},
            text="Type it, or scan the QR code with a reader that types for you.",
        ):
            code = (
                ui.input(placeholder=say("7K3M-Q9TD"))
                .props('outlined autofocus hide-bottom-space autocomplete="off" autocapitalize="characters"')
                .classes("cn-code-field")
                .mark("ticket-code")
            )
            code.props["aria-label"] = say("Ticket code")
            result = ui.element("div").props('role="status" aria-live="assertive"').style("width: 100%")

            async def check(work: Unit) -> None:
                await _check(event_id, code, result, work)
                await parts["came"].refresh()

            handler = bound(check)
            code.on("keydown.enter", bound(check), [])
            button("Let in", handler, kind="primary", icon="login", mark="let-in")
        parts["came"] = await live(_came, event_id)


async def _check(event_id: UUID, code: ui.input, result: ui.element, work: Unit) -> None:
    desk = here()
    desk.require("events.checkin", event=event_id)
    shown = (code.value or "").strip()
    if not shown:
        return
    result.clear()
    code.set_value("")
    code.run_method("focus")
    try:
        found = await service.check_in(work, shown, by=desk.principal.actor, event_id=event_id)
    except service.AlreadyIn as e:
        _say(result, "warn", "history", "Came in before", str(e))
    except service.NotAdmitted as e:
        _say(result, "bad", "block", "Not admitted", str(e))
    else:
        _say(result, "good", "check_circle", found.row.holder_name, found.type_name)


def _say(result: ui.element, tone: str, icon: str, title: str, text: str) -> None:
    with result, ui.element("div").classes(f"cn-verdict {tone}"):
        ui.icon(icon).props("aria-hidden=true")
        with ui.element("div"):
            tag("strong", say(title))
            tag("div", say(text[:1].upper() + text[1:]))


async def _came(event_id: UUID) -> None:
    desk = here()
    found = await attendance(event_id)
    latest, _ = await holders(event_id, state="came", sort="came", limit=8)
    with ui.element("div").classes("cn-stack loose"):
        with ui.element("div").classes("cn-grid cn-cols-2 keep"):
            stat({"en": "Came in", "sw": "Walioingia"}, found.came)
            stat({"en": "Still expected", "sw": "Wanaotarajiwa"}, max(0, found.sold - found.came))
        with panel({"en": "Latest", "sw": "Wa karibuni"}, flush=True):
            if not latest:
                with empty("meeting_room", "Nobody yet", "Who comes in shows here, the latest on top."):
                    return
            with ui.element("div").classes("cn-list"):
                for each in latest:
                    with ui.element("div").classes("cn-row"):
                        ui.label(each.name).classes("cn-grow cn-clip cn-strong")
                        ui.label(each.type_name).classes("cn-muted cn-small cn-clip")
                        ui.label(desk.ago(each.came_at) if each.came_at else "").classes("cn-muted cn-small num")
