"""T5, the door of a gesture: every handler goes through `bound`, which binds the organization again and opens one transaction.

NiceGUI keeps no ContextVars in handlers; who forgets `bound` gets `NotBound` from the store, and a test names the place.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import context, ui

from admin_ui import gate
from admin_ui.kit.after import postponed
from admin_ui.kit.controls import toast
from admin_ui.kit.skeleton import skeleton
from admin_ui.kit.ticking import soon
from admin_ui.scope import Desk, SignedOut, desk_of, put_desk, say
from bot.errors import ChatNationError
from bot.identity import NotAllowed
from bot.unit import open_unit
from store.ids import uuid7

__all__ = ["Live", "bound", "later", "live"]

log = logging.getLogger(__name__)


def bound(handle: Callable[..., Any], *, writes: bool = True) -> Callable[..., Awaitable[None]]:
    """A handler for NiceGUI, made of `handle`, which may take the event and may be a coroutine.

    Args:
        writes: one transaction for all of it, undone as a whole if it raises; `handle` gets it as `work` (`bot.unit.Unit`) if it asks.
            Never wait for a person or the network inside; `go`, `reload` and `toast` happen after the commit. False: only the organization is bound.
    """
    wanted = inspect.signature(handle).parameters
    takes_event = any(
        each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        and each.name != "work"
        for each in wanted.values()
    )

    async def perform(*event: Any) -> None:
        sender = (
            context.slot.parent
        )  # NiceGUI knows it weakly: a dialog that is closed while this runs takes the way to the browser along
        client = sender.client
        try:
            desk = await _renewed(desk_of(client))
            if not writes:
                with desk.scope():
                    await _call(handle, *event)
                return
            with postponed(), desk.scope():
                async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
                    await _call(handle, *event, **({"work": work} if "work" in wanted else {}))
        except SignedOut:
            toast("You are signed out. Sign in to go on.", kind="bad")
            ui.navigate.to("/login")
        except NotAllowed as e:
            toast(say("You may not do that: {what}", what=e), kind="bad")
        except ChatNationError as e:
            log.info("gesture refused", extra={"handler": handle.__qualname__, "reason": type(e).__name__})
            toast(_sentence(str(e)), kind="bad")
        except Exception:
            number = uuid7().hex[-8:]
            log.exception("gesture failed", extra={"handler": handle.__qualname__, "number": number})
            toast(say("That did not work. If it stays so, tell us this number: {number}", number=number), kind="bad")

    if takes_event:

        async def with_event(event: Any) -> None:
            await perform(event)

        return with_event

    async def without_event() -> None:
        await perform()

    return without_event


class Live:
    """A part of a page that can be drawn again. Made by `live`."""

    def __init__(self, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._build, self._arguments = build, arguments
        self._client = context.client
        self._lock = asyncio.Lock()
        self.host = ui.element("div").classes("cn-live")

    async def refresh(self, *arguments: Any) -> None:
        """Draws it again, with other arguments if there are any. May be called in and outside of a bound handler."""
        self._arguments = arguments or self._arguments
        async with self._lock:
            if self.host.is_deleted:
                return
            desk = desk_of(self._client)
            with desk.scope(), self.host:
                self.host.clear()
                await _call(self._build, *self._arguments)


async def live(build: Callable[..., Any], *arguments: Any) -> Live:
    """Draws `build(*arguments)` here: `numbers = await live(_numbers)`, later `await numbers.refresh()`.

    In place of `ui.refreshable`, which draws for every open page of the process, whosever it is.
    """
    made = Live(build, arguments)
    await made.refresh()
    return made


def later(build: Callable[..., Any], *arguments: Any, lines: int = 3) -> Live:
    """The same for what is dear to count or to load: grey lines first, drawn as soon as the page stands in the browser."""
    made = Live(build, arguments)
    with made.host:
        skeleton(lines)
    soon(0.01, bound(made.refresh, writes=False))
    return made


async def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    found = function(*args, **kwargs)
    if inspect.isawaitable(found):
        await found


async def _renewed(desk: Desk) -> Desk:
    """The same with the rights of now, which `bot.identity` remembers for five seconds.

    Raises:
        SignedOut: the session is over, or the person is no member any more.
    """
    principal = await gate.principal(desk.runtime, desk.session_id, desk.organization.id)
    if principal is None:
        raise SignedOut
    fresh = desk.renewed(principal)
    put_desk(fresh)
    return fresh


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
