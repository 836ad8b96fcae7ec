"""The builder of buttons and lists: what WhatsApp allows is said while one types, beside what the person will see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from admin_ui.kit import bound, button, dialog, forget_kept, icon_button, text_area
from admin_ui.kit.controls import note
from admin_ui.kit.whatsapp_preview import draw, phone
from admin_ui.scope import here
from bot.messages import Choices, Option, Outbound
from bot.render import limits, render
from bot.render.limits import size

__all__ = ["build"]

MOST = limits.LIST_ROWS


def build(send: Callable[..., Awaitable[None]]) -> None:
    with dialog({"en": "Buttons or a list", "sw": "Vitufe au orodha"}, wide=True) as box:
        _Builder(box, send)
    box.on("hide", box.delete)
    box.open()


class _Builder:
    def __init__(self, box: ui.dialog, send: Callable[..., Awaitable[None]]) -> None:
        self._box, self._deliver = box, send
        self._rows: list[tuple[Any, Any, ui.element]] = []
        desk = here()
        with ui.element("div").classes("ib-builder"):
            with ui.element("div").classes("cn-stack"):
                self._text = text_area({"en": "Text", "sw": "Maandishi"}, rows=3, mark="choices-text", keep="choices")
                self._text.on_value_change(bound(self._changed, writes=False))
                words = {
                    "en": f"Up to {limits.BUTTONS_MAX} become buttons, up to {MOST} a list.",
                    "sw": f"Hadi {limits.BUTTONS_MAX} huwa vitufe, hadi {MOST} orodha.",
                }
                ui.label(desk.say(words)).classes("cn-hint")
                self._list = ui.element("div").classes("cn-stack tight")
                for _ in range(2):
                    self._add()
                self._more = button(
                    {"en": "Add an option", "sw": "Ongeza chaguo"},
                    bound(self._add_one, writes=False),
                    icon="add",
                    kind="quiet",
                    small=True,
                    mark="add-option",
                )
            self._preview_host = ui.element("div")
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(
                {"en": "Send", "sw": "Tuma"},
                bound(self._send, writes=False),
                icon="send",
                kind="primary",
                mark="send-choices",
            )
        self._show()

    def _add(self) -> None:
        number = len(self._rows) + 1
        desk = here()
        with self._list, ui.element("div").classes("ib-option") as line:
            label = desk.say({"en": f"Option {number}", "sw": f"Chaguo {number}"})
            title = ui.input(placeholder=label, on_change=bound(self._changed, writes=False)).mark(f"option-{number}")
            title.props("outlined dense hide-bottom-space no-error-icon").props["aria-label"] = label
            words = desk.say({"en": "Description (list only)", "sw": "Maelezo (orodha tu)"})
            about = ui.input(placeholder=words, on_change=bound(self._changed, writes=False))
            about.props("outlined dense hide-bottom-space no-error-icon").props["aria-label"] = f"{label}: {words}"
            remove = desk.say({"en": f"Remove option {number}", "sw": f"Ondoa chaguo {number}"})
            icon_button("close", remove, bound(lambda: self._remove(line), writes=False))
        self._rows.append((title, about, line))

    async def _add_one(self) -> None:
        if len(self._rows) < MOST:
            self._add()
        self._more.set_visibility(len(self._rows) < MOST)
        self._show()

    def _remove(self, line: ui.element) -> None:
        self._rows = [each for each in self._rows if each[2] is not line]
        line.delete()
        self._more.set_visibility(True)
        self._show()

    async def _changed(self, event: Any) -> None:
        self._show()

    def _part(self) -> Choices:
        options = [
            Option(
                title=(title.value or "").strip(),
                payload=(title.value or "").strip(),
                description=(about.value or "").strip(),
            )
            for title, about, _ in self._rows
            if (title.value or "").strip()
        ]
        return Choices(text=self._text.value or "", options=tuple(options))

    def _show(self) -> None:
        part = self._part()
        is_list = len(part.options) > limits.BUTTONS_MAX or any(each.description for each in part.options)
        most = limits.ROW_TITLE if is_list else limits.BUTTON_TITLE
        for title, about, _ in self._rows:
            title.error = _too_long(title.value or "", most)
            about.error = _too_long(about.value or "", limits.ROW_DESCRIPTION)
        self._text.error = _too_long(part.text, limits.LIST_BODY if is_list else limits.BUTTONS_BODY)
        self._preview_host.clear()
        with self._preview_host:
            if part.text.strip() and part.options:
                with phone():
                    for each in render(part, option_id=str, page_id=lambda page: f"p{page}"):
                        draw(each)
            else:
                words = {"en": "What the person will see stands here.", "sw": "Atakachoona mtu kitaonekana hapa."}
                note(here().say(words))

    def _has_errors(self) -> bool:
        fields = [self._text, *(each for title, about, _ in self._rows for each in (title, about))]
        return any(each.error for each in fields)

    async def _send(self) -> None:
        part: Outbound = self._part()
        if self._has_errors():
            return
        if not self._part().text.strip():
            self._text.error = here().say({"en": "Please fill this in", "sw": "Tafadhali jaza hapa"})
            return
        await self._deliver(part)
        forget_kept("choices")
        self._box.close()


def _too_long(text: str, most: int) -> str | None:
    over = size(text)
    return f"{over} / {most}" if over > most else None
