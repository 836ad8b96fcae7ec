"""The numbers, and the message templates of their accounts."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Hit,
    bound,
    button,
    empty,
    facts,
    heading,
    here,
    link_button,
    live,
    note,
    page,
    panel,
    search,
    toast,
)
from admin_ui.kit.controls import tag
from admin_ui.kit.table import Column, Filter, Query, Rows, Table, table
from admin_ui.pages.channels import connecting
from admin_ui.pages.channels.parts import (
    CATEGORIES,
    OUTCOMES,
    STATUSES,
    category,
    expiry,
    limit,
    quality,
    standing,
    stopped_why,
    use_styles,
    verdict,
)
from bot.numbers import Number, fetch_templates, list_numbers, list_templates

TITLE = {"en": "Channels", "sw": "Njia za mawasiliano"}


@page("/channels", title=TITLE, icon="cell_tower", group=Group.SETTINGS, permission="channels.view", order=20)
async def channels(desk: Desk) -> None:
    use_styles()
    text = {
        "en": "The WhatsApp numbers that people write to, how they stand with Meta, and the templates you may start with.",
        "sw": "Namba za WhatsApp ambazo watu huandikia, hali yake kwa Meta, na violezo unavyoweza kuanza navyo.",
    }
    with heading(TITLE, text):
        if desk.may("channels.manage"):
            button(
                {"en": "Connect a number", "sw": "Unganisha namba"},
                bound(connecting.ask, writes=False),
                icon="add",
                kind="primary",
                mark="connect",
            )
    await live(_numbers)
    await _templates(desk)


async def _numbers() -> None:
    desk = here()
    found = await list_numbers(desk.organization.id)
    if not found:
        with (
            panel(flush=True),
            empty(
                "cell_tower",
                desk.say({"en": "No number yet", "sw": "Hakuna namba bado"}),
                desk.say(
                    {
                        "en": "Connect the number that people write to. You need five values from Meta's app dashboard; each is checked at once.",
                        "sw": "Unganisha namba ambayo watu huandikia. Unahitaji thamani tano kutoka dashibodi ya Meta; kila moja hukaguliwa.",
                    }
                ),
            ),
        ):
            if desk.may("channels.manage"):
                button(
                    {"en": "Connect a number", "sw": "Unganisha namba"},
                    bound(connecting.ask, writes=False),
                    kind="primary",
                )
        return
    with ui.element("div").classes("cn-grid cn-cols-2"):
        for each in found:
            _number(desk, each)


def _number(desk: Desk, each: Number) -> None:
    with panel(classes="ch-number"):
        with ui.element("div").classes("cn-line between"):
            with ui.element("div").classes("cn-stack tight ch-name"):
                name = tag("a", each.name or each.facts.verified_name or each.phone_number_id, "ch-title")
                name.props["href"] = f"/channels/{each.id}"
                ui.label(each.display_phone_number or each.facts.display_phone_number).classes("cn-muted num")
            with ui.element("div").classes("cn-line"):
                standing(desk, each)
        if each.state != "connected" and each.state_reason:
            note(stopped_why(desk, each.state_reason), "bad")
        rated, _ = quality(desk, each.facts.quality)
        until, tone = expiry(desk, each)
        heard = desk.ago(each.heard_at) if each.heard_at else desk.say({"en": "never", "sw": "bado"})
        facts(
            [
                (desk.say({"en": "Quality", "sw": "Ubora"}), rated),
                (
                    desk.say({"en": "Messaging limit", "sw": "Kikomo cha ujumbe"}),
                    limit(desk, each.facts.messaging_limit),
                ),
                (desk.say({"en": "Last message in", "sw": "Ujumbe wa mwisho"}), heard),
                (
                    desk.say({"en": "Token expired", "sw": "Tokeni imeisha"})
                    if tone == "bad"
                    else desk.say({"en": "Token expires", "sw": "Tokeni inaisha"}),
                    until,
                ),
            ]
        )
        with ui.element("div").classes("cn-line between ch-foot"):
            _verdict(desk, each)
            link_button(
                {"en": "Connection doctor", "sw": "Daktari wa muunganisho"},
                f"/channels/{each.id}",
                icon="monitor_heart",
                small=True,
            )


def _verdict(desk: Desk, each: Number) -> None:
    worst = verdict(each)
    if worst is None:
        ui.label(desk.say({"en": "Never examined", "sw": "Haijapimwa"})).classes("cn-muted cn-small")
        return
    icon, tone, _ = OUTCOMES[worst]
    count = sum(1 for found in each.findings.values() if found.outcome is worst)
    words = {
        "good": {"en": "All checks pass", "sw": "Vipimo vyote sawa"},
        "warn": {"en": f"{count} to look at", "sw": f"{count} vya kuangalia"},
        "bad": {"en": f"{count} broken", "sw": f"{count} vimeharibika"},
    }[worst.value]
    with ui.element("div").classes(f"ch-verdict {tone}"):
        ui.icon(icon).props("aria-hidden=true")
        ui.label(desk.say(words))


# -- templates ------------------------------------------------------------------------------------


async def _templates(desk: Desk) -> None:
    numbers = await list_numbers(desk.organization.id)
    if not numbers:
        return
    fetched_at = max((each.templates_at for each in numbers if each.templates_at), default=None)
    when = (
        {"en": f"Fetched {desk.ago(fetched_at)}.", "sw": f"Vililetwa: {desk.ago(fetched_at)}."}
        if fetched_at
        else {"en": "Not fetched yet.", "sw": "Bado havijaletwa."}
    )
    made: list[Table] = []
    with panel(flush=True):
        with ui.element("div").classes("cn-panel-head ch-head"):
            with ui.element("div").classes("cn-stack tight"):
                tag("h2", desk.say({"en": "Message templates", "sw": "Violezo vya ujumbe"}))
                about = {
                    "en": "What you may write first, after 24 hours. Meta reviews them; what it decides comes here by itself.",
                    "sw": "Unachoweza kuandika kwanza, baada ya saa 24. Meta hukagua; uamuzi wake hufika hapa wenyewe.",
                }
                told = ui.label(f"{desk.say(about)} {desk.say(when)}").classes("cn-muted cn-small")
            if desk.may("channels.manage"):

                async def fetch() -> None:
                    await _fetch(made[0])
                    now = {"en": "Fetched just now.", "sw": "Vililetwa sasa hivi."}
                    told.set_text(f"{desk.say(about)} {desk.say(now)}")

                button({"en": "Fetch", "sw": "Leta"}, bound(fetch, writes=False), icon="sync", small=True, mark="fetch")

        async def rows(query: Query) -> Rows:
            here_now = here()
            found, total = await list_templates(
                here_now.organization.id,
                find=query.find,
                status=query.filtered("status"),
                category=query.filtered("category"),
                sort=query.sort or "name",
                descending=query.descending,
                offset=query.offset,
                limit=query.limit,
            )
            return Rows([_row(here_now, each) for each in found], total)

        every = desk.say({"en": "Every status", "sw": "Hali zote"})
        kinds = desk.say({"en": "Every category", "sw": "Aina zote"})
        made.append(
            await table(
                "templates",
                [
                    Column("name", {"en": "Name", "sw": "Jina"}, sort=True),
                    Column("language", {"en": "Language", "sw": "Lugha"}, sort=True),
                    Column("category", {"en": "Category", "sw": "Aina"}),
                    Column("status", {"en": "Status", "sw": "Hali"}, sort=True),
                    Column("quality", {"en": "Quality", "sw": "Ubora"}),
                    Column("changed", {"en": "Changed", "sw": "Ilibadilika"}, sort=True),
                ],
                rows,
                find={"en": "Find a template", "sw": "Tafuta kiolezo"},
                filters=[
                    Filter(
                        "status",
                        {"en": "Status", "sw": "Hali"},
                        {"": every, **{status: desk.say(words) for status, (words, _) in STATUSES.items()}},
                    ),
                    Filter(
                        "category",
                        {"en": "Category", "sw": "Aina"},
                        {"": kinds, **{name: desk.say(words) for name, words in CATEGORIES.items()}},
                    ),
                ],
                sort="name",
                views=False,
                nothing={
                    "en": "None yet. Make one in Meta's WhatsApp manager, then fetch.",
                    "sw": "Hakuna bado. Tengeneza kwenye WhatsApp manager ya Meta, kisha leta.",
                },
            )
        )


def _row(desk: Desk, each: Any) -> dict[str, Any]:
    words, tone = STATUSES.get(each.status, (each.status.lower(), "plain"))
    rated, rated_tone = quality(desk, each.quality)
    return {
        "name": each.name,
        "name_href": f"/channels/templates/{each.id}",
        "language": each.language,
        "category": category(desk, each.category),
        "status": desk.say(words),
        "status_tone": tone,
        "status_note": each.reason.replace("_", " ").capitalize(),
        "quality": rated,
        "quality_tone": rated_tone,
        "changed": desk.moment(each.changed_at),
        "_href": f"/channels/templates/{each.id}",
    }


async def _fetch(made: Table) -> None:
    desk = here()
    desk.require("channels.manage")
    total, seen = 0, set[str]()
    for each in await list_numbers(desk.organization.id):
        if each.waba_id and each.waba_id not in seen:
            seen.add(each.waba_id)
            total += await fetch_templates(desk.runtime, desk.organization.id, each.id)
    await made.reload()
    toast(desk.say({"en": f"{total} templates", "sw": f"Violezo {total}"}))


@search
async def find(desk: Desk, text: str) -> list[Hit]:
    if not desk.may("channels.view"):
        return []
    found, _ = await list_templates(desk.organization.id, find=text, limit=5)
    return [
        Hit(f"{each.name} · {each.language}", f"/channels/templates/{each.id}", "campaign", each.status.lower())
        for each in found
    ]
