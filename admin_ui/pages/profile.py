"""Oneself: where one is signed in, and the second step of signing in."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Live,
    badge,
    bound,
    button,
    dialog,
    facts,
    heading,
    here,
    live,
    note,
    page,
    panel,
    reload,
    say,
    text_field,
    toast,
)
from admin_ui.kit.controls import tag
from admin_ui.pages.notifications import choices
from bot.identity import second_factor
from bot.identity.errors import NotPossible, WrongCode
from bot.identity.memory import forget_session
from store import people

BROWSERS = ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)

BORROWED = {
    "en": "With borrowed eyes nothing of a person can be changed: no password, no second step, no session.",
    "sw": "Ukiwa kwa macho ya mtu mwingine huwezi kubadilisha chochote chake: nywila, hatua ya pili wala vikao.",
}


@page("/profile", title={"en": "Profile & security", "sw": "Wasifu na usalama"})
async def profile(desk: Desk) -> None:
    with heading({"en": "Profile & security", "sw": "Wasifu na usalama"}):
        pass
    person = await people.person(desk.principal.id)
    with ui.element("div").classes("cn-grid cn-cols-2").style("align-items: start"):
        with ui.element("div").classes("cn-stack loose"):
            with panel({"en": "You", "sw": "Wewe"}):
                facts([("Name", desk.name), ("E-mail", desk.email), ("Organization", desk.organization.name)])
            if desk.principal.impersonated_by is not None:
                note(desk.say(BORROWED))
                return
            parts: dict[str, Live] = {}
            parts["second"] = await live(_second_step, parts)
            await choices(desk)
        await live(_sessions)
    if person is None:
        toast("This account is gone", kind="bad")


async def _second_step(parts: dict[str, Live]) -> None:
    desk = here()
    person = await people.person(desk.principal.id)
    is_on = person is not None and person.totp_confirmed_at is not None
    text = {
        "en": "A code of an app on your phone, beside the password. Who learns your password alone does not get in.",
        "sw": "Msimbo wa programu ya simu yako, pamoja na nywila.",
    }
    with panel({"en": "Second step at sign-in", "sw": "Hatua ya pili ya kuingia"}, text=text):
        badge(say("On"), "good") if is_on else badge(say("Off"), "warn")
        with ui.element("div").classes("cn-line"):
            if is_on:
                button(
                    "New recovery codes", bound(lambda: _with_code("New recovery codes", _renew, parts), writes=False)
                )
                button(
                    "Turn off",
                    bound(lambda: _with_code("Turn off the second step", _turn_off, parts), writes=False),
                    kind="danger",
                )
            else:

                async def begin() -> None:
                    await _set_up(parts)

                button(
                    "Set it up", bound(begin, writes=False), kind="primary", icon="phonelink_lock", mark="totp-begin"
                )


async def _set_up(parts: dict[str, Live]) -> None:
    desk = here()
    setup = await second_factor.begin(desk.runtime, desk.principal)
    with dialog(
        "Set up the second step", text="Scan this with an authenticator app, then type the six digits it shows."
    ) as box:
        inner = ui.element("div").classes("cn-stack")
        with inner:
            ui.html(setup.qr_svg, sanitize=False).classes("cn-qr")
            with ui.element("div"):
                ui.label(say("No camera? Type this into the app:")).classes("cn-muted cn-small")
                ui.label(re.sub(r"(.{4})", r"\1 ", setup.secret)).classes("cn-secret cn-code").mark("totp-secret")
            code = text_field("Code", mark="totp-code").props('inputmode="numeric" autocomplete="one-time-code"')

            async def go() -> None:
                try:
                    codes = await second_factor.confirm(here().runtime, here().principal, code.value or "")
                except WrongCode as e:
                    code.error = _sentence(e)
                    return
                inner.clear()
                with inner:
                    _show_codes(codes)
                await parts["second"].refresh()

            with ui.element("div").classes("cn-actions"):
                button(desk.word("cancel"), box.close, kind="quiet")
                button("Turn it on", bound(go, writes=False), kind="primary", mark="totp-confirm")
    box.open()


def _show_codes(codes: list[str]) -> None:
    note(
        "Keep these recovery codes somewhere safe. Each lets you in once when the phone is not there; they are not shown again.",
        "warn",
    )
    with ui.element("div").classes("cn-codes"):
        for each in codes:
            ui.label(each).classes("cn-code")
    button("Copy them", icon="content_copy").on("click", js_handler=f"() => cn.copy({chr(10).join(codes)!r})")


def _with_code(title: str, then: Any, parts: dict[str, Live]) -> None:
    with dialog(title, text="Type a code of your app, or a recovery code.") as box:
        inner = ui.element("div").classes("cn-stack")
        with inner:
            code = text_field("Code", mark="totp-code")

            async def go() -> None:
                try:
                    await then(code.value or "", inner, box)
                except WrongCode as e:
                    code.error = _sentence(e)
                    return
                await parts["second"].refresh()

            with ui.element("div").classes("cn-actions"):
                button(here().word("cancel"), box.close, kind="quiet")
                button(title, bound(go, writes=False), kind="primary", mark="totp-go")
    box.open()


async def _renew(code: str, inner: ui.element, box: ui.dialog) -> None:
    codes = await second_factor.new_recovery_codes(here().runtime, here().principal, code)
    inner.clear()
    with inner:
        _show_codes(codes)


async def _turn_off(code: str, inner: ui.element, box: ui.dialog) -> None:
    await second_factor.turn_off(here().runtime, here().principal, code)
    box.close()
    toast("The second step is off")


def _sentence(error: Exception) -> str:
    text = str(error)
    return say(text[:1].upper() + text[1:])


async def _sessions() -> None:
    desk = here()
    found = await people.sessions_of(desk.principal.id, now=desk.now)
    with panel({"en": "Where you are signed in", "sw": "Umeingia wapi"}, flush=True):
        with ui.element("div").classes("cn-list"):
            for each in found:
                is_this = each.id == desk.session_id
                with ui.element("div").classes("cn-row"):
                    ui.icon("smartphone" if "Mobile" in each.user_agent else "laptop").classes("cn-muted").style(
                        "font-size: 22px"
                    )
                    with ui.element("div").classes("cn-grow"):
                        with ui.element("div").classes("cn-line"):
                            tag("span", device(each.user_agent), "cn-strong")
                            if is_this:
                                badge(say("this one"), "accent")
                        tag(
                            "div",
                            f"{each.ip or say('unknown address')}  ·  {desk.ago(each.last_seen_at)}",
                            "cn-muted cn-small",
                        )
                    if not is_this:
                        button(
                            "Sign out", bound(lambda session_id=each.id: _end(session_id)), kind="danger", small=True
                        )
        if len(found) > 1:
            with ui.element("div").style("padding: 12px 18px"):
                button("Sign out everywhere else", bound(_end_others), kind="quiet", small=True)


def _require_own_eyes(desk: Desk) -> None:
    if desk.principal.impersonated_by is not None:
        raise NotPossible("impersonated", desk.say(BORROWED))


async def _end(session_id: UUID) -> None:
    desk = here()
    _require_own_eyes(desk)
    await people.end_session(session_id, reason="ended by its person", user_id=desk.principal.id)
    forget_session(session_id)
    reload()


async def _end_others() -> None:
    desk = here()
    _require_own_eyes(desk)
    for each in await people.end_sessions(desk.principal.id, reason="ended by its person", but=desk.session_id):
        forget_session(each)
    reload()


def device(user_agent: str) -> str:
    """`Chrome on Windows`."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return say(" on ").join(filter(None, (browser, system))) or user_agent[:40] or say("Unknown device")
