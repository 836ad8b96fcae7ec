"""What the scheduler's processes share: opening the runtime with patience, readiness, signals."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot import heap
from bot.config import Configuration
from bot.errors import Retryable
from bot.runtime import Runtime

__all__ = ["opened", "say_ready", "stop_on_signals"]

log = logging.getLogger(__name__)

READY_FILE = "CHATNATION_READY_FILE"
AGAIN_S = 0.5


@asynccontextmanager
async def opened(
    configuration: Configuration, process: str, *, queue: str | None, stop: asyncio.Event, **adapters: Any
) -> AsyncIterator[Runtime | None]:
    """The runtime, as soon as PostgreSQL answers; None when `stop` came first.

    Raises:
        ConfigError: A setting is wrong: waiting cannot help.
    """
    runtime = None
    while runtime is None and not stop.is_set():
        try:
            runtime = await Runtime.open(process, configuration=configuration, queue=queue, adapters=adapters or None)
        except Retryable as e:
            log.warning("waiting for PostgreSQL", extra={"reason": str(e)})
            await wait_or_stop(stop, AGAIN_S)
    heap.settle()
    try:
        yield runtime
    finally:
        if runtime is not None:
            await runtime.close()


async def wait_or_stop(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def say_ready() -> None:
    """Touches the file that a supervisor looks for."""
    path = os.environ.get(READY_FILE)
    if path:
        Path(path).touch()


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT; a second signal does no more than the first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
