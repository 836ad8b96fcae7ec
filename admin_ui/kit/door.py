"""The pages before the shell: signing in, registering, invitations. One form on the left, calm green on the right."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Literal

from nicegui import ui

from admin_ui.kit.controls import tag
from admin_ui.kit.whatsapp_preview import formatted
from admin_ui.scope import say
from admin_ui.words import LOCALES, Words
from store.ids import uuid7

__all__ = ["DoorField", "Problem", "door", "door_button", "door_field", "guarded"]

log = logging.getLogger(__name__)

_numbers = count(1)
MARK = '<img src="/static/mark.svg" width="36" height="36" alt="">'


@contextmanager
def door(title: Words, text: Words = "") -> Iterator[None]:
    with ui.element("div").classes("cn-door"):
        with ui.element("main").classes("cn-door-form"):
            with ui.element("div").classes("cn-line"):
                ui.html(MARK, sanitize=False)
                ui.label("ChatNation").classes("cn-strong").style("font-size: 17px; letter-spacing: -0.02em")
            with ui.element("div"):
                tag("h1", say(title))
                if text:
                    tag("p", say(text), "cn-muted").style("margin-top: 6px")
            yield
            _languages()
        with ui.element("aside").classes("cn-door-side"):
            _side()


def _languages() -> None:
    with ui.element("div").classes("cn-line cn-small").style("justify-content: center; gap: 14px"):
        for code, name in LOCALES.items():
            tag("button", name, "cn-link").props(f'type="button" lang="{code}"').props["onclick"] = (
                f"cn.locale('{code}')"
            )


def _side() -> None:
    tag("h2", say("Your audience is on WhatsApp. Meet them there."))
    tag("p", say("Answers in seconds, tickets in the chat, and a colleague who takes over when it matters."))
    with ui.element("div").classes("cn-phone").style("max-width: 330px; border: 0"):
        for text, mine in (
            ("Habari! Is there parking at the Night Market?", False),
            ("Yes: 300 places behind The Alchemist, from 16:00.\n_Source: Visiting us_", True),
            ("Two tickets please", False),
            ("*Makers’ Night Market*\nSaturday 17:00. Here they are, show the code at the gate.", True),
        ):
            with ui.element("div").classes(f"cn-bubble {'mine' if mine else 'in'}"):
                ui.html(formatted(say(text)), sanitize=False).classes("cn-wa-text")


class Problem:
    """The line above the fields that says what went wrong. Hidden until then."""

    def __init__(self) -> None:
        with ui.element("div").classes("cn-note bad").props("role=alert") as self._box, ui.element("div"):
            self._text = ui.label("")
        self._box.set_visibility(False)

    def say(self, text: Words, tone: Literal["bad", "info", "good"] = "bad") -> None:
        sentence = text if not isinstance(text, str) else text[:1].upper() + text[1:]
        told = say(sentence)
        self._text.set_text(told + ("" if told.endswith((".", "!", "?")) else "."))
        self._box.classes(remove="bad info good", add=tone)
        self._box.set_visibility(True)

    def hide(self) -> None:
        self._box.set_visibility(False)


class DoorField(ui.input):
    """An input whose label and hint are hidden with it: `field.host.set_visibility(False)`."""

    host: ui.element


def door_field(
    label: Words, *, kind: str = "text", autocomplete: str = "off", hint: Words = "", value: str = "", mark: str = ""
) -> DoorField:
    target = f"door-{next(_numbers)}"
    with ui.element("div").classes("cn-field") as host:
        tag("label", say(label)).props["for"] = target
        is_password = kind == "password"
        found = DoorField(value=value, password=is_password, password_toggle_button=is_password)
        found.host = host
        found.props(f'outlined dense hide-bottom-space for="{target}" autocomplete="{autocomplete}"')
        if not is_password:
            found.props(f'type="{kind}"')
        if hint:
            ui.label(say(hint)).classes("cn-hint")
    return found.mark(mark or str(label).lower().replace(" ", "-"))


def door_button(text: Words, on_click: Callable[[], Awaitable[None]], *, mark: str = "") -> ui.button:
    found = ui.button(say(text), on_click=guarded(on_click), color=None)
    found.props("unelevated no-caps").classes("cn-btn primary across")
    return found.mark(mark) if mark else found


def guarded(handle: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """For handlers of those who are not signed in, where `bound` has nothing to bind: nothing fails in silence."""

    async def perform() -> None:
        try:
            await handle()
        except Exception:
            number = uuid7().hex[-8:]
            log.exception("gesture failed", extra={"handler": handle.__qualname__, "number": number})
            text = say("That did not work. If it stays so, tell us this number: {number}", number=number)
            ui.notify(text, timeout=7000, classes="bad")

    return perform
