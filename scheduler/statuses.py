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
            batch = self._batch
            found = await self._apply(batch)
            looked += found or 0
            if found is not None and found < batch:
                self._batch = BATCH  # all that was due is done, and nothing spoils it
                break
        return looked

    async def _apply(self, batch: int) -> int | None:
        """How many were looked at; None: it failed, and the next batch is smaller.

        So the status that spoils a batch stands alone in the end; that one is put off, and the others are applied.
        """
        with unscoped("statuses"):
            try:
                return await queue_state.apply_statuses(batch, self._keep)
            except Retryable:
                raise
            except Exception:
                if batch > 1:
                    log.warning(
                        "a batch of statuses failed, trying smaller ones", extra={"batch": batch}, exc_info=True
                    )
                    self._batch = max(1, batch // 8)
                    return None
                log.exception("a status cannot be applied, put off")
                await queue_state.park_status()
                self._batch = BATCH
                return None
