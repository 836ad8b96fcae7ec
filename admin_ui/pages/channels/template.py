"""One message template, as it looks on the phone and as Meta judges it."""

from __future__ import annotations

from uuid import UUID

from nicegui import ui

from admin_ui.kit import Desk, Missing, badge, facts, heading, note, page, panel
from admin_ui.kit.frame import crumb
from admin_ui.kit.whatsapp_preview import template_preview
from admin_ui.pages.channels.parts import STATUSES, category, quality, use_styles
from bot.numbers.templates import find_template
from bot.render.template import filled, unsendable, variables

WHY: dict[str, dict[str, str]] = {
    "ABUSIVE_CONTENT": {"en": "Meta found it abusive.", "sw": "Meta imeona ina matusi."},
    "INCORRECT_CATEGORY": {"en": "It is filed under the wrong category.", "sw": "Iko kwenye aina isiyo sahihi."},
    "INVALID_FORMAT": {
        "en": "Its form is wrong: look at its variables, none may stand first, last or beside another.",
        "sw": "Muundo wake si sahihi: angalia vigezo, kisiwe mwanzoni, mwishoni wala karibu na kingine.",
    },
    "PROMOTIONAL": {
        "en": "It advertises, and is not filed as marketing.",
        "sw": "Inatangaza, na si ya aina ya masoko.",
    },
    "SCAM": {"en": "Meta takes it for a fraud.", "sw": "Meta inaona ni ulaghai."},
    "TAG_CONTENT_MISMATCH": {
        "en": "What it says does not fit its category.",
        "sw": "Maudhui hayalingani na aina yake.",
    },
}


@page(
    "/channels/templates/{template_id}",
    title={"en": "Template", "sw": "Kiolezo"},
    permission="channels.view",
    parent="/channels",
)
async def template(desk: Desk, template_id: UUID) -> None:
    use_styles()
    found = await find_template(desk.organization.id, template_id)
    if found is None:
        raise Missing
    crumb(found.name)
    words, tone = STATUSES.get(found.status, (found.status.lower(), "plain"))
    with heading(found.name, f"{found.language}  ·  {category(desk, found.category)}"):
        badge(desk.say(words), tone)
    if found.reason:
        why = WHY.get(found.reason)
        text = found.reason.replace("_", " ").capitalize()
        note(f"{text}. {desk.say(why)}" if why else text, "bad" if found.status == "REJECTED" else "warn")
    wanted = variables(found.components)
    examples = filled(
        found.components, {each.key: each.example or f"{{{{{each.name}}}}}" for each in wanted}, named=found.named
    )
    with ui.element("div").classes("cn-grid cn-cols-2"):
        with panel(
            {"en": "On the phone", "sw": "Kwenye simu"},
            text={"en": "With Meta's examples.", "sw": "Kwa mifano ya Meta."},
        ):
            template_preview(found.components, examples)
        with panel({"en": "What Meta says", "sw": "Meta inasema"}):
            rated, _ = quality(desk, found.quality)
            no = unsendable(found.components, found.category)
            facts(
                [
                    (desk.say({"en": "Status", "sw": "Hali"}), desk.say(words)),
                    (desk.say({"en": "Quality", "sw": "Ubora"}), rated),
                    (desk.say({"en": "Variables", "sw": "Vigezo"}), ", ".join(each.name for each in wanted)),
                    (desk.say({"en": "Changed", "sw": "Ilibadilika"}), desk.moment(found.changed_at)),
                    (desk.say({"en": "Meta's ID", "sw": "Kitambulisho"}), found.external_id),
                    (desk.say({"en": "Account ID", "sw": "Akaunti"}), found.waba_id),
                ]
            )
            if no:
                told = {
                    "en": f"Cannot be sent by hand from the inbox: {no}.",
                    "sw": f"Haiwezi kutumwa kwa mkono: {no}.",
                }
                note(desk.say(told))
