"""All that one was told, and how one wants to be told."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from admin_ui.kit import Desk, bound, button, empty, heading, here, link_button, page, panel, reload, toast
from admin_ui.kit.bell import board_of, follow, line
from bot.notifications import KINDS, Kind, Way
from bot.notifications.kinds import ways_of
from store import people
from store.notifications import Notice

__all__ = ["choices"]

AT_ONCE = 50


@page("/notifications", title={"en": "Notifications", "sw": "Arifa"})
async def notifications(desk: Desk, before: int = 0) -> None:
    """`before`: how many newer ones are passed over."""
    board, offset = board_of(desk), max(0, before)
    found: Sequence[Notice] = ()  # with borrowed eyes: what somebody is told is her own
    if desk.principal.impersonated_by is None:
        found = await board.latest(desk.principal.id, offset=offset, limit=AT_ONCE + 1)
    with heading({"en": "Notifications", "sw": "Arifa"}):
        link_button(
            {"en": "Choose what tells me", "sw": "Chagua yapi yaniambie"}, "/profile#notifications", icon="tune"
        )
        if any(each.read_at is None for each in found):
            button(desk.word("all_read"), bound(_read_all, writes=False), icon="done_all", mark="all-read")
    with panel(flush=True):
        if not found:
            text = desk.word("no_notifications")
            with empty("notifications_none", desk.say({"en": "All quiet", "sw": "Kimya"}), text):
                return
        for each in found[:AT_ONCE]:
            line(desk, each, _opening(each))
    with ui.element("div").classes("cn-line"):
        if offset:
            link_button({"en": "Newer", "sw": "Mpya zaidi"}, f"/notifications?before={max(0, offset - AT_ONCE)}")
        if len(found) > AT_ONCE:
            link_button({"en": "Older", "sw": "Za zamani"}, f"/notifications?before={offset + AT_ONCE}")


def _opening(notice: Notice) -> Callable[[], Coroutine[Any, Any, None]]:
    async def open_it() -> None:
        await follow(here(), notice)

    return open_it


async def _read_all() -> None:
    desk = here()
    await board_of(desk).mark_read(desk.principal.id, None, desk.now)
    reload()


async def choices(desk: Desk) -> None:
    """The panel of the profile page: of each kind, whether bell and e-mail tell."""
    chosen = await people.notify_by(desk.principal.id)
    text = {
        "en": "The bell above, a letter, both or neither. It holds for all your organizations.",
        "sw": "Kengele ya juu, barua pepe, zote au hakuna. Ni kwa mashirika yako yote.",
    }
    with panel({"en": "What tells you", "sw": "Yanayokuarifu"}, text=text) as found:
        found.props("id=notifications")
        with ui.element("div").classes("cn-ways"):
            ui.label("")
            for head in ({"en": "Bell", "sw": "Kengele"}, {"en": "E-mail", "sw": "Barua"}):
                ui.label(desk.say(head)).classes("cn-way-head")
            for name, kind in KINDS.items():
                if kind.is_platform == desk.is_platform and (not kind.permission or desk.may(kind.permission)):
                    _choice(desk, name, kind, ways_of(name, chosen))


def _choice(desk: Desk, name: str, kind: Kind, ways: frozenset[Way]) -> None:
    ui.label(desk.say(kind.title))
    for way in Way:
        with ui.element("div").classes("cn-way"):
            box = ui.checkbox(value=way in ways).mark(f"way-{name}-{way}")
            box.props["aria-label"] = f"{desk.say(kind.title)}: {way}"
            box.on_value_change(bound(_putting(name, way), writes=False))


def _putting(name: str, way: Way) -> Callable[[ValueChangeEventArguments[bool]], Coroutine[Any, Any, None]]:
    async def put(event: ValueChangeEventArguments[bool]) -> None:
        desk = here()
        chosen = await people.notify_by(desk.principal.id)
        ways = ways_of(name, chosen)
        ways = ways | {way} if event.value else ways - {way}
        await people.put_notify_by(desk.principal.id, {**chosen, name: sorted(ways)})
        toast(desk.word("saved"))

    return put
