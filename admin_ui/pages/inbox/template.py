"""Sending an approved template: the only way to write first after 24 hours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from admin_ui.kit import bound, button, dialog, note, select_field, text_area, text_field
from admin_ui.pages.inbox.thread import template_texts
from admin_ui.scope import here, say
from bot.conversations import templates_sent
from bot.messages import Template
from store.crypto import OrganizationKeys

__all__ = ["build"]

CATEGORIES = {"utility": "Utility", "marketing": "Marketing", "authentication": "Authentication"}


async def build(send: Callable[..., Awaitable[None]], keys: OrganizationKeys) -> None:
    desk = here()
    used = {f"{each.name} · {each.language}": each for each in await templates_sent(keys)}
    with dialog({"en": "Send a template", "sw": "Tuma kiolezo"}) as box:
        text = {
            "en": "Its name and language as Meta approved them. It needs the person's consent.",
            "sw": "Jina na lugha kama Meta ilivyoidhinisha. Inahitaji idhini ya mtu.",
        }
        note(desk.say(text))

        async def fill(event: Any) -> None:
            found = used.get(event.value)
            if found is not None:
                name.set_value(found.name)
                language.set_value(found.language)
                category.set_value(found.category)
                values.set_value("\n".join(template_texts(found.components)))

        if used:
            chosen = {"en": "Used before", "sw": "Vilivyotumika"}
            select_field(chosen, list(used), on_change=bound(fill, writes=False), mark="template-used")
        name = text_field({"en": "Name", "sw": "Jina"}, placeholder="order_update", mark="template-name")
        with ui.element("div").classes("cn-grid cn-cols-2"):
            language = text_field({"en": "Language", "sw": "Lugha"}, desk.organization.locale, mark="template-language")
            category = select_field(
                {"en": "Category", "sw": "Aina"}, {key: say(text) for key, text in CATEGORIES.items()}, "utility"
            )
        values = text_area(
            {"en": "Values", "sw": "Thamani"},
            hint={"en": "One a line: {{1}}, {{2}} …", "sw": "Moja kwa mstari: {{1}}, {{2}} …"},
            rows=3,
            mark="template-values",
        )

        async def go() -> None:
            name.error = None
            if not (name.value or "").strip():
                name.error = here().say({"en": "Please fill this in", "sw": "Tafadhali jaza hapa"})
                return
            given = [
                {"type": "text", "text": line.strip()} for line in (values.value or "").splitlines() if line.strip()
            ]
            components = ({"type": "body", "parameters": given},) if given else ()
            await send(
                Template(
                    name=name.value.strip(),
                    language=(language.value or "en").strip(),
                    components=components,
                    category=category.value,
                )
            )
            box.close()

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(
                {"en": "Send", "sw": "Tuma"}, bound(go, writes=False), icon="send", kind="primary", mark="send-template"
            )
    box.on("hide", box.delete)
    box.open()
