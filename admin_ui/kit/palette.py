"""Ctrl+K or `/`: jump to a page, a person, an event."""

from __future__ import annotations

import logging

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from admin_ui.kit.bound import bound
from admin_ui.kit.page import Hit, may_see, owner_of, pages, searches
from admin_ui.scope import Desk, here
from admin_ui.words import Words

__all__ = ["find", "palette"]

log = logging.getLogger(__name__)

MOST = 12
OF_PLATFORM = "admin_ui.pages.platform."
LEAST = 2  # letters, before people and events are asked


def palette(desk: Desk) -> None:
    """The dialog, closed; `shell.js` opens it and moves the focus through the results."""
    with ui.dialog() as found, ui.element("div").classes("cn-palette").props("role=dialog aria-modal=true") as box:
        box.props["aria-label"] = desk.word("search")

        async def look(event: ValueChangeEventArguments[str]) -> None:
            await show(str(event.value or ""))

        text = ui.input(placeholder=desk.word("search"), on_change=bound(look, writes=False))
        text.props('borderless autofocus debounce=120 type="search"').props["aria-label"] = desk.word("search")
        text.mark("palette-text")
        results = ui.element("div").classes("cn-results")
        with ui.element("div").classes("cn-palette-foot cn-hide-small"):
            for key in ("move", "open", "close"):
                ui.label(desk.word(key))

    async def show(words: str) -> None:
        hits = await find(here(), words)
        results.clear()
        results.props["data-for"] = words.strip()  # shell.js opens the first one only when these are its results
        with results:
            for hit in hits:
                with ui.element("a").classes("cn-result") as line:
                    line.props["href"] = hit.href
                    ui.icon(hit.icon).props("aria-hidden=true")
                    ui.label(hit.title).classes("cn-clip").props("tag=span")
                    if hit.note:
                        ui.label(hit.note).classes("cn-muted cn-small").props("tag=span")
            if not hits:
                ui.label(here().word("nothing_found", text=words)).classes("cn-muted").style("padding: 14px")

    async def start() -> None:
        text.set_value("")
        await show("")
        found.open()

    opener = next((each for each in found.client.elements.values() if each.props.get("id") == "cn-palette-open"), None)
    if opener is not None:
        opener.on("click", bound(start, writes=False), [])


async def find(desk: Desk, words: str) -> list[Hit]:
    wanted = words.casefold().strip()
    hits = [
        Hit(desk.say(each.title), each.path, each.icon or "chevron_right")
        for each in pages()
        if each.group is not None
        and may_see(desk, each)
        and all(part in _in_all_languages(each.title) for part in wanted.split())
    ]
    if len(wanted) >= LEAST:
        for search in searches():
            if desk.is_platform and not search.__module__.startswith(OF_PLATFORM):
                continue
            if (owner := owner_of(search)) is None or owner in desk.skills:
                hits += await search(desk, wanted)
    return hits[:MOST]


def _in_all_languages(title: Words) -> str:
    """People look for a page by the name that somebody told them."""
    return (title if isinstance(title, str) else " ".join(title.values())).casefold()
