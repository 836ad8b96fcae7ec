"""A toast that can take back what was just done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import context, ui

from admin_ui.kit.after import after_commit
from admin_ui.kit.ticking import soon
from admin_ui.scope import here, say
from admin_ui.words import Words

__all__ = ["undo"]

SHOWN_S = 8.0


def undo(message: Words, back: Callable[..., Awaitable[Any]]) -> None:
    """`back` is a handler made by `bound`. It is offered for eight seconds, once the work is committed."""
    text = say(message)
    after_commit(lambda: _show(text, back))


def _show(message: str, back: Callable[..., Awaitable[Any]]) -> None:
    with context.client.layout, ui.element("div").classes("cn-toast").props('role="status"') as toast:
        ui.label(message)

        async def take_back() -> None:
            toast.delete()
            with context.client.layout:
                await back()

        ui.button(here().word("undo"), on_click=take_back, color=None).props("flat dense no-caps")
        soon(SHOWN_S, toast.delete)
