"""What is shown in place of a page that cannot be: no permission, nothing there, or it failed."""

from __future__ import annotations

from nicegui import context, ui

from admin_ui.kit.controls import link_button, tag
from admin_ui.kit.empty import empty
from admin_ui.kit.frame import frame
from admin_ui.kit.page import Page
from admin_ui.scope import Desk
from admin_ui.words import word

__all__ = ["broken", "no_permission", "nothing_here", "out_of_order"]


def no_permission(desk: Desk, page: Page, permission: str = "") -> None:
    _afresh(403)
    why = desk.word(
        "no_permission_why",
        permission=permission or page.permission or page.skill or "",
        organization=desk.organization.name,
    )
    with frame(desk, page), empty("lock", desk.word("no_permission"), why):
        link_button(desk.word("go_home"), "/", kind="primary")


def nothing_here(desk: Desk) -> None:
    _afresh(404)
    with frame(desk, _NOTHING), empty("explore_off", desk.word("not_found"), desk.word("not_found_why")):
        link_button(desk.word("go_home"), "/", kind="primary")


def broken(desk: Desk, page: Page, again: str, number: str) -> None:
    """It raised, or took too long; `number` stands in the log too. `again` is the address that was asked for."""
    _afresh(500)
    with frame(desk, page), empty("build", desk.word("broken"), desk.word("broken_why", number=number)):
        link_button(desk.word("try_again"), again, kind="primary")
        link_button(desk.word("go_home"), "/")


def out_of_order(locale: str, again: str, number: str) -> None:
    """Before anybody knows who asks: the database is away, as a rule."""
    _afresh(503)
    with ui.element("main").classes("cn-empty").style("margin-top: 20vh"):
        ui.icon("build").props("aria-hidden=true")
        tag("h1", word("broken", locale)).style("font-size: 20px")
        tag("p", word("broken_why", locale, number=number))
        with ui.element("div").classes("cn-actions"):
            tag("a", word("try_again", locale), "cn-btn primary q-btn").props["href"] = again


def _afresh(status: int) -> None:
    context.client.content.clear()
    context.client.status_code = status


async def _nothing(desk: Desk) -> None:
    """Stands for no page."""


_NOTHING = Page("/404", {"en": "Not found", "sw": "Haipo"}, _nothing)
