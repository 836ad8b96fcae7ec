"""Keys for programs that use the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Live,
    badge,
    bound,
    button,
    confirm,
    dialog,
    empty,
    heading,
    here,
    live,
    note,
    page,
    panel,
    reload,
    say,
    select_field,
    text_area,
    text_field,
    toast,
)
from bot.identity.api_keys import KeyRow, create_key, list_keys, revoke_key
from bot.identity.errors import NotPossible
from bot.identity.rights import defined_permissions
from bot.identity.roles import CORE

LIVES = {30: "30 days", 90: "90 days", 180: "180 days", 365: "1 year"}


@page(
    "/api-keys",
    title={"en": "API keys", "sw": "Funguo za API"},
    icon="key",
    group=Group.SETTINGS,
    permission="api_keys.manage",
    order=60,
)
async def api_keys(desk: Desk) -> None:
    text = {
        "en": "For programs of yours. A key may do what you choose, and never more than you may yourself.",
        "sw": "Kwa programu zako. Ufunguo unaweza unachochagua tu, kamwe si zaidi yako.",
    }
    host = ui.element("div").classes("cn-stack loose")
    parts: dict[str, Live] = {}

    async def new() -> None:
        await _new_key(here(), parts["list"])

    with host:
        with heading({"en": "API keys", "sw": "Funguo za API"}, text):
            button(
                {"en": "New key", "sw": "Ufunguo mpya"},
                bound(new, writes=False),
                icon="add",
                kind="primary",
                mark="new-key",
            )
        parts["list"] = await live(_list)


async def _list() -> None:
    desk = here()
    found = await list_keys(desk.runtime, desk.principal)
    with panel(flush=True):
        if not found:
            with empty(
                "key",
                "No keys yet",
                "Make one to register people from your website, or to fetch tickets into a spreadsheet.",
            ):
                return
        with ui.element("div").classes("cn-list"):
            for each in found:
                _key(desk, each)


def _key(desk: Desk, each: KeyRow) -> None:
    is_over = each.revoked_at is not None or (each.expires_at is not None and each.expires_at <= desk.now)
    with ui.element("div").classes("cn-row").style("flex-wrap: wrap"):
        with ui.element("div").classes("cn-grow").style("min-width: 220px"):
            with ui.element("div").classes("cn-line"):
                ui.label(each.name).classes("cn-strong")
                if each.revoked_at is not None:
                    badge(say("revoked"))
                elif is_over:
                    badge(say("expired"), "warn")
                elif each.kind == "internal":
                    badge(say("internal"), "info")
            ui.label(f"cn_{each.prefix}_…  ·  {', '.join(each.scopes)}").classes("cn-muted cn-small")
        used = say("used {ago}", ago=desk.ago(each.last_used_at)) if each.last_used_at else say("never used")
        until = say("until {day}", day=desk.day(each.expires_at)) if each.expires_at else ""
        ui.label(f"{used}  ·  {until}").classes("cn-muted cn-small num")
        if not is_over:
            button(
                "Revoke",
                bound(lambda key_id=each.id, name=each.name: _ask(key_id, name), writes=False),
                kind="danger",
                small=True,
            )


def _ask(key_id: UUID, name: str) -> None:
    async def go() -> None:
        desk = here()
        await revoke_key(desk.runtime, desk.principal, key_id)
        reload()

    confirm(
        say("Revoke “{name}”?", name=name),
        "Programs that use it are refused from now on. This cannot be undone.",
        "Revoke",
        bound(go, writes=False),
    )


async def _new_key(desk: Desk, listing: Live) -> None:
    mine = sorted(
        desk.principal.permissions
        & (CORE.keys() | (await defined_permissions(desk.runtime, desk.organization.id)).keys())
    )
    with dialog({"en": "New API key", "sw": "Ufunguo mpya wa API"}) as box:
        form = ui.element("div").classes("cn-stack")
        with form:
            fields: dict[str, Any] = {
                "name": text_field("Name", hint="What it is for, such as “Website”.", mark="key-name"),
                "scopes": select_field("It may", mine, [], multiple=True, find=True, mark="key-scopes"),
                "expires_at": select_field(
                    "Good for", {days: say(text) for days, text in LIVES.items()}, 365, mark="key-life"
                ),
                "allowed_ips": text_area(
                    "Only from these addresses", hint="One a line, such as 10.0.0.0/24. Empty: from everywhere.", rows=2
                ),
            }
            with ui.element("div").classes("cn-actions"):
                button(desk.word("cancel"), box.close, kind="quiet")

                async def make() -> None:
                    await _make(fields, form, listing)

                button(
                    {"en": "Make the key", "sw": "Tengeneza"},
                    bound(make, writes=False),
                    kind="primary",
                    mark="make-key",
                )
    box.open()


async def _make(fields: dict[str, Any], form: ui.element, listing: Live) -> None:
    desk = here()
    for each in fields.values():
        each.error = None
    try:
        made = await create_key(
            desk.runtime,
            desk.principal,
            name=fields["name"].value or "",
            scopes=fields["scopes"].value or [],
            expires_at=desk.now + timedelta(days=fields["expires_at"].value) - timedelta(minutes=1),
            allowed_ips=[line.strip() for line in (fields["allowed_ips"].value or "").splitlines() if line.strip()],
        )
    except NotPossible as e:
        if e.field not in fields:
            raise
        fields[e.field].error = str(e)[:1].upper() + str(e)[1:]
        return
    form.clear()
    with form:
        note("Copy it now: it is not kept and cannot be shown again.", "warn")
        ui.label(made.secret).classes("cn-secret cn-code").mark("key-secret")
        with ui.element("div").classes("cn-actions"):
            copy = button("Copy", icon="content_copy", kind="primary")
            copy.on("click", js_handler=f"() => cn.copy({made.secret!r})")

            async def done() -> None:
                toast("The key is ready")

            copy.on("click", bound(done, writes=False), [])
    await listing.refresh()
