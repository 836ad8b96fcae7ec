"""The bell of the header: what one is told, live. One look a second per organization in which a page is open, however many are."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from nicegui import background_tasks, context, ui

from admin_ui.kit.bound import bound
from admin_ui.kit.controls import icon_button, tag
from admin_ui.scope import Desk, here
from bot.errors import ChatNationError
from bot.notifications import KINDS
from store.notifications import Board, Notice, Tally

__all__ = ["bell", "board_of", "follow", "line"]

log = logging.getLogger(__name__)

LOOK_S = 0.7
SHOWN = 12
NONE = Tally(0, "")


def board_of(desk: Desk) -> Board:
    return Board(None if desk.is_platform else desk.organization.id)


class _Bell:
    def __init__(self, desk: Desk) -> None:
        self.board, self.user_id = board_of(desk), desk.principal.id
        self._client = context.client
        self._tally = NONE
        self._button = icon_button("notifications_none", desk.word("notifications")).mark("bell")
        self._button.props["aria-haspopup"] = "true"
        self._word = desk.word("notifications")
        with self._button:
            self._count = tag("span", "", "cn-bell-count").props("aria-hidden=true")
            with self._count:
                self._number = ui.label("").props("tag=span").style("display: contents").mark("bell-count")
            self._count.set_visibility(False)
            with ui.menu().props('anchor="bottom right" self="top right" max-height="75vh"').classes("cn-bell") as menu:
                self._list = ui.element("div").classes("cn-bell-list")
        self._menu = menu
        menu.on("before-show", bound(self._draw, writes=False), [])

    @property
    def is_gone(self) -> bool:
        return self._button.is_deleted

    async def seen(self, found: Tally) -> None:
        if found == self._tally or not (self._client.has_socket_connection or self._tally is NONE):
            return
        self._tally = found
        with self._button:
            self._number.set_text(str(found.unread) if found.unread < 100 else "99+")
            self._count.set_visibility(found.unread > 0)
            self._button.props["aria-label"] = f"{self._word}: {found.unread}"
            if self._menu.value:
                await self._draw()

    async def _draw(self) -> None:
        desk = here()
        found = await self.board.latest(self.user_id, limit=SHOWN)
        self._list.clear()
        with self._list:
            with ui.element("div").classes("cn-bell-head"):
                ui.label(desk.word("notifications")).classes("cn-strong cn-grow")
                if any(each.read_at is None for each in found):
                    read = (
                        tag("button", desk.word("all_read"), "cn-bell-read")
                        .props('type="button"')
                        .mark("bell-all-read")
                    )
                    read.on("click", bound(self._read_all, writes=False), [])
            for each in found:
                line(desk, each, self._open(each))
            if not found:
                ui.label(desk.word("no_notifications")).classes("cn-muted cn-bell-none")
            tag("a", desk.word("all_notifications"), "cn-bell-all").props["href"] = "/notifications"

    def _open(self, notice: Notice) -> Callable[[], Coroutine[Any, Any, None]]:
        async def follow_it() -> None:
            await follow(here(), notice)

        return follow_it

    async def _read_all(self) -> None:
        await self.board.mark_read(self.user_id, None, here().now)
        await self._draw()


async def follow(desk: Desk, notice: Notice) -> None:
    """Read, and off to what it tells of."""
    await board_of(desk).mark_read(desk.principal.id, notice.id, desk.now)
    ui.navigate.to(notice.link or "/notifications")


def line(desk: Desk, notice: Notice, on_open: Callable[..., Any]) -> None:
    with (
        ui.element("button").props('type="button"').classes(f"cn-notice {'' if notice.read_at else 'unread'}") as found
    ):
        found.mark("notice")
        ui.icon(KINDS[notice.kind].icon if notice.kind in KINDS else "notifications").props("aria-hidden=true")
        with ui.element("span").classes("cn-notice-text"):
            ui.label(desk.say(notice.subject)).props("tag=span")
            times = f" · {notice.times}×" if notice.times > 1 else ""
            ui.label(f"{desk.ago(notice.at)}{times}").props("tag=span").classes("cn-muted cn-small")
        if notice.read_at is None:
            ui.element("span").classes("cn-notice-dot").props(f'role="img" aria-label="{desk.word("unread")}"')
    found.on("click", bound(on_open, writes=False), [])


def bell(desk: Desk) -> None:
    """Not with borrowed eyes: what somebody has read is her own."""
    if desk.principal.impersonated_by is None:
        _watch(_Bell(desk))


# -- the look

_bells: dict[int, _Bell] = {}
_running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []


def _watch(made: _Bell) -> None:
    _bells[id(made)] = made
    loop = asyncio.get_running_loop()
    if not _running or _running[0][0] is not loop or _running[0][1].done():
        _running[:] = [(loop, background_tasks.create(_look_again_and_again(), name="bell watch"))]


async def _look_again_and_again() -> None:
    while _bells:
        by_board: dict[UUID | None, list[_Bell]] = defaultdict(list)
        for key, each in list(_bells.items()):
            if each.is_gone:
                _bells.pop(key, None)
            else:
                by_board[each.board.organization_id].append(each)
        for organization_id, bells in by_board.items():
            await _look(Board(organization_id), bells)
        await asyncio.sleep(LOOK_S)


async def _look(board: Board, bells: list[_Bell]) -> None:
    try:
        found = await board.tallies({each.user_id for each in bells})
    except ChatNationError as e:  # the database is away for a moment: the next look finds what this one missed
        log.debug("not looked", extra={"reason": str(e)})
        return
    for each in bells:
        try:
            await each.seen(found.get(each.user_id, NONE))
        except Exception:
            log.exception("a bell was not drawn")
