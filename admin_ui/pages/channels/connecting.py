"""Connecting a number, and giving one a new token: what is given is asked of Meta first, and kept sealed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import bound, button, dialog, go, here, note, reload, text_field, toast
from admin_ui.words import Words
from bot.numbers import NotConnected, connect, renew_token

__all__ = ["ask", "ask_token"]

Fields = dict[str, Any]


def ask() -> None:
    text = {
        "en": "All of it stands in Meta's app dashboard, developers.facebook.com, under your app.",
        "sw": "Yote yako kwenye dashibodi ya Meta, developers.facebook.com, chini ya programu yako.",
    }
    with dialog({"en": "Connect a number", "sw": "Unganisha namba"}, text=text) as box:
        with ui.element("div").classes("cn-grid cn-cols-2"):
            fields: Fields = {
                "phone_number_id": text_field(
                    {"en": "Phone number ID", "sw": "Kitambulisho cha namba"},
                    hint={
                        "en": "WhatsApp > API setup. Not the number itself.",
                        "sw": "WhatsApp > API setup. Si namba yenyewe.",
                    },
                    mark="phone-number-id",
                ),
                "waba_id": text_field(
                    {"en": "Business account ID", "sw": "Kitambulisho cha akaunti"},
                    hint={
                        "en": "WhatsApp Business Account ID, beside it.",
                        "sw": "WhatsApp Business Account ID, karibu nayo.",
                    },
                    mark="waba-id",
                ),
            }
        fields["token"] = text_field(
            {"en": "Access token", "sw": "Tokeni ya ufikiaji"},
            kind="password",
            hint={
                "en": "Of a system user (Business settings > System users), with both WhatsApp permissions.",
                "sw": "Ya mtumiaji wa mfumo (Business settings > System users), yenye ruhusa zote mbili za WhatsApp.",
            },
            mark="token",
        )
        with ui.element("div").classes("cn-grid cn-cols-2"):
            fields["app_secret"] = text_field(
                {"en": "App secret", "sw": "Siri ya programu"},
                kind="password",
                hint={"en": "App settings > Basic.", "sw": "App settings > Basic."},
                mark="app-secret",
            )
            fields["verify_token"] = text_field(
                {"en": "Verify token", "sw": "Verify token"},
                hint={
                    "en": "Any word; give Meta the same under WhatsApp > Configuration.",
                    "sw": "Neno lolote; mpe Meta hilo hilo kwenye WhatsApp > Configuration.",
                },
                mark="verify-token",
            )
        _kept()

        async def make() -> None:
            await _connect(fields)

        _actions(box, {"en": "Connect", "sw": "Unganisha"}, bound(make, writes=False), "connect-go")
    box.open()


async def _connect(fields: Fields) -> None:
    desk = here()
    given = _given(fields)
    try:
        account_id = await connect(desk.runtime, desk.principal, **given)
    except NotConnected as e:
        _refuse(fields, e)
        return
    go(f"/channels/{account_id}?examine=1")


def ask_token(account_id: UUID) -> None:
    text = {
        "en": "The old one counts until the new one has been confirmed by Meta. Leave empty what stays.",
        "sw": "Ya zamani inatumika hadi mpya ithibitishwe na Meta. Acha wazi kisichobadilika.",
    }
    with dialog({"en": "New token", "sw": "Tokeni mpya"}, text=text) as box:
        fields: Fields = {
            "token": text_field({"en": "Access token", "sw": "Tokeni ya ufikiaji"}, kind="password", mark="token"),
            "app_secret": text_field(
                {"en": "App secret, if it changed", "sw": "Siri ya programu, kama imebadilika"},
                kind="password",
                hint={
                    "en": "The earlier one stays valid beside it, so that nothing is lost meanwhile.",
                    "sw": "Ya awali inaendelea kutumika kando yake, ili kisipotee chochote.",
                },
                mark="app-secret",
            ),
            "verify_token": text_field(
                {"en": "Verify token, if it changed", "sw": "Verify token, kama imebadilika"}, mark="verify-token"
            ),
        }
        _kept()

        async def make() -> None:
            await _renew(account_id, fields)

        _actions(box, {"en": "Use it", "sw": "Itumie"}, bound(make, writes=False), "token-go")
    box.open()


async def _renew(account_id: UUID, fields: Fields) -> None:
    desk = here()
    try:
        await renew_token(desk.runtime, desk.principal, account_id, **_given(fields))
    except NotConnected as e:
        _refuse(fields, e)
        return
    toast(desk.say({"en": "Meta accepts the new token", "sw": "Meta imeikubali tokeni mpya"}))
    reload()


def _given(fields: Fields) -> dict[str, str]:
    for each in fields.values():
        each.error = None
    return {name: str(each.value or "").strip() for name, each in fields.items()}


def _refuse(fields: Fields, e: NotConnected) -> None:
    """Says it below the field that Meta did not confirm."""
    desk = here()
    control = fields.get(e.field)
    if control is None:
        toast(desk.say(e.why), kind="bad")
        return
    control.error = desk.say(e.why)
    control.run_method("focus")


def _kept() -> None:
    words = {
        "en": "Token and secrets are kept encrypted and never shown again.",
        "sw": "Tokeni na siri huhifadhiwa kwa usimbaji na hazionyeshwi tena.",
    }
    note(here().say(words))


def _actions(box: Any, action: Words, on_yes: Any, mark: str) -> None:
    with ui.element("div").classes("cn-actions"):
        button(here().word("cancel"), box.close, kind="quiet")
        button(action, kind="primary", mark=mark).on("click", on_yes, [])
