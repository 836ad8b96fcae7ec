"""All webhooks, and how they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    after_commit,
    badge,
    bound,
    button,
    empty,
    every,
    heading,
    here,
    live,
    page,
    panel,
)
from admin_ui.pages.webhooks.parts import MANAGE, STATES, VERIFY, code, form, host_of, show_secret
from bot.hooks import desk as hooks
from bot.unit import Unit
from store.hooks import Health, healths
from store.models import HookEndpoint, HookState

REFRESH_S = 10.0
NOTHING = Health(0, 0, 0)


@page(
    "/webhooks",
    title={"en": "Webhooks", "sw": "Webhook"},
    icon="webhook",
    group=Group.SETTINGS,
    permission=MANAGE,
    order=65,
)
async def webhooks(desk: Desk) -> None:
    text = {
        "en": "Addresses of your own programs that are told at once of what happens here.",
        "sw": "Anwani za programu zako zinazoambiwa mara moja yanayotokea hapa.",
    }
    with heading({"en": "Webhooks", "sw": "Webhook"}, text):
        button(
            {"en": "New webhook", "sw": "Webhook mpya"},
            bound(_new, writes=False),
            icon="add",
            kind="primary",
            mark="new-hook",
        )
    listing = await live(_list)
    every(REFRESH_S, bound(listing.refresh, writes=False))


async def _list() -> None:
    desk = here()
    rows = await HookEndpoint.all().order_by("-id")
    if not rows:
        _teach(desk)
        return
    known = await healths(desk.now - timedelta(hours=24))
    with panel(flush=True), ui.element("div").classes("cn-list"):
        for each in rows:
            _row(desk, each, known.get(each.id, NOTHING))


def _row(desk: Desk, each: HookEndpoint, health: Health) -> None:
    with ui.element("a").classes("cn-row").style("flex-wrap: wrap") as line:
        line.props["href"] = f"/webhooks/{each.id}"
        with ui.element("div").classes("cn-grow").style("min-width: 220px"):
            with ui.element("div").classes("cn-line"):
                ui.label(each.description or host_of(each.url)).classes("cn-strong cn-clip")
                words, tone = STATES[each.state]
                if each.state is HookState.ON and each.failures:
                    words, tone = {"en": "does not answer well", "sw": "haijibu vizuri"}, "warn"
                badge(desk.say(words), tone)
            ui.label(each.url).classes("cn-muted cn-small cn-clip")
        with ui.element("div").style("min-width: 190px"):
            ui.label(_numbers(desk, health)).classes("cn-small num")
            ui.label(_last(desk, each)).classes("cn-muted cn-small")


def _numbers(desk: Desk, health: Health) -> str:
    told = [desk.say({"en": f"{health.delivered:,} taken today", "sw": f"{health.delivered:,} zimepokelewa leo"})]
    if health.waiting:
        told.append(desk.say({"en": f"{health.waiting:,} waiting", "sw": f"{health.waiting:,} zinasubiri"}))
    if health.dead:
        told.append(desk.say({"en": f"{health.dead:,} given up", "sw": f"{health.dead:,} zimeachwa"}))
    return "  ·  ".join(told)


def _last(desk: Desk, each: HookEndpoint) -> str:
    if each.last_success_at is None:
        return desk.say({"en": "nothing taken yet", "sw": "bado hakuna kilichopokelewa"})
    ago = desk.ago(each.last_success_at)
    return desk.say({"en": f"took something {ago}", "sw": f"ilipokea {ago}"})


def _teach(desk: Desk) -> None:
    with panel():
        with empty(
            "webhook",
            desk.say({"en": "No webhooks yet", "sw": "Bado hakuna webhook"}),
            desk.say(
                {
                    "en": "A ticket is issued, a person writes, somebody says STOP: your CRM, your spreadsheet or your"
                    " warehouse hears of it within a second, without asking.",
                    "sw": "Tiketi imetolewa, mtu ameandika, mtu amesema STOP: CRM yako, jedwali lako au ghala lako"
                    " husikia ndani ya sekunde, bila kuuliza.",
                }
            ),
        ):
            button({"en": "Make the first", "sw": "Tengeneza ya kwanza"}, bound(_new, writes=False), kind="primary")
        with ui.element("ol").style("margin: 0; padding-left: 20px; display: grid; gap: 6px; width: 100%"):
            for step in (
                {
                    "en": "Make a webhook with the address of your program, and keep its secret.",
                    "sw": "Tengeneza webhook kwa anwani ya programu yako, na utunze siri yake.",
                },
                {
                    "en": "Check the signature of what comes, do each webhook-id once, and answer 2xx within 15 seconds.",
                    "sw": "Kagua saini ya kinachokuja, fanya kila webhook-id mara moja, na ujibu 2xx ndani ya sekunde 15.",
                },
                {
                    "en": "Send a test and see here what came back.",
                    "sw": "Tuma jaribio na uone hapa kilichorudi.",
                },
            ):
                with ui.element("li"):
                    ui.label(desk.say(step))
        ui.label(
            desk.say(
                {
                    "en": "How a receiver in Python checks that it was us:",
                    "sw": "Jinsi kipokezi cha Python kinavyokagua kuwa ni sisi:",
                }
            )
        ).classes("cn-strong")
        code(VERIFY)


async def _new() -> None:
    async def keep(work: Unit, values: dict[str, Any]) -> None:
        row, secret = await hooks.create_endpoint(work, here().principal, **values)
        text = {
            "en": "Your program checks with it that what comes is from us.",
            "sw": "Programu yako inaitumia kukagua kwamba kinachokuja kimetoka kwetu.",
        }
        after_commit(lambda: show_secret(row.id, secret, text))

    await form(here(), {"en": "New webhook", "sw": "Webhook mpya"}, {"en": "Make it", "sw": "Tengeneza"}, keep)
