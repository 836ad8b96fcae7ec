"""What is said or opened only once the work of a handler is committed: a page that is opened before would not find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nicegui import ui

__all__ = ["after_commit", "go", "postponed", "reload"]

_waiting: ContextVar[list[Callable[[], object]] | None] = ContextVar("after_commit", default=None)


def after_commit(do: Callable[[], object]) -> None:
    """In a handler that writes: when it has committed, or never. Elsewhere: at once."""
    waiting = _waiting.get()
    if waiting is None:
        do()
        return
    waiting.append(do)


def go(path: str) -> None:
    """Opens a page, with what this handler wrote."""
    after_commit(lambda: ui.navigate.to(path))


def reload() -> None:
    after_commit(lambda: ui.navigate.reload())


@contextmanager
def postponed() -> Iterator[None]:
    """Around a transaction; what was asked for inside happens at the end, unless it raised."""
    waiting: list[Callable[[], object]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    for do in waiting:
        do()
