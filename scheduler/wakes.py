"""Hints of a conversation that wakes again and again, as few as do: the worker that has it finds the messages anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

__all__ = ["Wakes"]

PAUSE_MIN_S, PAUSE_MAX_S = 0.1, 0.8

Tell = Callable[[UUID, UUID, str], Coroutine[Any, Any, None]]  # organization, session, attempt


@dataclass(slots=True)
class _Pause:
    """After a hint of one conversation. `last` is what is to be told at its end."""

    seconds: float
    timer: asyncio.TimerHandle
    last: tuple[UUID, str] | None = None


class Wakes:
    """
    wakes = Wakes(tell)
    await wakes.wake(organization_id, session_id, attempt)

    The first is told at once. What follows it within a pause is told together at the pause's end, and the next pause is twice as long:
    who writes as people do never waits, who writes faster than that 0.8 s at most, and a flood of one person costs a hint in 0.8 s. Every message is followed by a hint.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._pauses: dict[UUID, _Pause] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def wake(self, organization_id: UUID, session_id: UUID, attempt: str) -> None:
        pause = self._pauses.get(session_id)
        if pause is not None:
            pause.last = (organization_id, attempt)
            return
        self._begin(session_id, PAUSE_MIN_S)
        await self._tell(organization_id, session_id, attempt)

    async def close(self) -> None:
        """Tells at once what is still to be told."""
        for pause in self._pauses.values():
            pause.timer.cancel()
        left = [(session_id, pause.last) for session_id, pause in self._pauses.items() if pause.last is not None]
        self._pauses.clear()
        for session_id, (organization_id, attempt) in left:
            await self._tell(organization_id, session_id, attempt)
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _begin(self, session_id: UUID, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._end, session_id)
        self._pauses[session_id] = _Pause(seconds, timer)

    def _end(self, session_id: UUID) -> None:
        pause = self._pauses.pop(session_id)
        if pause.last is None:
            return
        organization_id, attempt = pause.last
        self._begin(session_id, min(pause.seconds * 2, PAUSE_MAX_S))
        task = asyncio.get_running_loop().create_task(self._tell(organization_id, session_id, attempt))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
