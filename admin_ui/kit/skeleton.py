"""Grey lines where something is on its way."""

from __future__ import annotations

from nicegui import ui

__all__ = ["skeleton"]


def skeleton(lines: int = 3) -> ui.element:
    """Returned to be deleted when the content is there."""
    with ui.element("div").classes("cn-stack").props('aria-busy="true" aria-label="Loading"') as found:
        for number in range(lines):
            ui.element("div").classes("cn-skeleton").style(f"width: {100 - number * 17 % 45}%")
    return found
