"""The page: three panes beside each other, one at a time on a phone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from nicegui import context, ui

from admin_ui.kit import (
    Desk,
    Group,
    Hit,
    bound,
    button,
    empty,
    every,
    here,
    page,
    search,
    skeleton,
    toast,
)
from admin_ui.kit.controls import tag
from admin_ui.pages.inbox import listing, thread
from admin_ui.pages.inbox.composer import Composer
from admin_ui.pages.inbox.head import Head
from admin_ui.pages.inbox.person import Pane
from admin_ui.pages.inbox.watch import watch
from admin_ui.scope import desk_of
from bot.conversations import (
    Conversation,
    Listed,
    NoConversation,
    Person,
    Pulse,
    Thread,
    View,
    assign,
    close,
    conversation,
    conversations,
    counts,
    give_back,
    mark_read,
    mark_unread,
    people_of,
    pulse,
    reopen,
    take_over,
)
from bot.conversations import thread as read_thread
from bot.unit import open_unit
from store.crypto import OrganizationKeys, keyring
from store.tenancy import organization_scope

__all__ = ["Inbox", "inbox"]

log = logging.getLogger(__name__)

HEAD = '<link rel="stylesheet" href="/static/inbox.css"><script src="/static/inbox.js" defer></script>'
WINDOW_CHECK_S = 20.0
COUNTS_EVERY = 8  # looks: numbers beside the views may be a few seconds old
PICK_ROW = """(e) => {
    const row = e.target.closest("[data-id]");
    if (!row || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault(); cn.inbox.chosen(row); emit(row.dataset.id);
}"""


@page(
    "/inbox",
    title={"en": "Inbox", "sw": "Kikasha"},
    icon="forum",
    group=Group.WORK,
    permission="inbox.view",
    order=10,
    wide=True,
)
async def inbox(desk: Desk, c: UUID | None = None, view: str = "open") -> None:
    ui.add_head_html(HEAD)
    keys = await keyring().keys(desk.organization.id)
    # Looked at before anything is drawn: what comes in while the page is built is then new.
    room = Inbox(
        desk, keys, View(view) if view in set(View) else View.OPEN, await pulse(desk.organization.id, [c] if c else [])
    )
    await room.build()
    if c is not None:
        await room.open(c)
    watch(room)


@search
async def find_conversations(desk: Desk, words: str) -> list[Hit]:
    if not desk.may("inbox.view"):
        return []
    keys = await keyring().keys(desk.organization.id)
    found = await conversations(View.OPEN, me=desk.principal.id, keys=keys, find=words, limit=5, locale=desk.locale)
    return [Hit(each.name or each.masked, f"/inbox?c={each.id}", "forum", each.preview) for each in found.rows]


class Inbox:
    """One open page. Implements `watch.Watcher`."""

    def __init__(self, desk: Desk, keys: OrganizationKeys, view: View, known: Pulse) -> None:
        self.organization_id = desk.organization.id
        self.keys = keys
        self.view = view
        self.find = ""
        self.opened: UUID | None = None
        self.found: Conversation | None = None
        self.people: list[Person] = []
        self._client = context.client
        self._rows: list[Listed] = []
        self._after: tuple[datetime, UUID] | None = None
        self._pages = 1
        self._pulse = known
        self._looks = 0
        self._drawn: dict[str, tuple[object, ui.element]] = {}
        self._earlier: Thread | None = None
        self._lock = asyncio.Lock()

    # -- drawing

    async def build(self) -> None:
        desk = here()
        self.people = await people_of(self.organization_id)
        with ui.element("div").classes("ib").props('data-pane="list"') as self._root:
            with ui.element("section").classes("ib-list") as pane:
                pane.props["aria-label"] = desk.say({"en": "Conversations", "sw": "Mazungumzo"})
                await self._list_pane(desk)
            with ui.element("section").classes("ib-thread-pane") as pane:
                pane.props["aria-label"] = desk.say({"en": "Messages", "sw": "Ujumbe"})
                self._head = Head(self)
                await self._head.build()
                with ui.element("div").classes("ib-scroll").props('tabindex="0" role="log" aria-live="polite"') as log_:
                    log_.props["aria-label"] = desk.say({"en": "Messages", "sw": "Ujumbe"})
                    self._older = ui.element("div").classes("ib-older")
                    self._thread = ui.element("div").classes("ib-thread cn-phone")
                self._nothing = ui.element("div").classes("ib-nothing")
                with self._nothing:
                    text = {
                        "en": "Choose one on the left. j and k move, r answers, e closes.",
                        "sw": "Chagua moja kushoto. j na k kusogea, r kujibu, e kufunga.",
                    }
                    with empty(
                        "forum",
                        desk.say({"en": "No conversation is open", "sw": "Hakuna mazungumzo yaliyofunguliwa"}),
                        desk.say(text),
                    ):
                        pass
                self.composer = Composer(self)
                await self.composer.build()
            with ui.element("aside").classes("ib-person") as pane:
                pane.props["aria-label"] = desk.say({"en": "Person", "sw": "Mtu"})
                self._person = Pane(self)
                await self._person.build()
        every(WINDOW_CHECK_S, bound(self._window_may_have_closed, writes=False))

    async def _list_pane(self, desk: Desk) -> None:
        with ui.element("div").classes("ib-list-head"):
            with ui.element("div").classes("cn-line between"):
                tag("h1", desk.say({"en": "Inbox", "sw": "Kikasha"}), "ib-h1")
                options = {each: desk.say(words) for each, words in listing.VIEWS.items()}
                self._select = ui.select(options, value=self.view, on_change=bound(self._choose_view, writes=False))
                self._select.props("outlined dense options-dense hide-bottom-space").classes("ib-view").mark("view")
                self._select.props["aria-label"] = desk.say({"en": "Show", "sw": "Onyesha"})
            self._search = ui.input(
                placeholder=desk.say({"en": "Name or number", "sw": "Jina au namba"}),
                on_change=bound(self._search_for, writes=False),
            ).props('outlined dense clearable debounce="250" type="search"')
            self._search.classes("ib-search").mark("find")
            self._search.props["aria-label"] = desk.say({"en": "Search people", "sw": "Tafuta watu"})
        self._list = ui.html("", sanitize=False).classes("ib-rows")
        self._list.on("click", bound(self._picked, writes=False), js_handler=PICK_ROW)
        self._list_foot = ui.element("div").classes("ib-list-foot")
        with self._list:
            wait = skeleton(4)
        await self._draw_list()
        wait.delete()

    async def _draw_list(self) -> None:
        desk = desk_of(self._client)
        found = await conversations(
            self.view,
            me=desk.principal.id,
            keys=self.keys,
            find=self.find,
            limit=40 * self._pages,
            locale=desk.locale,
        )
        self._rows = found.rows
        self._list.set_content(listing.rows_html(desk, found.rows, self.opened))
        if (found.after is None) != (self._after is None) or not found.rows or self._list_foot.default_slot.children:
            self._list_foot.clear()
            with self._list_foot:
                self._draw_foot(desk, is_empty=not found.rows, has_more=found.after is not None)
        self._after = found.after
        if self._looks % COUNTS_EVERY == 0:
            await self._draw_counts(desk)
        self._looks += 1

    def _draw_foot(self, desk: Desk, *, is_empty: bool, has_more: bool) -> None:
        if has_more:
            text = {"en": "Show more", "sw": "Onyesha zaidi"}
            button(text, bound(self._more, writes=False), kind="quiet", small=True)
        if not is_empty:
            return
        if self.find:
            ui.label(desk.say({"en": "Nobody found", "sw": "Hakuna aliyepatikana"})).classes("ib-none")
            return
        texts = {
            View.WAITING: {"en": "Nobody waits for a person.", "sw": "Hakuna anayesubiri mtu."},
            View.UNREAD: {"en": "Everything is read.", "sw": "Yote yamesomwa."},
            View.CLOSED: {"en": "Nothing is closed yet.", "sw": "Hakuna lililofungwa bado."},
            View.MINE: {"en": "Nothing is assigned to you.", "sw": "Hujakabidhiwa chochote."},
        }
        usual = {
            "en": "When somebody writes to your number, it stands here within a second.",
            "sw": "Mtu akiandika kwa namba yako, ataonekana hapa ndani ya sekunde moja.",
        }
        ui.label(desk.say(texts.get(self.view, usual))).classes("ib-none")

    async def _draw_counts(self, desk: Desk) -> None:
        found = await counts(self.organization_id, desk.principal.id)
        options = {}
        for each, words in listing.VIEWS.items():
            number = listing.count_of(found, each)
            options[each] = f"{desk.say(words)} ({number:,})" if number else desk.say(words)
        if options != self._select.options:
            self._select.set_options(options)

    async def _draw_thread(self, *, afresh: bool = False) -> None:
        assert self.opened is not None
        desk = desk_of(self._client)
        found = await read_thread(self.opened, self.keys)
        items = [*(self._earlier.items if self._earlier else ()), *found.items]
        names = {f"user:{each.id}": each.name for each in self.people}
        wanted = {each.key: each for each in thread.entries(desk, items, names)}
        kept = [key for key in self._drawn if key in wanted]
        if afresh or list(self._drawn) != kept or list(wanted)[: len(kept)] != kept:
            self._thread.clear()
            self._drawn.clear()
        for key, each in wanted.items():
            known = self._drawn.get(key)
            if known is not None and known[0] == each.print:
                continue
            if known is None:
                with self._thread:
                    host = ui.element("div").classes(f"ib-item {each.classes}")
                    host.props["data-item"] = key
            else:
                host = known[1]
                host.clear()
            with host:
                each.draw()
            self._drawn[key] = (each.print, host)
        before = self._earlier.before if self._earlier else found.before
        self._older.clear()
        if before is not None:
            with self._older:
                text = {"en": "Earlier messages", "sw": "Ujumbe wa awali"}
                button(text, bound(lambda: self._show_earlier(before), writes=False), kind="quiet", small=True)

    # -- live

    @property
    def is_gone(self) -> bool:
        return self._root.is_deleted

    async def seen(self, found: Pulse) -> None:
        if not self._client.has_socket_connection:
            return  # it is drawn when the browser is back
        before, self._pulse = self._pulse, found
        list_changed = found.versions != before.versions
        opened = self.opened
        thread_changed = opened is not None and (
            found.prints.get(opened) != before.prints.get(opened)
            or found.versions.get(opened) != before.versions.get(opened)
        )
        if not list_changed and not thread_changed:
            return
        with organization_scope(self.organization_id), self._root:
            async with self._lock:
                if thread_changed and opened == self.opened:
                    await self._refresh_thread()
                if list_changed:
                    await self._draw_list()

    async def _refresh_thread(self) -> None:
        """What was said since, and what changed around it."""
        opened = self.opened
        if opened is None:
            return
        before = self.found
        self.found = await conversation(opened, self.keys)
        await self._draw_thread()
        if before is None or _around(before) != _around(self.found):
            await self._head.refresh()
            await self._person.refresh()
            await self.composer.follow(self.found)
        if self.found.unread:
            await self._read(opened)
        ui.run_javascript("cn.inbox.follow()")

    async def refresh(self) -> None:
        """After a gesture: everything, at once."""
        async with self._lock:
            await self._refresh_thread()
            await self._draw_list()

    async def _window_may_have_closed(self) -> None:
        if self.found is not None and self.found.is_window_open(here().now) != self.composer.is_window_open:
            await self._head.refresh()
            await self.composer.follow(self.found)

    # -- gestures

    async def open(self, conversation_id: UUID) -> None:
        async with self._lock:
            try:
                self.found = await conversation(conversation_id, self.keys)
            except NoConversation as e:
                toast(str(e), kind="bad")
                return
            self.opened = conversation_id
            self._earlier = None
            self._root.classes(add="has-open")
            self._nothing.set_visibility(False)
            await self._head.refresh()
            await self._draw_thread(afresh=True)
            await self._person.refresh()
            await self.composer.follow(self.found)
            ui.run_javascript(f"cn.inbox.opened({str(conversation_id)!r})")
            if self.found.unread:
                await self._read(conversation_id)
            await self._draw_list()

    async def _picked(self, event: Any) -> None:
        await self.open(UUID(str(event.args)))

    async def _choose_view(self, event: Any) -> None:
        self.view, self._pages = View(event.value), 1
        await self._draw_list()

    async def _search_for(self, event: Any) -> None:
        self.find, self._pages = str(event.value or ""), 1
        await self._draw_list()

    async def _more(self) -> None:
        self._pages += 1
        await self._draw_list()

    async def _show_earlier(self, before: tuple[datetime, UUID]) -> None:
        if self.opened is None:
            return
        found = await read_thread(self.opened, self.keys, before=before)
        items = [*found.items, *(self._earlier.items if self._earlier else ())]
        self._earlier = Thread(items, found.before)
        ui.run_javascript("cn.inbox.keepPlace()")
        await self._draw_thread(afresh=True)

    async def _read(self, conversation_id: UUID) -> None:
        desk = desk_of(self._client)
        if not desk.may("inbox.reply"):
            return
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            await mark_read(work, desk.principal, conversation_id)

    async def gesture(self, verb: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> None:
        """One verb on the open conversation in one transaction; then everything is drawn again."""
        desk = here()
        assert self.opened is not None
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            await verb(work, desk.principal, self.opened, *arguments, **more)
        await self.refresh()

    async def take_over(self) -> None:
        await self.gesture(take_over)
        ui.run_javascript("cn.inbox.write()")

    async def give_back(self) -> None:
        await self.gesture(give_back)

    async def close(self) -> None:
        await self.gesture(close)
        toast(
            here().say(
                {"en": "Closed. It opens again with the next message.", "sw": "Yamefungwa. Yatafunguka na ujumbe ujao."}
            )
        )

    async def reopen(self) -> None:
        await self.gesture(reopen)

    async def mark_unread(self) -> None:
        desk = here()
        opened, self.opened, self.found = self.opened, None, None
        if opened is None:
            return
        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
            await mark_unread(work, desk.principal, opened)
        async with self._lock:
            self._thread.clear()
            self._drawn.clear()
            self._older.clear()
            self._root.classes(remove="has-open")
            self._nothing.set_visibility(True)
            await self._head.refresh()
            await self._person.refresh()
            await self.composer.follow(None)
            await self._draw_list()
        ui.run_javascript("cn.inbox.opened('')")

    async def give_to(self, user_id: UUID | None) -> None:
        await self.gesture(assign, user_id)


def _around(found: Conversation) -> tuple[Any, ...]:
    """What head, composer and person show, besides what was said."""
    return (
        found.taken_over_by,
        found.taken_over_at,
        found.waiting_at,
        found.closed_at,
        found.assignee_id,
        found.labels,
        found.last_user_at,
        found.opted_out_at,
        found.phase,
        found.flows,
        found.slots,
    )
