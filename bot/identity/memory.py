"""What this process remembers for a few seconds of who may what, so that not every request asks the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from bot.identity.principal import Principal

__all__ = ["FRESH_S", "forget_organization", "forget_session", "forget_user", "remembered"]

FRESH_S = (
    5.0  # a revoked session or key, a changed role: everywhere within this time, in the process that did it at once
)
MOST = 20_000

V = TypeVar("V")


class _Memory(Generic[V]):
    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[float, V]] = {}

    def get(self, key: Hashable) -> V | None:
        held = self._held.get(key)
        return held[1] if held is not None and held[0] > time.monotonic() else None

    def put(self, key: Hashable, value: V) -> V:
        if len(self._held) >= MOST:
            self._held.clear()
        self._held[key] = (time.monotonic() + FRESH_S, value)
        return value

    def forget(self, is_meant: Callable[[V], bool]) -> None:
        self._held = {key: held for key, held in self._held.items() if not is_meant(held[1])}


remembered: _Memory[Principal] = _Memory()
"""Sessions by ("session", id, organization), keys by ("key", hash of the whole, ip)."""


def forget_session(session_id: object) -> None:
    remembered.forget(lambda principal: principal.session_id == session_id)


def forget_user(user_id: object) -> None:
    remembered.forget(lambda principal: user_id in (principal.id, principal.impersonated_by))


def forget_organization(organization_id: object) -> None:
    remembered.forget(lambda principal: principal.organization_id == organization_id)
