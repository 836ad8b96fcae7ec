"""Grey lines where something is on its way."""

from __future__ import annotations

from nicegui import ui

from admin_ui.scope import say

__all__ = ["skeleton"]


def skeleton(lines: int = 3) -> ui.element:
    """Returned to be deleted when the content is there."""
    with ui.element("div").classes("cn-stack").props('aria-busy="true" role="status"') as found:
        found.props["aria-label"] = say("Loading")
        for number in range(lines):
            ui.element("div").classes("cn-skeleton").style(f"width: {100 - number * 17 % 45}%")
    return found
