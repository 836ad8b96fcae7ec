"""What is new, for all open inboxes of this process: one look per organization, a few times a second, and none while nobody watches."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import Protocol
from uuid import UUID

from nicegui import background_tasks

from bot.conversations import Pulse, pulse
from bot.errors import ChatNationError
from store.tenancy import organization_scope

__all__ = ["Watcher", "watch"]

log = logging.getLogger(__name__)

LOOK_S = 0.35  # what a person writes is seen within a second of the webhook


class Watcher(Protocol):
    """An open inbox."""

    organization_id: UUID

    @property
    def opened(self) -> UUID | None: ...

    @property
    def is_gone(self) -> bool: ...

    async def seen(self, found: Pulse) -> None:
        """Draws what is new, if anything is."""


_watchers: dict[int, Watcher] = {}
_running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []


def watch(watcher: Watcher) -> None:
    """From now on, until it is gone."""
    _watchers[id(watcher)] = watcher
    loop = asyncio.get_running_loop()
    if not _running or _running[0][0] is not loop or _running[0][1].done():
        _running[:] = [(loop, background_tasks.create(_look_again_and_again(), name="inbox watch"))]


async def _look_again_and_again() -> None:
    busy: dict[int, asyncio.Task[None]] = {}
    while _watchers:
        await asyncio.sleep(LOOK_S)
        by_organization: dict[UUID, list[Watcher]] = defaultdict(list)
        for key, watcher in list(_watchers.items()):
            if watcher.is_gone:
                _watchers.pop(key, None)
            else:
                by_organization[watcher.organization_id].append(watcher)
        for organization_id, watchers in by_organization.items():
            found = await _look(organization_id, watchers)
            if found is None:
                continue
            for watcher in watchers:
                if id(watcher) not in busy or busy[id(watcher)].done():
                    busy[id(watcher)] = background_tasks.create(_tell(watcher, found), name="inbox draws")


async def _look(organization_id: UUID, watchers: list[Watcher]) -> Pulse | None:
    try:
        with organization_scope(organization_id):
            return await pulse(organization_id, {each.opened for each in watchers if each.opened is not None})
    except ChatNationError as e:  # the database is away for a moment: the next look finds what this one missed
        log.debug("not looked", extra={"reason": str(e)})
        return None


async def _tell(watcher: Watcher, found: Pulse) -> None:
    try:
        await watcher.seen(found)
    except Exception:
        log.exception("an inbox was not drawn")
