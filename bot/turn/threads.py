"""Runs blocking functions beside the event loop, a bounded number at a time.

A thread cannot be killed: one that hangs keeps its place and is counted, so that bad actions slow down bad actions only.
The threads are daemons: a hanging one does not hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Threads", "ThreadsBusy"]

T = TypeVar("T")


class ThreadsBusy(RuntimeError):
    """No place was free in time; `lost` of the places are held by functions that nobody waits for any more."""


class Threads:
    def __init__(self, size: int) -> None:
        self.size = size
        self.lost = 0
        self._free = threading.Semaphore(size)

    async def run(self, function: Callable[[], T], *, timeout_s: float) -> T:
        """Its result or its exception.

        Raises:
            TimeoutError: it did not end in time; its thread goes on, and keeps its place until it ends.
            ThreadsBusy: all places were taken all the time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while not self._free.acquire(blocking=False):
            if loop.time() >= end:
                raise ThreadsBusy(f"all {self.size} threads are busy, {self.lost} of them for nobody")
            await asyncio.sleep(0.02)
        done: asyncio.Future[T] = loop.create_future()
        job = _Job(self, function, loop, done)
        threading.Thread(target=contextvars.copy_context().run, args=(job.run,), daemon=True).start()
        try:
            return await asyncio.wait_for(done, end - loop.time())
        except (TimeoutError, asyncio.CancelledError):
            job.abandon()
            raise


class _Job(Generic[T]):
    def __init__(
        self, threads: Threads, function: Callable[[], T], loop: asyncio.AbstractEventLoop, done: asyncio.Future[T]
    ) -> None:
        self._threads = threads
        self._function = function
        self._loop = loop
        self._done = done
        self._lock = threading.Lock()
        self._ended = self._abandoned = False

    def run(self) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = self._function()
        except BaseException as e:  # noqa: BLE001  # SystemExit too: it must reach whoever waits, not end a thread silently
            error = e
        with self._lock:
            self._ended = True
            if self._abandoned:
                self._threads.lost -= 1
        self._threads._free.release()
        try:
            self._loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    def abandon(self) -> None:
        with self._lock:
            if not self._ended:
                self._abandoned = True
                self._threads.lost += 1

    def _settle(self, result: T, error: BaseException | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(result)
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            self._done.set_exception(error)
        else:
            self._done.set_exception(RuntimeError(f"the action ended with {type(error).__name__}: {error}"))
