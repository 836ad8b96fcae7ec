"""One webhook: what it is told, how it answers, and what can be done about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    after_commit,
    badge,
    bound,
    button,
    confirm,
    dialog,
    facts,
    go,
    heading,
    here,
    note,
    page,
    panel,
    reload,
    select_field,
    stat,
    toast,
)
from admin_ui.kit.frame import crumb
from admin_ui.kit.table import Column, Filter, Query, Rows, table
from admin_ui.pages.webhooks.parts import (
    DELIVERY_STATES,
    MANAGE,
    STATES,
    endpoint_of,
    event_titles,
    form,
    host_of,
    show_secret,
    why,
)
from bot.hooks import desk as hooks
from bot.unit import Unit
from store.hooks import healths
from store.models import HookDelivery, HookEndpoint, HookState, TellingState

MOST_COUNTED = 10_000  # who looks for older ones filters
SPANS = {
    1: {"en": "the last hour", "sw": "saa iliyopita"},
    24: {"en": "the last day", "sw": "siku iliyopita"},
    72: {"en": "the last 3 days", "sw": "siku 3 zilizopita"},
    720: {"en": "the last 30 days", "sw": "siku 30 zilizopita"},
}


@page("/webhooks/{webhook_id}", title={"en": "Webhook", "sw": "Webhook"}, permission=MANAGE, parent="/webhooks")
async def webhook(desk: Desk, webhook_id: UUID) -> None:
    row = await endpoint_of(webhook_id)
    crumb(row.description or host_of(row.url))
    with heading(row.description or host_of(row.url), row.url):
        _actions(row)
    _state(desk, row)
    await _figures(desk, row)
    with ui.element("div").classes("cn-grid cn-cols-side"):
        await _deliveries(desk, row)
        await _about(desk, row)


def _actions(row: HookEndpoint) -> None:
    if row.state is HookState.ON:

        async def test(work: Unit) -> None:
            found = await hooks.send_test(work, here().principal, await endpoint_of(row.id))
            go(f"/webhooks/{row.id}/deliveries/{found.id}")

        button({"en": "Send a test", "sw": "Tuma jaribio"}, bound(test), icon="send", kind="primary", mark="hook-test")
        button(
            {"en": "Replay…", "sw": "Rudia…"},
            bound(lambda: _ask_replay(row.id), writes=False),
            icon="replay",
            mark="hook-replay",
        )
    elif row.state is HookState.OFF:
        button({"en": "Turn on", "sw": "Washa"}, bound(_turning_on(row.id)), kind="primary", mark="hook-on")
    button(
        {"en": "Change", "sw": "Badilisha"},
        bound(lambda: _change(row.id), writes=False),
        icon="edit",
        mark="hook-change",
    )


def _state(desk: Desk, row: HookEndpoint) -> None:
    if row.state in (HookState.FAILING, HookState.GONE):
        text = {
            HookState.FAILING: {
                "en": f"Nothing was taken for days, so nothing is sent any more. The last try said: {row.state_reason}."
                " What happens meanwhile is kept for 30 days.",
                "sw": f"Hakuna kilichopokelewa kwa siku kadhaa, hivyo hakuna kinachotumwa. Jaribio la mwisho lilisema: {why(desk, row.state_reason)}."
                " Yanayotokea sasa yanatunzwa kwa siku 30.",
            },
            HookState.GONE: {
                "en": "The receiver answered 410: it wants nothing more. Nothing is sent, and nothing is kept for it.",
                "sw": "Kipokezi kilijibu 410: hakitaki tena. Hakuna kinachotumwa wala kinachotunzwa.",
            },
        }[row.state]
        with note(desk.say(text), "bad"), ui.element("div").classes("cn-line").style("margin-top: 8px"):
            if row.state is HookState.FAILING:
                button(
                    {"en": "Turn on and send what was missed", "sw": "Washa na utume yaliyokosekana"},
                    bound(_turning_on(row.id, catch_up=True)),
                    kind="primary",
                    small=True,
                    mark="hook-catch-up",
                )
            button({"en": "Turn on", "sw": "Washa"}, bound(_turning_on(row.id)), small=True, mark="hook-on")
    elif row.hold_until is not None and row.hold_until > desk.now:
        until = f"{desk.local(row.hold_until):%H:%M:%S}"
        note(
            desk.say(
                {
                    "en": f"It failed {row.failures} times in a row. The next try is at {until}; what waits goes out as soon as it works.",
                    "sw": f"Imeshindwa mara {row.failures} mfululizo. Jaribio lijalo ni saa {until}; yanayosubiri yatatumwa ikifanya kazi.",
                }
            ),
            "warn",
        )


def _turning_on(webhook_id: UUID, *, catch_up: bool = False) -> Any:
    async def turn(work: Unit) -> None:
        found = await hooks.turn_on(work, here().principal, await endpoint_of(webhook_id), catch_up=catch_up)
        if catch_up:
            toast(here().say({"en": f"On again; {found:,} on their way", "sw": f"Imewashwa; {found:,} ziko njiani"}))
        reload()

    return turn


async def _figures(desk: Desk, row: HookEndpoint) -> None:
    health = (await healths(desk.now - timedelta(hours=24)))[row.id]
    words, tone = STATES[row.state]
    with ui.element("div").classes("cn-grid cn-cols-4"):
        with panel(classes="cn-stat"):
            ui.label(desk.say({"en": "State", "sw": "Hali"})).classes("cn-stat-name")
            badge(desk.say(words), tone)
        last = desk.ago(row.last_success_at) if row.last_success_at else ""
        taken = {"en": f"last {last}", "sw": f"mwisho {last}"} if last else {"en": "nothing yet", "sw": "bado hakuna"}
        stat(
            {"en": "Taken in 24 hours", "sw": "Zilizopokelewa kwa saa 24"},
            health.delivered,
            desk.say(taken),
        )
        stat({"en": "Waiting", "sw": "Zinasubiri"}, health.waiting)
        stat(
            {"en": "Given up", "sw": "Zimeachwa"},
            health.dead,
            desk.say({"en": "can be replayed", "sw": "zinaweza kurudiwa"}) if health.dead else "",
            tone="down" if health.dead else "",
        )


# -- what it was told


async def _deliveries(desk: Desk, row: HookEndpoint) -> None:
    titles = await event_titles(desk)

    async def rows(query: Query) -> Rows:
        wanted: dict[str, Any] = {"endpoint_id": row.id}
        if state := query.filtered("state"):
            wanted["state"] = TellingState(state)
        if kind := query.filtered("type"):
            wanted["type"] = kind
        found = HookDelivery.filter(**wanted)
        order = "id" if query.sort == "at" and not query.descending else "-id"
        shown = await found.order_by(order).offset(query.offset).limit(query.limit)
        return Rows([_told(desk, each, titles) for each in shown], await found.limit(MOST_COUNTED).count())

    with panel(
        {"en": "What it was told", "sw": "Ilichoambiwa"},
        text={"en": "Kept for 30 days.", "sw": "Hutunzwa kwa siku 30."},
        flush=True,
    ):
        await table(
            "hook-deliveries",
            [
                Column("what", {"en": "Event", "sw": "Tukio"}),
                Column("state", {"en": "State", "sw": "Hali"}),
                Column("answer", {"en": "Answer", "sw": "Jibu"}),
                Column("at", {"en": "Happened", "sw": "Ilitokea"}, sort=True),
            ],
            rows,
            filters=[
                Filter(
                    "state",
                    {"en": "State", "sw": "Hali"},
                    {"": desk.say({"en": "All states", "sw": "Hali zote"})}
                    | {state.value: desk.say(words) for state, (words, _) in DELIVERY_STATES.items()},
                ),
                Filter(
                    "type",
                    {"en": "Event", "sw": "Tukio"},
                    {"": desk.say({"en": "All events", "sw": "Matukio yote"})} | titles,
                ),
            ],
            sort="at",
            descending=True,
            nothing={
                "en": "Nothing yet. Send a test to see how it goes.",
                "sw": "Bado hakuna. Tuma jaribio uone inavyokwenda.",
            },
        )


def _told(desk: Desk, each: HookDelivery, titles: dict[str, str]) -> dict[str, Any]:
    words, tone = DELIVERY_STATES[each.state]
    tries = desk.say({"en": f"try {each.attempts}", "sw": f"jaribio {each.attempts}"}) if each.attempts > 1 else ""
    href = f"/webhooks/{each.endpoint_id}/deliveries/{each.id}"
    return {
        "_href": href,
        "what": titles.get(each.type, each.type),
        "what_href": href,
        "what_note": each.type,
        "state": desk.say(words),
        "state_tone": tone,
        "answer": why(desk, each.last_error) or (str(each.last_status) if each.last_status else ""),
        "answer_note": tries,
        "at": desk.moment(each.occurred_at),
    }


# -- how it is set up


async def _about(desk: Desk, row: HookEndpoint) -> None:
    titles = await event_titles(desk)
    with ui.element("div").classes("cn-stack loose"):
        with panel({"en": "It is told when", "sw": "Inaambiwa wakati"}), ui.element("div").classes("cn-list"):
            for name in row.event_types:
                with ui.element("div").classes("cn-row"), ui.element("div").classes("cn-stack tight"):
                    ui.label(titles.get(name, name))
                    ui.label(name).classes("cn-muted cn-small cn-code")
        with panel({"en": "Secret", "sw": "Siri"}):
            facts(_secret(desk, row))
            button(
                {"en": "New secret…", "sw": "Siri mpya…"},
                bound(lambda: _ask_rotate(row.id), writes=False),
                icon="key",
                small=True,
                mark="hook-rotate",
            )
        with panel({"en": "End", "sw": "Mwisho"}), ui.element("div").classes("cn-line"):
            if row.state is HookState.ON:
                button(
                    {"en": "Turn off", "sw": "Zima"},
                    bound(lambda: _ask_off(row.id), writes=False),
                    small=True,
                    mark="hook-off",
                )
            button(
                {"en": "Delete", "sw": "Futa"},
                bound(lambda: _ask_delete(row.id), writes=False),
                kind="danger",
                small=True,
                mark="hook-delete",
            )


def _secret(desk: Desk, row: HookEndpoint) -> list[tuple[str, str]]:
    phones = {"en": "whole", "sw": "kamili"} if row.whole_phones else {"en": "masked", "sw": "zimefichwa"}
    told = [(desk.say({"en": "Phone numbers", "sw": "Namba za simu"}), desk.say(phones))]
    told.append((desk.say({"en": "Made", "sw": "Ilitengenezwa"}), desk.day(row.created_at)))
    if row.old_until is not None and row.old_until > desk.now:
        told.append(
            (desk.say({"en": "Old secret good until", "sw": "Siri ya zamani hadi"}), desk.moment(row.old_until))
        )
    return told


# -- gestures


async def _change(webhook_id: UUID) -> None:
    async def keep(work: Unit, values: dict[str, Any]) -> None:
        await hooks.change_endpoint(work, here().principal, await endpoint_of(webhook_id), **values)
        reload()

    row = await endpoint_of(webhook_id)
    await form(
        here(), {"en": "Change the webhook", "sw": "Badilisha webhook"}, {"en": "Save", "sw": "Hifadhi"}, keep, row
    )


def _ask_replay(webhook_id: UUID) -> None:
    desk = here()
    spans = {hours: desk.say(words) for hours, words in SPANS.items()}
    text = {
        "en": "Events go out again with the same ids, so a receiver that does each id once does nothing twice.",
        "sw": "Matukio hutumwa tena na vitambulisho vilevile, hivyo kipokezi kinachofanya kila kitambulisho mara moja hakirudii.",
    }
    with dialog({"en": "Replay", "sw": "Rudia"}, text=text) as box:
        hours = select_field({"en": "What happened in", "sw": "Yaliyotokea katika"}, spans, 24, mark="replay-span")
        words = {"en": "Also what was taken already", "sw": "Pia yaliyokwisha pokelewa"}
        all_of_it = ui.switch(desk.say(words)).mark("replay-all")
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")

            async def again(work: Unit) -> None:
                since: datetime = here().now - timedelta(hours=int(hours.value))
                row = await endpoint_of(webhook_id)
                found = await hooks.replay_since(
                    work, here().principal, row, since, delivered_too=bool(all_of_it.value)
                )
                box.close()
                toast(here().say({"en": f"{found:,} on their way again", "sw": f"{found:,} ziko njiani tena"}))
                reload()

            button({"en": "Send again", "sw": "Tuma tena"}, bound(again), kind="primary", mark="replay-go")
    box.open()


def _ask_rotate(webhook_id: UUID) -> None:
    async def go_on(work: Unit) -> None:
        secret = await hooks.rotate_secret(work, here().principal, await endpoint_of(webhook_id))
        text = {
            "en": "For 24 hours the old one signs beside it: change your program until then.",
            "sw": "Kwa saa 24 ya zamani inasaini pamoja nayo: badilisha programu yako kabla ya hapo.",
        }
        after_commit(lambda: show_secret(webhook_id, secret, text))

    confirm(
        {"en": "Make a new secret?", "sw": "Tengeneza siri mpya?"},
        {
            "en": "Both are good for 24 hours, so nothing is refused meanwhile.",
            "sw": "Zote mbili ni nzuri kwa saa 24, hivyo hakuna kinachokataliwa kwa sasa.",
        },
        {"en": "Make it", "sw": "Tengeneza"},
        bound(go_on),
        kind="primary",
    )


def _ask_off(webhook_id: UUID) -> None:
    async def go_on(work: Unit) -> None:
        await hooks.turn_off(work, here().principal, await endpoint_of(webhook_id))
        reload()

    confirm(
        {"en": "Turn it off?", "sw": "Izimwe?"},
        {
            "en": "Nothing is sent or kept for it until you turn it on. What waits is given up, and can be replayed.",
            "sw": "Hakuna kinachotumwa wala kutunzwa hadi uiwashe. Yanayosubiri yanaachwa, na yanaweza kurudiwa.",
        },
        {"en": "Turn off", "sw": "Zima"},
        bound(go_on),
    )


def _ask_delete(webhook_id: UUID) -> None:
    async def go_on(work: Unit) -> None:
        await hooks.remove_endpoint(work, here().principal, await endpoint_of(webhook_id))
        go("/webhooks")

    confirm(
        {"en": "Delete this webhook?", "sw": "Futa webhook hii?"},
        {
            "en": "With all that it was told. This cannot be undone.",
            "sw": "Pamoja na yote iliyoambiwa. Haiwezi kutenduliwa.",
        },
        {"en": "Delete", "sw": "Futa"},
        bound(go_on),
    )
