"""How often somebody tried to get in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from store.db import execute, transaction
from store.tenancy import unscoped

__all__ = ["count_try", "forget_tries", "give_back_try"]

FORGOTTEN_AFTER = timedelta(hours=1)  # a try that long after the last one is the first again


async def count_try(keys: Sequence[tuple[str, int]], *, now: datetime, longest_s: float) -> float:
    """Counts one try for each (key, how many are free) before it is made; 0, or how long to wait, and then nothing is counted."""
    with unscoped("tries to sign in"):
        try:
            async with transaction() as tx:
                for key, free in sorted(keys):
                    counted = await tx.fetchval(_COUNT, key, now, free, longest_s, FORGOTTEN_AFTER)
                    if counted is None:
                        until = await tx.fetchval("SELECT blocked_until FROM sign_in_tries WHERE key = $1", key)
                        raise _Blocked((until - now).total_seconds())
        except _Blocked as blocked:
            return max(blocked.after_s, 0.1)
    return 0


_COUNT = """
INSERT INTO sign_in_tries AS t (key, tries, last_at, blocked_until) VALUES ($1, 1, $2, $2)
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN t.last_at < $2 - $5::interval THEN 1 ELSE t.tries + 1 END,
    last_at = $2,
    blocked_until = CASE
        WHEN t.last_at < $2 - $5::interval OR t.tries < $3::int THEN $2
        ELSE $2 + make_interval(secs => least($4::float8, power(2, least(t.tries - $3::int + 1, 30)))) END
WHERE t.blocked_until <= $2
RETURNING tries
"""


class _Blocked(Exception):
    def __init__(self, after_s: float) -> None:
        self.after_s = after_s


async def forget_tries(keys: Sequence[str]) -> None:
    with unscoped("tries to sign in"):
        await execute("DELETE FROM sign_in_tries WHERE key = ANY($1)", list(keys))


async def give_back_try(keys: Sequence[str], *, now: datetime) -> None:
    """It was no wrong one. What was wrong before stays counted."""
    with unscoped("tries to sign in"):
        await execute(
            "UPDATE sign_in_tries SET tries = greatest(tries - 1, 0), blocked_until = least(blocked_until, $2) WHERE key = ANY($1)",
            list(keys),
            now,
        )
