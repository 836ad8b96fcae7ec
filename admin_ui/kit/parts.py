"""What is drawn of one thing, in parts: each is drawn anew only when it says something else.

A button that is replaced while somebody presses it hears nothing, and a field loses what was typed into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from admin_ui.kit.bound import Live, live
from admin_ui.scope import Desk, here

__all__ = ["Parts"]

T = TypeVar("T")


class Parts(Generic[T]):
    def __init__(self) -> None:
        self._shown: T | None = None
        self._parts: list[tuple[Live, Callable[[Desk, T], object]]] = []
        self._drawn: dict[Live, object] = {}

    async def add(self, draw: Callable[[Desk, T], object], says: Callable[[Desk, T], object]) -> None:
        """Here stands what `draw` draws; it is drawn again when `says` gives another value than for what is drawn."""

        def build() -> None:
            if self._shown is not None:
                draw(here(), self._shown)

        self._parts.append((await live(build), says))

    async def show(self, thing: T | None, key: object = None) -> None:
        """`key`: which thing it is; with another one all is drawn anew. None: nothing is drawn."""
        self._shown = thing
        for part, says in self._parts:
            now = None if thing is None else (key, says(here(), thing))
            if self._drawn.get(part) != now:
                self._drawn[part] = now
                await part.refresh()
