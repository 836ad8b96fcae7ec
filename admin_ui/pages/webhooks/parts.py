"""What the pages of webhooks share: words of states, the form, the secret that is shown once, how a receiver checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from nicegui import ui

from admin_ui.kit import Desk, Missing, bound, button, dialog, go, here, note, select_field, text_field
from admin_ui.kit.controls import Tone, tag
from admin_ui.words import Words
from bot.hooks.desk import told_here
from bot.hooks.reasons import words_of
from bot.hooks.told import TESTING
from bot.identity.errors import NotPossible
from bot.unit import Unit
from store.models import HookEndpoint, HookState, TellingState

__all__ = [
    "DELIVERY_STATES",
    "STATES",
    "VERIFY",
    "code",
    "endpoint_of",
    "event_titles",
    "form",
    "host_of",
    "show_secret",
    "why",
]

MANAGE = "webhooks.manage"

STATES: dict[HookState, tuple[Words, Tone]] = {
    HookState.ON: ({"en": "on", "sw": "imewashwa"}, "good"),
    HookState.OFF: ({"en": "off", "sw": "imezimwa"}, "plain"),
    HookState.FAILING: ({"en": "off, it failed for days", "sw": "imezimwa, ilishindwa kwa siku"}, "bad"),
    HookState.GONE: ({"en": "off, it wants nothing more", "sw": "imezimwa, haitaki tena"}, "bad"),
}
DELIVERY_STATES: dict[TellingState, tuple[Words, Tone]] = {
    TellingState.READY: ({"en": "on its way", "sw": "njiani"}, "info"),
    TellingState.HELD: ({"en": "kept", "sw": "imetunzwa"}, "warn"),
    TellingState.DELIVERED: ({"en": "taken", "sw": "imepokelewa"}, "good"),
    TellingState.DEAD: ({"en": "given up", "sw": "imeachwa"}, "bad"),
}

# As docs/webhooks.md has it; a test holds them together.
VERIFY = '''\
import base64, hashlib, hmac, time


def verify(secret: str, headers: dict, body: bytes) -> None:
    """Raises ValueError unless ChatNation sent this, within the last five minutes."""
    event_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        raise ValueError("too old")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    if not any(hmac.compare_digest(expected, each) for each in headers["webhook-signature"].split()):
        raise ValueError("wrong signature")
'''


def code(text: str) -> None:
    """A block of it, which scrolls by itself."""
    block = tag("pre", text, "cn-code")
    block.style(
        "margin: 0; width: 100%; max-height: 420px; overflow: auto; white-space: pre; text-align: left;"
        " background: var(--sunken); border-radius: var(--radius-small); padding: 12px 14px"
    )
    block.props('tabindex="0"')  # or the keyboard could not scroll it


def why(desk: Desk, reason: str) -> str:
    """It was not taken, or the address is refused."""
    return desk.say(words_of(reason))


def host_of(url: str) -> str:
    return urlsplit(url).hostname or url


async def endpoint_of(webhook_id: UUID) -> HookEndpoint:
    """
    Raises:
        Missing: not in this organization.
    """
    found = await HookEndpoint.filter(id=webhook_id).first()
    if found is None:
        raise Missing(f"there is no webhook {webhook_id}")
    return found


async def event_titles(desk: Desk) -> dict[str, str]:
    """Name -> title, of all that can be told here, and of the test."""
    known = await told_here(desk.runtime, desk.organization.id)
    return {name: desk.say(each.title) for name, each in known.items()} | {TESTING.name: desk.say(TESTING.title)}


async def form(
    desk: Desk,
    title: Words,
    action: Words,
    keep: Callable[[Unit, dict[str, Any]], Awaitable[None]],
    row: HookEndpoint | None = None,
) -> None:
    """A dialog with the fields of an endpoint. `keep` gets them; what it refuses stands below its field."""
    known = await told_here(desk.runtime, desk.organization.id)
    mine = {
        name: f"{desk.say(each.title)} · {name}"
        for name, each in known.items()
        if desk.may(each.permission) or (row is not None and name in row.event_types)
    }
    fields: dict[str, Any] = {}
    with dialog(title, wide=True) as box:
        fields["url"] = text_field(
            {"en": "Address", "sw": "Anwani"},
            row.url if row else "",
            kind="url",
            placeholder={"en": "https://crm.example.com/chatnation", "sw": "https://crm.mfano.co.ke/chatnation"},
            hint={
                "en": "Of your program, reachable from the internet, with https.",
                "sw": "Ya programu yako, inayofikika kwenye mtandao, kwa https.",
            },
            mark="hook-url",
        )
        fields["event_types"] = select_field(
            {"en": "Tell it when", "sw": "Iambie wakati"},
            mine,
            [name for name in row.event_types if name in mine] if row else [],
            multiple=True,
            find=True,
            mark="hook-events",
        )
        fields["description"] = text_field(
            {"en": "What it is for", "sw": "Ni ya nini"},
            row.description if row else "",
            hint={"en": "Such as “CRM of the sales team”.", "sw": "Kama “CRM ya timu ya mauzo”."},
            mark="hook-description",
        )
        phones: ui.switch | None = None
        if desk.may("contacts.phone") or (row is not None and row.whole_phones):
            words: Words = {"en": "Send whole phone numbers", "sw": "Tuma namba kamili za simu"}
            phones = ui.switch(desk.say(words), value=bool(row and row.whole_phones)).mark("hook-phones")
        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")

            async def save(work: Unit) -> None:
                for each in fields.values():
                    each.error = None
                values = {name: each.value or "" for name, each in fields.items()}
                values["event_types"] = list(fields["event_types"].value or [])
                values["whole_phones"] = bool(phones and phones.value)
                try:
                    await keep(work, values)
                except NotPossible as e:
                    if e.field not in fields:
                        raise
                    told = why(desk, str(e))
                    fields[e.field].error = desk.say(told[:1].upper() + told[1:])
                    return
                box.close()

            button(action, bound(save), kind="primary", mark="hook-save")
    box.open()


def show_secret(webhook_id: UUID, secret: str, text: Words) -> None:
    """Once; then on to the webhook."""
    desk = here()
    with dialog({"en": "The secret of this webhook", "sw": "Siri ya webhook hii"}, text=text, wide=True) as box:
        note(
            desk.say(
                {
                    "en": "Copy it now: it is not shown again.",
                    "sw": "Nakili sasa: haitaonyeshwa tena.",
                }
            ),
            "warn",
        )
        ui.label(secret).classes("cn-secret cn-code").mark("hook-secret")
        with ui.element("div").classes("cn-actions"):
            copy = button({"en": "Copy", "sw": "Nakili"}, icon="content_copy")
            copy.on("click", js_handler=f"() => cn.copy({secret!r})")

            def done() -> None:
                box.close()
                go(f"/webhooks/{webhook_id}")

            button(
                {"en": "I have it", "sw": "Ninayo"}, bound(done, writes=False), kind="primary", mark="hook-secret-kept"
            )
    box.open()
