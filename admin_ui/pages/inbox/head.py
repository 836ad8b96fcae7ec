"""Above the messages: who it is, who answers, how long the window is open, and what can be done with the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from nicegui import ui

from admin_ui.kit import Desk, badge, bound, button, here, icon_button
from admin_ui.kit.controls import tag
from admin_ui.kit.parts import Parts
from admin_ui.pages.inbox import listing
from bot.conversations import Conversation

if TYPE_CHECKING:
    from admin_ui.pages.inbox.desktop import Inbox

__all__ = ["Head"]


class Head:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._parts: Parts[Conversation] = Parts()

    async def build(self) -> None:
        desk = here()
        with ui.element("header").classes("ib-head") as self._root:
            back = icon_button("arrow_back", desk.say({"en": "Back to the list", "sw": "Rudi kwenye orodha"}))
            back.classes("ib-phone-only").props["onclick"] = "cn.inbox.pane('list')"
            with ui.element("div").classes("ib-head-name"):
                await self._parts.add(self._name, _name)
                with ui.element("div").classes("ib-head-state"):
                    await self._parts.add(self._state, _state)
            with ui.element("div").classes("cn-actions ib-head-actions"):
                await self._parts.add(self._verbs, _verbs)
                about = icon_button("person", desk.say({"en": "About the person", "sw": "Kuhusu mtu"}))
                about.classes("ib-person-open").props["onclick"] = "cn.inbox.togglePerson()"
        self._root.set_visibility(False)

    async def refresh(self) -> None:
        """What the open conversation says now; gone when none is open."""
        found = self._inbox.found
        self._root.set_visibility(found is not None)
        await self._parts.show(found, found and found.id)

    def _name(self, desk: Desk, found: Conversation) -> None:
        tag("h2", _name(desk, found))

    def _state(self, desk: Desk, found: Conversation) -> None:
        if found.closed_at is not None:
            badge(desk.say({"en": "closed", "sw": "yamefungwa"}))
        elif found.taken_over_at is not None:
            taker = found.taker.partition("@")[0]
            words = (
                {"en": "you answer", "sw": "unajibu wewe"}
                if _is_mine(desk, found)
                else {"en": f"{taker} answers", "sw": f"{taker} anajibu"}
            )
            badge(desk.say(words), "accent")
        elif found.waiting_at is not None:
            badge(desk.say({"en": "wants a person", "sw": "anataka mtu"}), "warn")
        else:
            badge(desk.say({"en": "the bot answers", "sw": "boti inajibu"}), "info")
        _countdown(desk, found)

    def _verbs(self, desk: Desk, found: Conversation) -> None:
        if not desk.may("inbox.reply"):
            return
        inbox = self._inbox
        if _is_mine(desk, found):
            text = {"en": "Give back to the bot", "sw": "Rudisha kwa boti"}
            button(text, _verb(inbox.give_back), icon="smart_toy", small=True, mark="give-back")
        elif found.closed_at is None:
            text = {"en": "Take over", "sw": "Chukua"}
            take = button(text, _verb(inbox.take_over), icon="front_hand", kind="primary", small=True, mark="take-over")
            take.props["data-key"] = "take"
        if found.closed_at is None:
            label = desk.say({"en": "Close (e)", "sw": "Funga (e)"})
            icon_button("task_alt", label, _verb(inbox.close)).mark("close").props["data-key"] = "close"
        else:
            button({"en": "Reopen", "sw": "Fungua tena"}, _verb(inbox.reopen), small=True, mark="reopen")
        unread = desk.say({"en": "Mark as unread", "sw": "Weka kama haijasomwa"})
        icon_button("mark_chat_unread", unread, _verb(inbox.mark_unread)).mark("mark-unread")


def _verb(do: Callable[[], Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    return bound(do, writes=False)


def _is_mine(desk: Desk, found: Conversation) -> bool:
    return found.taken_over_at is not None and found.taken_over_by == desk.principal.id


def _name(desk: Desk, found: Conversation) -> str:
    return found.name or found.masked or desk.say(listing.UNNAMED)


def _state(desk: Desk, found: Conversation) -> object:
    return (
        found.closed_at,
        found.taken_over_by,
        found.taker,
        found.waiting_at,
        found.window_closes_at,
        found.is_window_open(desk.now),
    )


def _verbs(desk: Desk, found: Conversation) -> object:
    return _is_mine(desk, found), found.closed_at is None


def _countdown(desk: Desk, found: Conversation) -> None:
    closes_at = found.window_closes_at
    closed = desk.say({"en": "24 hours are over: templates only", "sw": "Saa 24 zimekwisha: violezo tu"})
    pill = badge(closed, "bad").classes("num ib-window").mark("window")
    if closes_at is None or not found.is_window_open(desk.now):
        return
    seconds = int((closes_at - desk.now).total_seconds())
    left = desk.say({"en": "{h} h {m} min left", "sw": "zimebaki saa {h} dk {m}"})
    pill.set_text(left.replace("{h}", str(seconds // 3600)).replace("{m}", str(seconds % 3600 // 60)))
    pill.classes(remove="bad", add="warn" if seconds < 7200 else "")
    pill.props["data-left"], pill.props["data-words"], pill.props["data-closed"] = seconds, left, closed
