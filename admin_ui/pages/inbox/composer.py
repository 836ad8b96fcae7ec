"""Where people write: text, notes, canned replies by `/`, and the ways to buttons, lists, files and templates.

What is typed is kept by the browser (`static/inbox.js`) until it was sent, so that neither a reload nor a lost socket costs a word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from admin_ui.kit import bound, button, icon_button, note, toast
from admin_ui.kit.controls import tag
from admin_ui.pages.inbox import canned, choices, media, template
from admin_ui.scope import Desk, here
from bot.conversations import Canned, Conversation, canned_replies, send, write_note
from bot.errors import ChatNationError
from bot.messages import Outbound, Text
from bot.render.limits import TEXT_BODY, size
from store.ids import uuid7

if TYPE_CHECKING:
    from admin_ui.pages.inbox.desktop import Inbox

__all__ = ["Composer"]

MOST_SHOWN = 6
SEND_ON_ENTER = """(e) => {
    if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    const sent = cn.inbox.take(e.target);
    if (sent) emit(sent);
}"""
SEND_ON_CLICK = """() => {
    const sent = cn.inbox.take(document.querySelector(".ib-compose textarea"));
    if (sent) emit(sent);
}"""


class Composer:
    def __init__(self, room: Inbox) -> None:
        self._room = room
        self._found: Conversation | None = None
        self._canned: list[Canned] = []
        self._state: tuple[Any, ...] = ()
        self.is_note = False
        self.is_window_open = False

    async def build(self) -> None:
        self._canned = await canned_replies(self._room.organization_id)
        self._host = ui.element("div").classes("ib-compose")

    async def follow(self, found: Conversation | None) -> None:
        """Draws it for this conversation; what is typed stays as long as nothing but the messages changed."""
        desk = here()
        self._found = found
        self.is_window_open = found is not None and found.is_window_open(desk.now)
        state = (
            (found.id, self.is_window_open, found.taken_over_by, found.opted_out_at is None, self.is_note)
            if found
            else ()
        )
        if state == self._state:
            return
        self._state = state
        self._host.clear()
        if found is None or not desk.may("inbox.reply"):
            return
        self._host.props["data-conversation"] = f"{found.id}{':note' if self.is_note else ''}"
        with self._host:
            self._draw(desk, found)
        ui.run_javascript("cn.inbox.restore()")

    def _draw(self, desk: Desk, found: Conversation) -> None:
        self._matches = ui.element("div").classes("ib-canned").props("role=listbox")
        with ui.element("div").classes("ib-compose-top"):
            with ui.element("div").classes("cn-segments").props("role=group"):
                for is_note, words in ((False, {"en": "Reply", "sw": "Jibu"}), (True, {"en": "Note", "sw": "Dokezo"})):
                    choice = tag("button", desk.say(words)).props("type=button")
                    choice.props["aria-pressed"] = "true" if is_note == self.is_note else "false"
                    choice.mark("mode-note" if is_note else "mode-reply")
                    choice.on("click", bound(lambda wanted=is_note: self._switch(wanted), writes=False), [])
            self._hint(desk, found)
        if not self.is_window_open and not self.is_note:
            self._closed(desk)
            return
        with ui.element("div").classes("ib-compose-row"):
            if not self.is_note:
                self._tools(desk)
            self._text = ui.textarea(on_change=bound(self._typed, writes=False)).mark("composer")
            self._text.props(f'outlined dense autogrow hide-bottom-space rows="1" maxlength="{TEXT_BODY}"').classes(
                "ib-text"
            )
            placeholder = (
                {"en": "Only colleagues see this", "sw": "Wenzako tu wataona"}
                if self.is_note
                else {"en": "Write a message. / for canned replies", "sw": "Andika ujumbe. / kwa majibu tayari"}
            )
            self._text.props["placeholder"] = self._text.props["aria-label"] = desk.say(placeholder)
            self._text.on("keydown", bound(self._sent, writes=False), js_handler=SEND_ON_ENTER)
            words = {"en": "Save note", "sw": "Hifadhi"} if self.is_note else {"en": "Send", "sw": "Tuma"}
            push = button(words, icon="sticky_note_2" if self.is_note else "send", kind="primary", mark="send")
            push.on("click", bound(self._sent, writes=False), js_handler=SEND_ON_CLICK)

    def _hint(self, desk: Desk, found: Conversation) -> None:
        if self.is_note:
            return
        if found.opted_out_at is not None:
            text = {
                "en": "This person wrote STOP; an answer to what they write may still go.",
                "sw": "Mtu huyu aliandika STOP; jibu kwa anachoandika linaweza kutumwa.",
            }
        elif found.taken_over_at is None:
            text = {"en": "The bot answers. Writing takes over.", "sw": "Boti inajibu. Ukiandika, unachukua."}
        elif found.taken_over_by != desk.principal.id:
            taker = found.taker.partition("@")[0]
            text = {"en": f"{taker} answers here.", "sw": f"{taker} anajibu hapa."}
        else:
            return
        ui.label(desk.say(text)).classes("cn-muted cn-small")

    def _closed(self, desk: Desk) -> None:
        text = {
            "en": "This person last wrote more than 24 hours ago. WhatsApp takes only an approved template until they write again.",
            "sw": "Mtu huyu aliandika zaidi ya saa 24 zilizopita. WhatsApp inakubali kiolezo kilichoidhinishwa tu hadi aandike tena.",
        }
        with ui.element("div").classes("ib-closed").mark("window-closed"):
            note(desk.say(text), "warn")
            words = {"en": "Send a template", "sw": "Tuma kiolezo"}
            button(words, bound(self._open_template, writes=False), icon="campaign", kind="primary", mark="template")

    def _tools(self, desk: Desk) -> None:
        with ui.element("div").classes("ib-tools"):
            attach = desk.say({"en": "Send a file", "sw": "Tuma faili"})
            icon_button("attach_file", attach, bound(self._open_media, writes=False)).mark("attach")
            options = desk.say({"en": "Buttons or a list", "sw": "Vitufe au orodha"})
            icon_button("format_list_bulleted", options, bound(self._open_choices, writes=False)).mark("choices")
            ready = desk.say({"en": "Canned replies", "sw": "Majibu tayari"})
            icon_button("quickreply", ready, bound(self._open_canned, writes=False)).mark("canned")

    # -- gestures

    async def _switch(self, is_note: bool) -> None:
        self.is_note = is_note
        await self.follow(self._found)
        ui.run_javascript("cn.inbox.write()")

    async def _typed(self, event: Any) -> None:
        self._show_matches(self._matching(str(event.value or "")))

    def _matching(self, text: str) -> Sequence[Canned]:
        if not text.startswith("/") or "\n" in text or self.is_note:
            return ()
        wanted = text[1:].casefold()
        begins = [each for each in self._canned if each.shortcut.startswith(wanted)]
        within = [each for each in self._canned if each not in begins and wanted in each.text.casefold()]
        return [*begins, *within][:MOST_SHOWN]

    def _show_matches(self, found: Sequence[Canned]) -> None:
        self._matches.clear()
        with self._matches:
            for each in found:
                line = ui.element("button").props("type=button role=option")
                with line:
                    ui.label(f"/{each.shortcut}").classes("cn-strong")
                    ui.label(each.text).classes("cn-clip cn-muted")
                line.on("click", bound(lambda it=each: self._bring(it), writes=False), [])

    def _bring(self, found: Canned) -> None:
        self._show_matches(())
        text = found.for_person(self._found.name if self._found else "")
        self._text.set_value(text)
        ui.run_javascript(f"cn.inbox.put({json.dumps(text)})")

    async def _sent(self, event: Any) -> None:
        """`event.args`: {text, key}; the browser has put it aside and takes it back when it could not go."""
        given = event.args if isinstance(event.args, dict) else {}
        text, key = str(given.get("text") or self._text.value or "").strip(), str(given.get("key") or uuid7().hex)
        if not text:
            return
        if (found := self._matching(text)) and text.startswith("/"):
            self._bring(found[0])
            return
        try:
            if self.is_note:
                await self._room.gesture(write_note, text)
            elif size(text) > TEXT_BODY:
                toast(here().say({"en": f"At most {TEXT_BODY} characters", "sw": f"Herufi {TEXT_BODY} tu"}), kind="bad")
                ui.run_javascript(f"cn.inbox.failed({json.dumps(text)})")
                return
            else:
                await self.send(Text(text=text), key=key)
        except ChatNationError:
            ui.run_javascript(f"cn.inbox.failed({json.dumps(text)})")
            raise
        if str(self._text.value or "").strip() == text:  # else something else was typed in the meantime
            self._text.set_value("")
        ui.run_javascript(f"cn.inbox.gone({json.dumps(key)})")

    async def send(self, part: Outbound, *, key: str = "") -> None:
        await self._room.gesture(send, part, key=key or uuid7().hex)

    async def _open_choices(self) -> None:
        choices.build(self.send)

    async def _open_media(self) -> None:
        media.build(self.send)

    async def _open_template(self) -> None:
        if self._found is not None:
            await template.build(self.send, self._found.account_id)

    async def _open_canned(self) -> None:
        async def changed() -> None:
            self._canned = await canned_replies(self._room.organization_id)

        canned.build(self._canned, self._bring, changed)
