"""What the draft says otherwise than what people meet, file by file."""

from __future__ import annotations

from nicegui import ui

from admin_ui.kit import badge, empty, say
from admin_ui.pages.skills.bench import Bench

__all__ = ["draw_changes"]


async def draw_changes(bench: Bench) -> None:
    found = await bench.changes()
    if not found:
        with empty("difference", "Nothing differs", "The draft is what people meet today."):
            return
    for each in found:
        with ui.element("div").classes("cn-line between"):
            ui.label(each.path).classes("cn-strong cn-small")
            badge(say(each.what), {"added": "good", "removed": "bad"}.get(each.what, "warn"))  # type: ignore[arg-type]
        with ui.element("pre").classes("cn-diff"):
            for line in each.text.splitlines():
                if line.startswith(("--- ", "+++ ")):  # the file's name stands above
                    continue
                kind = (
                    "add"
                    if line.startswith("+")
                    else "del"
                    if line.startswith("-")
                    else "at"
                    if line.startswith("@")
                    else ""
                )
                ui.label(line or " ").classes(f"cn-code {kind}")
