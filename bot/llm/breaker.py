"""Spares a server that does not answer, and the people who would wait for it."""

from __future__ import annotations

import time

__all__ = ["Breaker"]

MAX_REST_S = 300.0  # a server may name any Retry-After


class Breaker:
    """Closed; after `failures` in a row it rests for `rest_s`, then lets one request try."""

    def __init__(self, failures: int, rest_s: float) -> None:
        self._failures = failures
        self._rest_s = rest_s
        self._in_a_row = 0
        self._rests_until = 0.0

    def may_ask(self) -> bool:
        """After a rest the first who asks is let through alone: the others go on resting until it is known how that went."""
        now = time.monotonic()
        if now < self._rests_until:
            return False
        if self._in_a_row >= self._failures:
            self._rests_until = now + self._rest_s
        return True

    def succeeded(self) -> None:
        self._in_a_row = 0
        self._rests_until = 0.0

    def failed(self, *, rest_s: float | None = None) -> None:
        """`rest_s`: the server said how long it wants to be left alone."""
        self._in_a_row += 1
        if rest_s is not None:
            self._rests_until = max(self._rests_until, time.monotonic() + min(rest_s, MAX_REST_S))
        elif self._in_a_row >= self._failures:
            self._rests_until = time.monotonic() + self._rest_s
