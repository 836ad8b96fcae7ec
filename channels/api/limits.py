"""Rate limits: so many requests a minute, with that many at once after a pause (GCRA).

Kept in the memory of each web process, on purpose: a request costs no round trip more, and a limit cannot fail, so nobody has to
choose between open and closed. With n web processes a caller may reach n times the number; set it accordingly. What must hold exactly (locking after
wrong passwords, WhatsApp's limits) is in PostgreSQL.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.bounded import Bounded

__all__ = ["Budget", "Limiter"]

MINUTE_S = 60.0
REMEMBERED = 50_000  # callers; the one that was quiet for longest is forgotten first, and has its whole budget again


@dataclass(frozen=True, slots=True)
class Budget:
    """What a caller may still do. `retry_after_s` is 0 while it may."""

    limit: int
    remaining: int
    reset_s: int
    retry_after_s: float = 0.0

    def headers(self) -> dict[str, str]:
        told = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }
        return told | ({"Retry-After": str(math.ceil(self.retry_after_s))} if self.retry_after_s else {})


class Limiter:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._arrivals: Bounded[str, float] = Bounded(REMEMBERED)

    def take(self, who: str, per_min: int) -> Budget:
        """One request of `who`; when it is one too many, nothing is taken."""
        now = self._clock()
        step = MINUTE_S / per_min
        arrival = max(self._arrivals.get(who) or now, now)
        ahead = arrival - now
        if ahead > MINUTE_S - step:
            return Budget(per_min, 0, math.ceil(ahead), ahead - (MINUTE_S - step))
        self._arrivals.put(who, arrival + step)
        left = int((MINUTE_S - ahead - step) / step + 1e-6)
        return Budget(per_min, left, math.ceil(ahead + step))


def tightest(budgets: Iterable[Budget]) -> Budget | None:
    """The one that a caller has to heed."""
    return min(budgets, key=lambda each: (-each.retry_after_s, each.remaining), default=None)
