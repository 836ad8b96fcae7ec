"""The person of a conversation: who, since when, where the bot stands with them, whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import bound, facts, icon_button, link_to, note
from admin_ui.kit.controls import badge, tag
from admin_ui.kit.parts import Parts
from admin_ui.pages.inbox.listing import UNNAMED, initials
from admin_ui.pages.inbox.thread import plain
from admin_ui.scope import Desk, here
from admin_ui.words import LOCALES, Words
from bot.conversations import Conversation, put_labels

if TYPE_CHECKING:
    from admin_ui.pages.inbox.desktop import Inbox

__all__ = ["Pane"]

PHASES: dict[str, Words] = {
    "IDLE": {"en": "nothing is open", "sw": "hakuna kilichoachwa wazi"},
    "LOCKED": {"en": "waits for an answer", "sw": "inasubiri jibu"},
    "WAITING": {"en": "waits for something outside", "sw": "inasubiri jambo la nje"},
}
MOST_SLOTS = 8


class Pane:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._parts: Parts[Conversation] = Parts()

    async def build(self) -> None:
        desk, room = here(), self._inbox
        back = icon_button("arrow_back", desk.say({"en": "Back to the messages", "sw": "Rudi kwenye ujumbe"}))
        back.classes("ib-person-back").props["onclick"] = "cn.inbox.togglePerson()"
        with ui.element("div").classes("ib-who"):
            await self._parts.add(_who, lambda _, found: (found.name, found.phone))
        await self._parts.add(_summary, lambda _, found: found.summary)
        await self._parts.add(
            lambda desk, found: _assignee(desk, room, found), lambda _, found: (found.assignee_id, found.assignee)
        )
        await self._parts.add(lambda desk, found: _labels(desk, room, found), lambda _, found: found.labels)
        await self._parts.add(_bot, lambda _, found: (found.flows, found.phase, found.slots))
        await self._parts.add(_facts, _facts_of)

    async def refresh(self) -> None:
        """What the open conversation says now; the pane is not shown when none is open."""
        found = self._inbox.found
        await self._parts.show(found, found and found.id)


def _who(desk: Desk, found: Conversation) -> None:
    ui.label(initials(found.name or "?")).classes("ib-avatar large").props('aria-hidden="true"')
    tag("h2", found.name or desk.say(UNNAMED))
    ui.label(found.phone if found.phone and desk.may("contacts.phone") else found.masked).classes("cn-muted num")
    if link_to(desk, "/contacts"):
        link = tag("a", desk.say({"en": "Everything about this person", "sw": "Yote kuhusu mtu huyu"}), "cn-small")
        link.props["href"] = f"/contacts/{found.contact_id}"


def _bot(desk: Desk, found: Conversation) -> None:
    with _section(desk.say({"en": "Where the bot stands", "sw": "Boti imefika wapi"})):
        flows = ", ".join(plain(each) for each in found.flows)
        phase = desk.say(PHASES.get(found.phase, found.phase))
        facts(
            [
                (desk.say({"en": "Flow", "sw": "Mtiririko"}), flows or desk.say(PHASES["IDLE"])),
                *([(desk.say({"en": "State", "sw": "Hali"}), phase)] if flows else []),
                *[(plain(name).capitalize(), value) for name, value in list(found.slots.items())[:MOST_SLOTS]],
            ]
        )


def _facts_of(desk: Desk, found: Conversation) -> object:
    return found.locale, found.opted_out_at, found.opted_in_at, found.account, found.account_state, found.account_reason


def _facts(desk: Desk, found: Conversation) -> None:
    with _section(desk.say({"en": "Person", "sw": "Mtu"})):
        language = LOCALES.get(found.locale.partition("-")[0], found.locale) or "–"
        consent = (
            {"en": "wants no messages", "sw": "hataki ujumbe"}
            if found.opted_out_at
            else {"en": f"since {desk.day(found.opted_in_at)}", "sw": f"tangu {desk.day(found.opted_in_at)}"}
            if found.opted_in_at
            else {"en": "not recorded", "sw": "haijarekodiwa"}
        )
        facts(
            [
                (desk.say({"en": "Language", "sw": "Lugha"}), language),
                (desk.say({"en": "Consent", "sw": "Idhini"}), desk.say(consent)),
                (desk.say({"en": "Known since", "sw": "Tangu"}), desk.day(found.known_since)),
                (desk.say({"en": "Number", "sw": "Namba"}), found.account),
            ]
        )
    if found.account_state != "connected":
        note(f"{found.account}: {found.account_state}. {found.account_reason}".strip(), "bad")


def _summary(desk: Desk, found: Conversation) -> None:
    summary = found.summary
    if summary is None:
        return
    with ui.element("div").classes("ib-summary").mark("summary"):
        tag("h3", desk.say({"en": "Why a person was called", "sw": "Kwa nini mtu ameitwa"}))
        if summary.said:
            ui.label(f"“{summary.said}”").classes("cn-strong")
        if summary.flows:
            ui.label(desk.say({"en": "in the middle of ", "sw": "katikati ya "}) + ", ".join(summary.flows)).classes(
                "cn-small"
            )
        for name, value in list(summary.slots.items())[:MOST_SLOTS]:
            ui.label(f"{plain(name)}: {value}").classes("cn-small cn-muted")


def _assignee(desk: Desk, room: Inbox, found: Conversation) -> None:
    nobody = desk.say({"en": "Nobody", "sw": "Hakuna"})
    options: dict[Any, str] = {"": nobody, **{str(each.id): each.name for each in room.people}}
    me = str(desk.principal.id)
    if not desk.may("inbox.assign"):
        mine = str(found.assignee_id or "")
        options = {key: name for key, name in options.items() if key in ("", me, mine)}
    with _section(desk.say({"en": "Assigned to", "sw": "Mhusika"})):
        chosen = str(found.assignee_id or "")
        if chosen not in options:
            options[chosen] = found.assignee

        async def give(event: Any) -> None:
            await room.give_to(UUID(event.value) if event.value else None)

        box = ui.select(options, value=chosen, on_change=bound(give, writes=False)).mark("assignee")
        box.props("outlined dense options-dense hide-bottom-space").style("width: 100%")
        box.props["aria-label"] = desk.say({"en": "Assigned to", "sw": "Mhusika"})
        box.set_enabled(desk.may("inbox.reply"))


def _labels(desk: Desk, room: Inbox, found: Conversation) -> None:
    with _section(desk.say({"en": "Labels", "sw": "Lebo"})):
        if not desk.may("inbox.reply"):
            with ui.element("div").classes("cn-line"):
                for each in found.labels:
                    badge(each, "info")
            return

        async def keep(event: Any) -> None:
            await room.gesture(put_labels, list(event.value or ()))

        box = ui.select(
            list(found.labels),
            value=list(found.labels),
            multiple=True,
            new_value_mode="add-unique",
            on_change=bound(keep, writes=False),
        ).mark("labels")
        box.props("outlined dense use-chips hide-dropdown-icon hide-bottom-space").style("width: 100%")
        box.props["aria-label"] = desk.say({"en": "Labels; type and press Enter", "sw": "Lebo; andika kisha Enter"})
        if not found.labels:
            box.props["placeholder"] = here().say({"en": "Type and press Enter", "sw": "Andika kisha Enter"})


@contextmanager
def _section(title: str) -> Iterator[None]:
    with ui.element("div").classes("ib-section"):
        tag("h3", title)
        yield
