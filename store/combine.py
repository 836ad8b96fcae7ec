"""Many small writes of one process in one transaction: while one group is being committed, the next one collects. Nobody waits for a timer
who does not want to."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from store.errors import Retryable

__all__ = ["Combiner"]

I = TypeVar("I")  # noqa: E741  # what is written
O = TypeVar("O")  # noqa: E741  # what comes of it

_Waiting = list[tuple[I, "asyncio.Future[O]"]]


class Combiner(Generic[I, O]):
    """Args:
    write: Writes a group of one key in one transaction; its results in the order of the items.
    limit: Items of one group.
    pause_s: How long a group collects before it is written. 0: as long as the one before it takes.

    An item that the database refuses fails alone: its group is written again one by one.
    """

    def __init__(
        self,
        write: Callable[[Hashable, Sequence[I]], Awaitable[Sequence[O]]],
        *,
        limit: int = 200,
        pause_s: float = 0.0,
    ) -> None:
        self._write = write
        self._limit = limit
        self._pause_s = pause_s
        self._writers: set[asyncio.Task[None]] = set()
        # By loop: what waits belongs to it, and ends with it.
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Waiting[I, O]]] = WeakKeyDictionary()
        self._last: tuple[Callable[[], object], dict[Hashable, _Waiting[I, O]]] = (_nothing, {})

    async def add(self, key: Hashable, item: I) -> O:
        """Returns when the item is committed, with what came of it."""
        loop = asyncio.get_running_loop()
        queues = self._queues_of(loop)
        future: asyncio.Future[O] = loop.create_future()
        if key in queues:
            queues[key].append((item, future))
            return await future
        queues[key] = [(item, future)]
        # A context of its own: the caller's scope and transaction must not be the group's.
        writer = loop.create_task(self._drain(queues, key), context=contextvars.Context())
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)
        return await future

    def _queues_of(self, loop: asyncio.AbstractEventLoop) -> dict[Hashable, _Waiting[I, O]]:
        if self._last[0]() is not loop:  # a look-up in the weak dictionary costs as much as the rest of `add`
            self._last = (weakref.ref(loop), self._queues.setdefault(loop, {}))
        return self._last[1]

    async def _drain(self, queues: dict[Hashable, _Waiting[I, O]], key: Hashable) -> None:
        while queues[key]:
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            group = queues[key][: self._limit]
            del queues[key][: self._limit]
            await self._commit(key, [each for each in group if not each[1].cancelled()])
        del queues[key]

    async def _commit(self, key: Hashable, group: _Waiting[I, O]) -> None:
        if not group:
            return
        try:
            results = await self._write(key, [item for item, _ in group])
        except Exception as e:  # noqa: BLE001  # whoever waits must hear of it, whatever it is
            if len(group) > 1 and not isinstance(e, Retryable):
                for each in group:
                    await self._commit(key, [each])
            for _, future in group:
                if not future.done():
                    future.set_exception(e)
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)


def _nothing() -> None:
    return None
