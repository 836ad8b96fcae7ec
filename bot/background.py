"""Ends tasks that run beside others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

__all__ = ["end"]

log = logging.getLogger(__name__)

AGAIN_S = 1.0


async def end(tasks: Iterable[asyncio.Task[Any]], *, again_s: float = AGAIN_S) -> None:
    """Cancels them and waits until each has ended; whatever they raise is theirs.

    Cancels again every `again_s` seconds: a library whose clean-up fails, as on a connection that was just lost, raises its own error in place
    of CancelledError, and a loop that outlives errors then goes on as if nobody had asked.
    """
    left = {each for each in tasks if not each.done()}
    while left:
        for each in left:
            each.cancel()
        done, left = await asyncio.wait(left, timeout=again_s)
        for each in done:
            if not each.cancelled():
                each.exception()
        if left:
            log.info("tasks are cancelled again", extra={"tasks": sorted(each.get_name() for each in left)})
