"""UUIDv7 keys, made in Python so that any PostgreSQL from 16 on will do (decisions.md 13)."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

__all__ = ["uuid7", "uuid7_of"]

_TAIL_BITS = 74  # RFC 9562 section 5.7: 12 bits rand_a and 62 bits rand_b
_TAIL_MAX = (1 << _TAIL_BITS) - 1
_RAND_B_MASK = (1 << 62) - 1
_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)


class _Sequence:
    """Tails of one run of milliseconds: random at first, then counted up by random steps, so that ids sort as they were made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._ms = -1
        self._tail = 0

    def following(self, now_ms: int, *, never_back: bool) -> UUID:
        with self._lock:
            if now_ms == self._ms or (never_back and now_ms < self._ms):
                self._tail += 1 + int.from_bytes(os.urandom(4), "big")
                if self._tail > _TAIL_MAX:
                    self._ms, self._tail = self._ms + 1, _fresh_tail()
            else:
                self._ms, self._tail = now_ms, _fresh_tail()
            ms, tail = self._ms, self._tail
        return UUID(int=(ms << 80) | ((tail >> 62) << 64) | (tail & _RAND_B_MASK) | _VERSION_AND_VARIANT)


def _fresh_tail() -> int:
    """Random, with the top bit clear: room to count up within the millisecond."""
    return int.from_bytes(os.urandom(10), "big") >> (80 - _TAIL_BITS + 1)


_by_wall_clock = _Sequence()
_by_given_time = _Sequence()


def uuid7(now_ms: int | None = None) -> UUID:
    """A new UUIDv7. Within one process ids sort in the order in which they were made, also when the clock steps back.

    With `now_ms` (tests, imports of old rows) the id carries exactly that time; ids of the same `now_ms` still sort as made.
    """
    if now_ms is None:
        return _by_wall_clock.following(time.time_ns() // 1_000_000, never_back=True)
    return _by_given_time.following(now_ms, never_back=False)


def uuid7_of(now_ms: int, tail: bytes) -> UUID:
    """Always the same UUIDv7 for a time and ten bytes that stand for what it names."""
    low = int.from_bytes(tail[:10], "big") >> (80 - _TAIL_BITS)
    return UUID(int=(now_ms << 80) | ((low >> 62) << 64) | (low & _RAND_B_MASK) | _VERSION_AND_VARIANT)


def _forget_after_fork() -> None:
    """A forked worker must not count on from its parent's tail."""
    _by_wall_clock.forget()
    _by_given_time.forget()


os.register_at_fork(after_in_child=_forget_after_fork)
