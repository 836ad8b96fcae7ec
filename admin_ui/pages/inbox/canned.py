"""The organization's canned replies: choosing, writing, removing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from admin_ui.kit import bound, button, dialog, forget_kept, icon_button, text_area, text_field, toast
from admin_ui.scope import here
from bot.conversations import Canned, NotValid, put_canned_reply, remove_canned_reply
from bot.unit import open_unit

__all__ = ["build"]


def build(found: Sequence[Canned], bring: Callable[[Canned], None], changed: Callable[[], Awaitable[None]]) -> None:
    desk = here()
    with dialog({"en": "Canned replies", "sw": "Majibu tayari"}) as box:
        with ui.element("div").classes("ib-canned-list"):
            for each in found:
                with ui.element("div").classes("cn-line") as line:
                    with ui.element("button").props("type=button").classes("ib-canned-one") as choose:
                        ui.label(f"/{each.shortcut}").classes("cn-strong")
                        ui.label(each.text).classes("cn-muted cn-clip")

                    def use(it: Canned = each) -> None:
                        bring(it)
                        box.close()

                    choose.on("click", bound(use, writes=False), [])
                    label = desk.say({"en": f"Remove /{each.shortcut}", "sw": f"Ondoa /{each.shortcut}"})

                    async def drop(it: Canned = each, row: ui.element = line) -> None:
                        desk = here()
                        async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
                            await remove_canned_reply(work, desk.principal, it.shortcut)
                        row.delete()
                        await changed()

                    icon_button("delete", label, bound(drop, writes=False))
            if not found:
                none = {"en": "None yet. Write the first one below.", "sw": "Hakuna bado. Andika la kwanza hapa chini."}
                ui.label(desk.say(none)).classes("cn-muted")
        name = text_field({"en": "Short name", "sw": "Jina fupi"}, placeholder="parking", mark="canned-name")
        hint = {"en": "{name} becomes the person's first name.", "sw": "{name} huwa jina la mtu."}
        text = text_area({"en": "Text", "sw": "Maandishi"}, rows=3, hint=hint, mark="canned-text", keep="canned")

        async def keep() -> None:
            desk = here()
            name.error = text.error = None
            try:
                async with open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor) as work:
                    await put_canned_reply(work, desk.principal, name.value or "", text.value or "")
            except NotValid as e:
                (name if e.field == "shortcut" else text).error = str(e)[:1].upper() + str(e)[1:]
                return
            forget_kept("canned")
            await changed()
            toast(desk.word("saved"))
            box.close()

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button(desk.word("save"), bound(keep, writes=False), kind="primary", mark="save-canned")
    box.on("hide", box.delete)
    box.open()
