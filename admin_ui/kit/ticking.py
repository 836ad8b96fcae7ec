"""Timers of a page.

NiceGUI sends a page as soon as one of its timers waits for the browser, even when the page is built by half: what is drawn after the
timer then comes as a change, and a click that was quicker meets no handler. So a timer begins only when its page is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import context, ui

from admin_ui.kit.after import after_commit

__all__ = ["Ticking", "every", "soon"]


class Ticking:
    """A timer that belongs to the place where it was asked for: it ends with it, or by `cancel`."""

    def __init__(self, seconds: float, do: Callable[..., Any], **how: bool) -> None:
        self._timer: ui.timer | None = None
        self._is_cancelled = False
        slot = context.slot

        def begin() -> None:
            if not self._is_cancelled and not slot.parent.is_deleted:
                with slot:
                    self._timer = ui.timer(seconds, do, **how)

        after_commit(begin)

    def cancel(self) -> None:
        self._is_cancelled = True
        if self._timer is not None:
            self._timer.cancel()


def every(seconds: float, do: Callable[..., Any], *, at_once: bool = False) -> Ticking:
    """`do` is a handler made by `bound`. First after `seconds`, or as soon as the page stands in the browser."""
    return Ticking(seconds, do, immediate=at_once)


def soon(seconds: float, do: Callable[..., Any]) -> Ticking:
    """Once, that long after the page stands in the browser."""
    return Ticking(seconds, do, once=True)
