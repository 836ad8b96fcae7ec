"""Applies status webhooks in batches (decision 16): a ladder per message, early ones parked, unknown sends settled."""

from __future__ import annotations

import logging
from datetime import timedelta

from store import queue_state
from store.errors import Retryable
from store.tenancy import unscoped

__all__ = ["BATCH", "StatusLadder"]

log = logging.getLogger(__name__)

BATCH = 500
BATCHES_AT_ONCE = 10


class StatusLadder:
    """Args:
    keep: How long a status waits for a message that nobody knows.
    """

    def __init__(self, *, keep: timedelta) -> None:
        self._keep = keep
        self._batch = BATCH

    async def tick(self) -> int:
        """Batch after batch until nothing is due, or others should have their turn; how many statuses were looked at."""
        looked = 0
        for _ in range(BATCHES_AT_ONCE):
            found = await self._apply()
            looked += found
            if found < self._batch:
                break
        return looked

    async def _apply(self) -> int:
        """A batch that fails is halved until the status that spoils it stands alone; that one is put off, the others are applied."""
        with unscoped("statuses"):
            try:
                found = await queue_state.apply_statuses(self._batch, self._keep)
            except Retryable:
                raise
            except Exception:
                if self._batch == 1:
                    log.exception("a status cannot be applied, put off")
                    await queue_state.park_status()
                    self._batch = BATCH
                else:
                    log.warning("a batch of statuses failed, trying smaller ones", extra={"batch": self._batch})
                    self._batch = max(1, self._batch // 8)
                return self._batch
        self._batch = min(BATCH, self._batch * 2)
        return found
