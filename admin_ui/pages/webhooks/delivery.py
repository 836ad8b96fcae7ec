"""One telling: what happened, how often it was tried, what came back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from nicegui import ui
from pydantic import ValidationError

from admin_ui.kit import (
    Desk,
    Missing,
    badge,
    bound,
    button,
    every,
    heading,
    here,
    link_button,
    live,
    note,
    page,
    panel,
    reload,
)
from admin_ui.kit.controls import tag
from admin_ui.kit.frame import crumb
from admin_ui.pages.webhooks.parts import DELIVERY_STATES, MANAGE, code, endpoint_of, event_titles, host_of, why
from admin_ui.words import Words
from bot.conversations.preview import preview
from bot.hooks import desk as hooks
from bot.messages import INBOUND, OUTBOUND
from bot.unit import Unit
from store.crypto import keyring
from store.fields import reveal
from store.models import HookDelivery, HookState, TellingState

LOOK_S = 1.5
MOST_SHOWN = 24  # values of one body; the rest stands in it as it was sent
_LINKS = {"contact_id": "/contacts/{}", "conversation_id": "/inbox?c={}", "event_id": "/events/{}"}
NAMES: dict[str, Words] = {
    "id": {"en": "Id", "sw": "Kitambulisho"},
    "name": {"en": "Name", "sw": "Jina"},
    "phone": {"en": "Phone", "sw": "Simu"},
    "contact_id": {"en": "Contact", "sw": "Mwasiliani"},
    "conversation_id": {"en": "Conversation", "sw": "Mazungumzo"},
    "event_id": {"en": "Event", "sw": "Tukio"},
    "order_id": {"en": "Order", "sw": "Oda"},
    "ticket_id": {"en": "Ticket", "sw": "Tiketi"},
    "holder_name": {"en": "Holder", "sw": "Mwenye tiketi"},
    "code": {"en": "Code", "sw": "Msimbo"},
    "message": {"en": "Message", "sw": "Ujumbe"},
    "sent_by": {"en": "Sent by", "sw": "Imetumwa na"},
    "status": {"en": "Status", "sw": "Hali"},
    "created_at": {"en": "Made", "sw": "Ilitengenezwa"},
}


@page(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    title={"en": "What was sent", "sw": "Kilichotumwa"},
    permission=MANAGE,
    parent="/webhooks",
)
async def delivery(desk: Desk, webhook_id: UUID, delivery_id: UUID) -> None:
    row = await _row(webhook_id, delivery_id)
    endpoint = await endpoint_of(webhook_id)
    title = (await event_titles(desk)).get(row.type, row.type)
    crumb(title)
    sub = f"{desk.moment(row.occurred_at)}  ·  {endpoint.description or host_of(endpoint.url)}"
    with heading(title, sub):
        _to_webhook(webhook_id)
        if endpoint.state is HookState.ON and row.state is not TellingState.READY:

            async def again(work: Unit) -> None:
                endpoint = await endpoint_of(webhook_id)
                await hooks.replay_one(work, here().principal, endpoint, await _row(webhook_id, delivery_id))
                reload()

            button(
                {"en": "Send again", "sw": "Tuma tena"}, bound(again), icon="replay", kind="primary", mark="hook-again"
            )
    part = await live(_whole, webhook_id, delivery_id)
    if row.state is TellingState.READY:
        before = row.attempts

        async def look() -> None:
            if (await _row(webhook_id, delivery_id)).attempts != before:
                await part.refresh()

        every(LOOK_S, bound(look, writes=False))


def _to_webhook(webhook_id: UUID) -> None:
    link_button({"en": "The webhook", "sw": "Webhook"}, f"/webhooks/{webhook_id}")


async def _row(webhook_id: UUID, delivery_id: UUID) -> HookDelivery:
    found = await HookDelivery.filter(id=delivery_id, endpoint_id=webhook_id).first()
    if found is None:
        raise Missing(f"there is no delivery {delivery_id}")
    return found


async def _whole(webhook_id: UUID, delivery_id: UUID) -> None:
    desk = here()
    row = await _row(webhook_id, delivery_id)
    await keyring().keys(desk.organization.id)
    body = reveal(row, "body")
    _verdict(desk, row)
    with ui.element("div").classes("cn-grid cn-cols-side"):
        with ui.element("div").classes("cn-stack loose"):
            _said(desk, row, json.loads(body) if body else None)
        with ui.element("div").classes("cn-stack loose"):
            _tries(desk, row)
            _answer(desk, row)


def _verdict(desk: Desk, row: HookDelivery) -> None:
    match row.state:
        case TellingState.DELIVERED:
            took = row.tries[-1]["ms"] if row.tries else 0
            text = {
                "en": f"Taken at try {row.attempts}, in {took:,} ms.",
                "sw": f"Imepokelewa katika jaribio {row.attempts}, kwa ms {took:,}.",
            }
            note(desk.say(text), "good")
        case TellingState.DEAD:
            text = {"en": f"Given up: {row.last_error}.", "sw": f"Imeachwa: {why(desk, row.last_error)}."}
            note(desk.say(text), "bad")
        case TellingState.HELD:
            text = {
                "en": "Kept: it goes out when the webhook is turned on and catches up.",
                "sw": "Imetunzwa: itatumwa webhook ikiwashwa na kutuma yaliyokosekana.",
            }
            note(desk.say(text), "warn")
        case _ if row.attempts and row.last_error:
            at = f"{desk.local(row.next_attempt_at):%H:%M:%S}"
            text = {
                "en": f"Not taken yet: {row.last_error}. The next try is after {at}.",
                "sw": f"Bado haijapokelewa: {why(desk, row.last_error)}. Jaribio lijalo ni baada ya {at}.",
            }
            note(desk.say(text), "warn")
        case _:
            note(desk.say({"en": "On its way…", "sw": "Iko njiani…"}), "info")


# -- what was sent


def _said(desk: Desk, row: HookDelivery, body: Mapping[str, Any] | None) -> None:
    with panel({"en": "What happened", "sw": "Kilichotokea"}):
        if body is None:
            text = {
                "en": "It is read when it is sent for the first time.",
                "sw": "Husomwa inapotumwa mara ya kwanza.",
            }
            ui.label(desk.say(text)).classes("cn-muted")
            return
        data = body["data"]
        if said := _words(data, desk.locale):
            with (
                ui.element("div").classes("cn-phone").style("border-radius: var(--radius); padding: 12px; width: 100%")
            ):
                side = "align-self: flex-start; background: var(--wa-in)" if data["direction"] == "in" else ""
                ui.label(said).classes("cn-bubble").style(f"color: var(--wa-ink); {side}")
        with ui.element("dl").classes("cn-facts").style("margin: 0"):
            for name, value in list(_flat(data))[:MOST_SHOWN]:
                tag("dt", _name(desk, name))
                _value(desk, name, value)
        with ui.element("details").style("width: 100%"):
            tag("summary", desk.say({"en": "As it was sent", "sw": "Kama ilivyotumwa"}), "cn-muted cn-small")
            _headers(desk, row)
            code(json.dumps(body, indent=2, ensure_ascii=False))


def _headers(desk: Desk, row: HookDelivery) -> None:
    told = {"en": "Header webhook-id", "sw": "Kichwa webhook-id"}
    ui.label(f"{desk.say(told)}: {row.event_id}").classes("cn-muted cn-small cn-code").style("margin: 6px 0")


def _words(data: Mapping[str, Any], locale: str) -> str:
    """Of a message, as people saw it."""
    if "part" not in data or "direction" not in data:
        return ""
    try:
        part = (INBOUND if data["direction"] == "in" else OUTBOUND).validate_python(data["part"])
    except ValidationError:
        return ""
    return preview(part, locale)


def _flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Names with their values, those of objects within under both names; what says nothing is left out."""
    for name, value in data.items():
        if name == "part" or value in (None, "", [], {}):
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _name(desk: Desk, name: str) -> str:
    return desk.say(NAMES.get(name, name.replace("_", " ").replace(".", " · ").capitalize()))


def _value(desk: Desk, name: str, value: Any) -> None:
    with tag("dd").style("margin: 0; overflow-wrap: anywhere"):
        if name in _LINKS and isinstance(value, str):
            link = tag("a", f"…{value[-8:]}")
            link.props["href"], link.props["title"] = _LINKS[name].format(value), value
            return
        ui.label(_text(desk, name, value))


def _text(desk: Desk, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return desk.say({"en": "yes", "sw": "ndiyo"} if value else {"en": "no", "sw": "hapana"})
    if isinstance(value, list):
        return ", ".join(_text(desk, name, each) for each in value)
    if isinstance(value, str) and name.endswith("_at"):
        try:
            return desk.moment(datetime.fromisoformat(value))
        except ValueError:
            return value
    return str(value)


# -- what came back


def _tries(desk: Desk, row: HookDelivery) -> None:
    with panel({"en": "Tries", "sw": "Majaribio"}, flush=True):
        if not row.tries:
            ui.label(desk.say({"en": "None yet.", "sw": "Bado hakuna."})).classes("cn-muted").style(
                "padding: 0 18px 14px"
            )
            return
        with ui.element("div").classes("cn-list"):
            for each in reversed(row.tries):
                with ui.element("div").classes("cn-row").style("flex-wrap: wrap"):
                    is_taken = each["status"] is not None and 200 <= each["status"] < 300
                    words = (
                        str(each["status"]) if each["status"] else desk.say({"en": "no answer", "sw": "hakuna jibu"})
                    )
                    badge(words, "good" if is_taken else "bad")
                    with ui.element("div").classes("cn-grow"):
                        at = datetime.fromisoformat(each["at"])
                        ui.label(f"{desk.day(at)}, {desk.local(at):%H:%M:%S}").classes("num")
                        if each["error"]:
                            ui.label(why(desk, each["error"])).classes("cn-muted cn-small").style(
                                "overflow-wrap: anywhere"
                            )
                    ui.label(_took(each["ms"])).classes("cn-muted cn-small num")


def _answer(desk: Desk, row: HookDelivery) -> None:
    response = reveal(row, "response")
    if not row.tries:
        return
    words, tone = DELIVERY_STATES[row.state]
    with panel({"en": "Its last answer", "sw": "Jibu lake la mwisho"}):
        with ui.element("div").classes("cn-line"):
            badge(desk.say(words), tone)
            if row.last_status:
                ui.label(_http(row.last_status)).classes("cn-code")
        if response:
            code(response)
        else:
            ui.label(desk.say({"en": "Without a text.", "sw": "Bila maandishi."})).classes("cn-muted cn-small")


def _http(status: int) -> str:
    return f"HTTP {status}"


def _took(milliseconds: int) -> str:
    return f"{milliseconds:,} ms"
