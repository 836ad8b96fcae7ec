"""Empty states: they say what will stand here, and how it comes about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from admin_ui.scope import say
from admin_ui.words import Words

__all__ = ["empty"]


@contextmanager
def empty(icon: str, title: Words, text: Words) -> Iterator[None]:
    """The block holds what one can do about it: `with empty("confirmation_number", "No tickets yet", "..."): button(...)`."""
    with ui.element("div").classes("cn-empty"):
        ui.icon(icon).props("aria-hidden=true")
        _tag("h2", say(title))
        _tag("p", say(text))
        with ui.element("div").classes("cn-actions"):
            yield


def _tag(name: str, text: str) -> None:
    with ui.element(name):
        ui.label(text).props("tag=span")
