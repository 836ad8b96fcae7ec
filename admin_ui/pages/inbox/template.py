"""Sending an approved template: the only way to write first after 24 hours. What is shown is made of what is sent."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import bound, button, dialog, empty, link_button, link_to, note, select_field, text_field
from admin_ui.kit.whatsapp_preview import template_preview
from admin_ui.scope import Desk, here
from bot.errors import Retryable
from bot.messages import Template
from bot.numbers import ApprovedTemplate, NotConnected, approved_templates, find_number
from bot.numbers.templates import fetched
from bot.render.template import Variable, filled, problem_of, unsendable, variables

__all__ = ["build"]

log = logging.getLogger(__name__)

PROBLEMS = {
    "empty": {
        "en": "Please fill this in: WhatsApp takes no empty value",
        "sw": "Tafadhali jaza: WhatsApp haikubali thamani tupu",
    },
    "link": {"en": "An address that begins with https://", "sw": "Anwani inayoanza na https://"},
    "spaces": {"en": "One line, without many spaces in a row", "sw": "Mstari mmoja, bila nafasi nyingi mfululizo"},
    "long": {"en": "That is too long", "sw": "Ni ndefu mno"},
}


async def build(send: Callable[..., Awaitable[None]], account_id: UUID) -> None:
    desk = here()
    number = await find_number(desk.organization.id, account_id)
    try:
        await fetched(desk.runtime, desk.organization.id)
    except (NotConnected, Retryable) as e:  # what is there will do; the Channels page tells what is wrong
        log.info("templates not fetched", extra={"reason": type(e).__name__})
    all_approved = await approved_templates(desk.organization.id, waba_id=number.waba_id)
    usable = {str(each.id): each for each in all_approved if not unsendable(each.components, each.category)}
    title = {"en": "Send a template", "sw": "Tuma kiolezo"}
    text = {
        "en": "Approved by Meta. It starts a conversation, so the person must have agreed to be written to.",
        "sw": "Kimeidhinishwa na Meta. Kinaanza mazungumzo, hivyo mtu lazima awe ameridhia kuandikiwa.",
    }
    with dialog(title, text=text, wide=True) as box:
        if usable:
            _Choice(send, usable, box).build()
        else:
            _none(desk, box)
    box.on("hide", box.delete)
    box.open()


def _none(desk: Desk, box: ui.dialog) -> None:
    text = {
        "en": "Meta has approved no template of this number's account that can be filled in here.",
        "sw": "Meta haijaidhinisha kiolezo cha akaunti ya namba hii kinachoweza kujazwa hapa.",
    }
    with empty(
        "campaign", desk.say({"en": "No approved template", "sw": "Hakuna kiolezo kilichoidhinishwa"}), desk.say(text)
    ):
        if channels := link_to(desk, "/channels"):
            link_button({"en": "See all templates", "sw": "Ona violezo vyote"}, channels)
    with ui.element("div").classes("cn-actions"):
        button(desk.word("cancel"), box.close, kind="quiet")


class _Choice:
    """A template, its fields, and the phone beside them."""

    def __init__(
        self, send: Callable[..., Awaitable[None]], usable: dict[str, ApprovedTemplate], box: ui.dialog
    ) -> None:
        self._send, self._usable, self._box = send, usable, box
        self._chosen = next(iter(usable.values()))
        self._fields: dict[str, tuple[Variable, ui.input]] = {}

    def build(self) -> None:
        desk = here()
        own = [each for each in self._usable.values() if each.language.startswith(desk.organization.locale)]
        self._chosen = (own or [self._chosen])[0]
        with ui.element("div").classes("ib-template"):
            with ui.element("div").classes("cn-stack"):
                select_field(
                    {"en": "Template", "sw": "Kiolezo"},
                    {key: f"{each.name} · {each.language}" for key, each in self._usable.items()},
                    str(self._chosen.id),
                    find=True,
                    on_change=bound(self._choose, writes=False),
                    mark="template-name",
                )
                self._form = ui.element("div").classes("cn-stack")
            self._phone = ui.element("div").classes("cn-stack")
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), self._box.close, kind="quiet")
            words = {"en": "Send", "sw": "Tuma"}
            button(words, bound(self._go, writes=False), icon="send", kind="primary", mark="send-template")
        self._draw()

    async def _choose(self, event: Any) -> None:
        self._chosen = self._usable.get(str(event.value), self._chosen)
        self._draw()

    def _draw(self) -> None:
        desk = here()
        self._fields = {}
        self._form.clear()
        wanted = variables(self._chosen.components)
        with self._form:
            for each in wanted:
                made = text_field(
                    _label(desk, each),
                    placeholder=each.example,
                    mark=f"template-{each.key}",
                    on_change=bound(self._show, writes=False),
                )
                self._fields[each.key] = (each, made)
            if not wanted:
                words = {"en": "Nothing to fill in.", "sw": "Hakuna cha kujaza."}
                ui.label(desk.say(words)).classes("cn-muted")
            if self._chosen.quality in ("YELLOW", "RED"):
                words = {
                    "en": "People have blocked or reported this one: Meta pauses it if that goes on.",
                    "sw": "Watu wamezuia au kuripoti hiki: Meta itakisitisha ikiendelea.",
                }
                note(desk.say(words), "warn")
        self._show()

    def _show(self) -> None:
        self._phone.clear()
        with self._phone:
            template_preview(self._chosen.components, self._components())

    def _components(self) -> tuple[dict[str, Any], ...]:
        values = {key: str(control.value or "") for key, (_, control) in self._fields.items()}
        return filled(self._chosen.components, values, named=self._chosen.named)

    async def _go(self) -> None:
        desk = here()
        is_whole = True
        for each, control in self._fields.values():
            problem = problem_of(each, str(control.value or ""))
            control.error = desk.say(PROBLEMS[problem]) if problem else None
            is_whole = is_whole and not problem
        if not is_whole:
            return
        category = self._chosen.category.lower()
        await self._send(
            Template(
                name=self._chosen.name,
                language=self._chosen.language,
                components=self._components(),
                category="marketing" if category == "marketing" else "utility",
            )
        )
        self._box.close()


def _label(desk: Desk, each: Variable) -> str:
    if each.kind == "link":
        return desk.say({"en": f"Address of the {each.media}", "sw": f"Anwani ya {each.media}"})
    if each.part == "button":
        return desk.say({"en": f"Button “{each.name}”", "sw": f"Kitufe “{each.name}”"})
    name = f"{{{{{each.name}}}}}" if each.name.isdigit() else each.name.replace("_", " ").capitalize()
    return f"{name} · {desk.say({'en': 'header', 'sw': 'kichwa'})}" if each.part == "header" else name
