"""What a process remembers of a provider's no, see `bot/standing.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from bot.ports import Lane

__all__ = ["MAX_REMEMBERED", "Holds"]

MAX_REMEMBERED = 4096


class Holds:
    """Pauses of numbers that this process knows of: what it has leased already is not sent into them."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until: dict[tuple[UUID, Lane], float] = {}
        self.templates: dict[str, tuple[float, float]] = {}  # key -> (asked again at, held until)

    def note(self, account_id: UUID, lanes: tuple[Lane, ...], wait_s: float) -> None:
        if len(self._until) > MAX_REMEMBERED:
            self._until = {key: until for key, until in self._until.items() if until > self._now()}
        for lane in lanes:
            self._until[account_id, lane] = self._now() + wait_s

    def wait_s(self, account_id: UUID, lane: Lane) -> float:
        return max(self._until.get((account_id, lane), 0.0) - self._now(), 0.0)
