"""Where turns wait for each other: no organization works on more than a few at a time in one process, so that none fills it alone (R15)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

__all__ = ["Place", "Places"]


class Places:
    """
    async with places.of(organization_id) as place:   # waits its turn among the organization's own
        ...                                           # reads, thinks, commits
        async with place.left():                      # lets others work meanwhile
            await something_outside()

    Those of one organization are served in the order in which they came. Fewer than the connections of a process, so that a
    conversation of another organization finds one free whatever the first is doing.
    """

    def __init__(self, per_organization: int) -> None:
        self._per_organization = per_organization
        self._free: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, organization_id: UUID) -> AsyncIterator[Place]:
        free = self._free.get(organization_id)
        if free is None:
            free = self._free[organization_id] = asyncio.Semaphore(self._per_organization)
        place = Place(free)
        await place.take()
        try:
            yield place
        finally:
            place.give()


class Place:
    """One turn's."""

    __slots__ = ("_free", "_is_mine")

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._is_mine = False

    async def take(self) -> None:
        await self._free.acquire()
        self._is_mine = True

    def give(self) -> None:
        """Harmless when it is not held: waiting for it again may have been cancelled."""
        if self._is_mine:
            self._is_mine = False
            self._free.release()

    async def pass_on(self) -> None:
        """Between two rows of a conversation: one person who writes without end does not keep the organization's others waiting."""
        self.give()
        await self.take()

    @asynccontextmanager
    async def left(self) -> AsyncIterator[None]:
        self.give()
        try:
            yield
        finally:
            await self.take()
