"""Signing in. The only page that strangers see first, so it says little and says it kindly."""

from __future__ import annotations

from urllib.parse import quote

from nicegui import context, ui

from admin_ui import gate
from admin_ui.kit import page, say
from admin_ui.kit.controls import tag
from admin_ui.kit.door import Problem, door, door_button, door_field, guarded
from bot.errors import ChatNationError
from bot.identity import access
from bot.identity.errors import NeedsSecondFactor
from bot.identity.external import providers
from bot.runtime import Runtime

EXTERNAL = {
    "failed": "Signing in there did not work; try again, or use your password",
    "away": "The provider does not answer just now; try again in a minute, or use your password",
}


@page("/login", title={"en": "Sign in", "sw": "Ingia"}, public=True)
async def login(runtime: Runtime, next: str = "/", problem: str = "") -> None:  # the query parameter's name
    ui.page_title(say("Sign in · ChatNation"))
    request = context.client.request
    with door("Welcome back", "Sign in to see what your audience is up to."):
        told = Problem()
        if problem:
            told.say(EXTERNAL.get(problem, EXTERNAL["failed"]))
        email = door_field("E-mail", kind="email", autocomplete="username", mark="email")
        password = door_field("Password", kind="password", autocomplete="current-password", mark="password")
        code = door_field(
            "Code",
            autocomplete="one-time-code",
            hint="Six digits of your authenticator app, or a recovery code.",
            mark="code",
        )
        code.host.set_visibility(False)

        async def go() -> None:
            told.hide()
            try:
                found = await access.sign_in(
                    runtime,
                    email.value or "",
                    password.value or "",
                    code=(code.value or "").strip() or None,
                    ip=gate.address_of(request),
                    user_agent=request.headers.get("user-agent", "")[:300],
                )
            except NeedsSecondFactor as e:
                code.host.set_visibility(True)
                told.say(str(e), "info")
                return
            except ChatNationError as e:
                told.say(str(e))
                return
            first = gate.first_of(found.organizations)
            ui.navigate.to(gate.ticket(found.session_id, found.user_id, first, next))

        for each in (email, password, code):
            each.on("keydown.enter", guarded(go), [])
        door_button("Sign in", go, mark="sign-in")
        for provider in providers(runtime):
            with ui.element("a").classes("cn-provider") as link:
                link.props["href"] = f"/auth/{provider.name}?next={quote(next)}"
                ui.label(say("Go on with {label}", label=provider.label))
        with ui.element("div").classes("cn-line between cn-small"):
            tag("a", say("Forgot your password?")).props["href"] = "/forgot"
            tag("a", say("Create an organization")).props["href"] = "/register"
