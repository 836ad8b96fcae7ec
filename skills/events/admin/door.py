"""At the door: a code in, a name out, in less than a breath. By the camera, a reader that types, or by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import Desk, Live, bound, button, empty, here, live, page, panel, stat
from admin_ui.kit.controls import tag
from admin_ui.kit.scan import scanner, told
from bot.unit import Unit
from skills.events import service
from skills.events.admin.parts import event_head, event_of
from skills.events.service.figures import attendance, holders
from store.models import User

MOST_CHARACTERS = 200  # of a ticket's code; whatever else a camera sees is no ticket


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
        with ui.element("div").classes("cn-stack"):
            result = ui.element("div").classes("cn-said").props('role="status" aria-live="assertive"')
            result.mark("verdict")

            async def scanned(event: Any, work: Unit) -> None:
                await _check(event_id, str(event.args or ""), result, work)
                await parts["came"].refresh()

            scanner(bound(scanned))
            with panel(
                {"en": "Ticket code", "sw": "Msimbo wa tiketi"},
                text={
                    "en": "Type it, or scan the QR code with a reader that types for you.",
                    "sw": "Andika, au soma msimbo wa QR kwa kifaa kinachoandika.",
                },
            ):
                code = (
                    ui.input(placeholder="7K3M-Q9TD")
                    .props('outlined autofocus hide-bottom-space autocomplete="off" autocapitalize="characters"')
                    .classes("cn-code-field")
                    .mark("ticket-code")
                )
                code.props["aria-label"] = desk.say({"en": "Ticket code", "sw": "Msimbo wa tiketi"})

                async def check(work: Unit) -> None:
                    shown = str(code.value or "")
                    code.set_value("")
                    code.run_method("focus")
                    await _check(event_id, shown, result, work)
                    await parts["came"].refresh()

                code.on("keydown.enter", bound(check), [])
                words = {"en": "Let in", "sw": "Ruhusu kuingia"}
                button(words, bound(check), kind="primary", icon="login", mark="let-in")
        parts["came"] = await live(_came, event_id)


async def _check(event_id: UUID, given: str, result: ui.element, work: Unit) -> None:
    desk = here()
    desk.require("events.checkin", event=event_id)
    shown = given.strip()
    if not shown:
        return
    result.clear()
    try:
        if len(shown) > MOST_CHARACTERS:
            raise service.NotAdmitted("this is no ticket of ours; look for the name in the list")
        found = await service.check_in(work, shown, by=desk.principal.actor, event_id=event_id)
    except service.AlreadyIn as e:
        _say(result, "warn", "history", await _before(desk, e), e.holder_name)
        told("warn")
    except service.NotAdmitted as e:
        title = desk.say({"en": "Not admitted", "sw": "Haruhusiwi"})
        _say(result, "bad", "block", desk.say(NOT_ADMITTED.get(str(e), str(e))), title)
        told("bad")
    else:
        _say(result, "good", "check_circle", found.type_name, found.row.holder_name)
        told("good")


NOT_ADMITTED: dict[str, dict[str, str]] = {
    "this is no ticket of ours; look for the name in the list": {
        "en": "This is no ticket of ours. Look for the name in the list.",
        "sw": "Hii si tiketi yetu. Tafuta jina kwenye orodha.",
    },
    "this ticket is for another event": {
        "en": "This ticket is for another event.",
        "sw": "Tiketi hii ni ya tukio lingine.",
    },
    "this ticket was cancelled": {"en": "This ticket was cancelled.", "sw": "Tiketi hii ilifutwa."},
}


async def _before(desk: Desk, e: service.AlreadyIn) -> str:
    """When, and by whom."""
    at = desk.local(e.at)
    when = f"{at:%H:%M}" if at.date() == desk.local(desk.now).date() else desk.moment(e.at)
    who = await _name_of(desk, e.by)
    return desk.say({"en": f"Came in before, at {when} by {who}", "sw": f"Aliingia awali, {when}, na {who}"})


async def _name_of(desk: Desk, actor: str) -> str:
    """Of who let somebody in, as audit entries name people."""
    kind, _, identity = actor.partition(":")
    if actor == desk.principal.actor:
        return desk.say({"en": "you", "sw": "wewe"})
    if kind == "user":
        found = await User.filter(id=UUID(identity)).first()
        return (
            found.name or found.email if found else desk.say({"en": "a former colleague", "sw": "mwenzako wa zamani"})
        )
    return desk.say({"en": "a program", "sw": "programu"})


def _say(result: ui.element, tone: str, icon: str, text: str, title: str) -> None:
    with result, ui.element("div").classes(f"cn-verdict big {tone}"):
        ui.icon(icon).props("aria-hidden=true")
        with ui.element("div"):
            tag("strong", title)
            tag("div", text)


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
                title = desk.say({"en": "Nobody yet", "sw": "Hakuna bado"})
                text = {
                    "en": "Who comes in shows here, the latest on top.",
                    "sw": "Anayeingia huonekana hapa, wa mwisho juu.",
                }
                with empty("meeting_room", title, desk.say(text)):
                    return
            with ui.element("div").classes("cn-list"):
                for each in latest:
                    with ui.element("div").classes("cn-row"):
                        ui.label(each.name).classes("cn-grow cn-clip cn-strong")
                        ui.label(each.type_name).classes("cn-muted cn-small cn-clip")
                        ui.label(desk.ago(each.came_at) if each.came_at else "").classes("cn-muted cn-small num")
