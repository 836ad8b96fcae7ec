"""NiceGUI's simulated user, several at once: each is led by the page on which something happened, and not by who was looked at last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from nicegui import Client, context, ui
from nicegui.testing import User

__all__ = ["Person", "told_apart"]

_of_client: dict[str, Person] = {}


class Person(User):
    """The library points `ui.navigate`, `ui.notify` and `ui.download` of the whole process at whoever's attribute was read last."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__(client)

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)

    async def open(self, path: str, *, clear_forward_history: bool = True) -> Client:
        client = await super().open(path, clear_forward_history=clear_forward_history)
        _of_client[client.id] = self
        return client


class _OfThePage:
    """Stands in for `ui.navigate` and the like: asks for that of the person whose page it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _mine(self) -> Any:
        return getattr(_of_client[context.client.id], self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mine(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._mine()(*args, **kwargs)


@contextmanager
def told_apart() -> Iterator[None]:
    """While the block runs, what a page does reaches the person who opened it."""
    kept = {name: getattr(ui, name) for name in ("navigate", "notify", "download")}
    for name in kept:
        setattr(ui, name, _OfThePage(name))
    try:
        yield
    finally:
        for name, each in kept.items():
            setattr(ui, name, each)
        _of_client.clear()
