"""Registering, invitations, forgotten passwords, the second step: what happens before somebody is inside."""

from __future__ import annotations

from uuid import UUID

from nicegui import context, ui

from admin_ui import gate
from admin_ui.kit import page, say
from admin_ui.kit.controls import tag
from admin_ui.kit.door import DoorField, Problem, door, door_button, door_field, guarded
from admin_ui.words import Words
from bot.errors import ChatNationError
from bot.identity import access, second_factor
from bot.identity.access import SignedIn
from bot.identity.errors import LinkSpent, SessionEnded
from bot.identity.external import open_ticket
from bot.identity.invitations import accept_invitation, join, read_invitation
from bot.identity.letters import role_name
from bot.identity.profile import read_reset, request_reset, reset_password
from bot.identity.registration import register, verify_email
from bot.runtime import Runtime

COUNTRIES = {"KE": ("Kenya", "Africa/Nairobi"), "TZ": ("Tanzania", "Africa/Dar_es_Salaam"), "UG": ("Uganda", "Africa/Kampala"), "RW": ("Rwanda", "Africa/Kigali"), "ET": ("Ethiopia", "Africa/Addis_Ababa"), "NG": ("Nigeria", "Africa/Lagos"), "ZA": ("South Africa", "Africa/Johannesburg"), "GB": ("United Kingdom", "Europe/London"), "DE": ("Germany", "Europe/Berlin")}  # fmt: skip
HINT = "At least 10 characters. Four words that have nothing to do with each other are good."


@page("/register", title={"en": "Create an organization", "sw": "Anzisha shirika"}, public=True)
async def register_page(runtime: Runtime, ticket: str = "") -> None:
    ui.page_title(say("Create an organization · ChatNation"))
    try:
        newcomer = open_ticket(runtime, ticket) if ticket else None
    except ChatNationError:
        newcomer = None
    with door("Create your organization", "Ten minutes from here to the first answer on WhatsApp."):
        problem = Problem()
        fields = {
            "organization": door_field("Organization", autocomplete="organization", mark="organization"),
            "name": door_field(
                "Your name", autocomplete="name", value=newcomer.name if newcomer else "", mark="your-name"
            ),
        }
        country = _countries()
        if newcomer is None:
            fields["email"] = door_field("E-mail", kind="email", autocomplete="username", mark="email")
            fields["password"] = door_field(
                "Password", kind="password", autocomplete="new-password", hint=HINT, mark="password"
            )
        else:
            ui.label(say("You sign in as {email}.", email=newcomer.email)).classes("cn-muted")

        async def go() -> None:
            given = {name: each.value or "" for name, each in fields.items()}
            chosen = str(country.value)
            ip, user_agent = _whence()
            try:
                found = await register(
                    runtime,
                    **given,
                    ticket=ticket if newcomer else "",
                    country=chosen,
                    timezone=COUNTRIES[chosen][1],
                    ip=ip,
                    user_agent=user_agent,
                )
            except ChatNationError as e:
                _refuse(e, fields, problem)
                return
            _enter(found, "/")

        door_button("Create it", go, mark="register")
        with ui.element("div").classes("cn-small"):
            tag("a", say("I have an account: sign in")).props["href"] = "/login"


def _countries() -> ui.select:
    with ui.element("div").classes("cn-field"):
        tag("label", say("Country")).props["for"] = "register-country"
        found = ui.select({code: say(name) for code, (name, _) in COUNTRIES.items()}, value="KE").mark("country")
        return found.props('outlined dense hide-bottom-space options-dense for="register-country"')


@page("/forgot", title={"en": "Forgot password", "sw": "Nimesahau nywila"}, public=True)
async def forgot(runtime: Runtime) -> None:
    ui.page_title(say("Forgot password · ChatNation"))
    with door("Forgot your password?", "Tell us your e-mail address: a letter with a link comes within a minute."):
        problem = Problem()
        email = door_field("E-mail", kind="email", autocomplete="username", mark="email")

        async def go() -> None:
            try:
                await request_reset(runtime, email.value or "", ip=_whence()[0])
            except ChatNationError as e:
                _refuse(e, {"email": email}, problem)
                return
            problem.say(
                "If there is an account with this address, the letter is on its way. Look in the spam folder too",
                "good",
            )

        door_button("Send the letter", go, mark="send")
        with ui.element("div").classes("cn-small"):
            tag("a", say("Back to signing in")).props["href"] = "/login"


@page("/reset", title={"en": "New password", "sw": "Nywila mpya"}, public=True)
async def reset(runtime: Runtime, token: str = "") -> None:
    ui.page_title(say("New password · ChatNation"))
    try:
        email = await read_reset(runtime, token)
    except LinkSpent as e:
        _spent(e, "Ask for a new letter", "/forgot")
        return
    with door("Choose a new password", say("For {email}. You are signed out everywhere else.", email=email)):
        problem = Problem()
        password = door_field("New password", kind="password", autocomplete="new-password", hint=HINT, mark="password")

        async def go() -> None:
            try:
                await reset_password(runtime, token, password.value or "")
            except ChatNationError as e:
                _refuse(e, {"password": password}, problem)
                return
            problem.say("Your password is changed. Sign in with it", "good")
            ui.navigate.to("/login")

        door_button("Change it", go, mark="reset")


@page("/invitation", title={"en": "Invitation", "sw": "Mwaliko"}, public=True)
async def invitation(runtime: Runtime, token: str = "", ticket: str = "") -> None:
    ui.page_title(say("Invitation · ChatNation"))
    try:
        found = await read_invitation(runtime, token)
    except LinkSpent as e:
        _spent(e, "Sign in", "/login")
        return
    role = found.role_name or role_name(found.role, say({"en": "en", "sw": "sw"}))
    with door(
        say("Join {organization}", organization=found.organization),
        say(
            "{inviter} invites {email} as {role}.",
            inviter=found.inviter or say("Somebody there"),
            email=found.email,
            role=role,
        ),
    ):
        problem = Problem()
        if found.has_account:
            await _join(runtime, token, found.email, problem)
            return
        name = door_field("Your name", autocomplete="name", mark="your-name")
        password = door_field("Password", kind="password", autocomplete="new-password", hint=HINT, mark="password")

        async def go() -> None:
            ip, user_agent = _whence()
            try:
                signed_in = await accept_invitation(
                    runtime,
                    token,
                    name=name.value or "",
                    password=password.value or "",
                    ticket=ticket,
                    ip=ip,
                    user_agent=user_agent,
                )
            except ChatNationError as e:
                _refuse(e, {"name": name, "password": password}, problem)
                return
            _enter(signed_in, "/")

        door_button("Accept", go, mark="accept")


async def _join(runtime: Runtime, token: str, email: str, problem: Problem) -> None:
    session_id = _session_id()
    if session_id is None:
        ui.label(
            say("You have an account as {email}. Sign in, and come back here by the same link.", email=email)
        ).classes("cn-muted")
        door_link("Sign in", f"/login?next=/invitation%3Ftoken%3D{token}")
        return

    async def go() -> None:
        try:
            principal = await access.principal_of_session(runtime, session_id, None)
            organization_id = await join(runtime, principal, token)
        except ChatNationError as e:
            problem.say(str(e))
            return
        ui.navigate.to(gate.ticket(session_id, principal.id, organization_id, "/"))

    door_button("Accept", go, mark="accept")


@page("/verify", title={"en": "Confirm e-mail", "sw": "Thibitisha barua pepe"}, public=True)
async def verify(runtime: Runtime, token: str = "") -> None:
    try:
        await verify_email(runtime, token)
    except LinkSpent as e:
        _spent(e, "Sign in", "/login")
        return
    with door("Thank you", "Your e-mail address is confirmed."):
        door_link("Go on", "/")


@page("/second-step", title={"en": "Second step", "sw": "Hatua ya pili"}, public=True)
async def second_step(runtime: Runtime) -> None:
    session_id = _session_id()
    with door("One more step", "Type the six digits of your authenticator app, or a recovery code."):
        problem = Problem()
        code = door_field("Code", autocomplete="one-time-code", mark="code")

        async def go() -> None:
            try:
                if session_id is None:
                    raise SessionEnded
                await second_factor.confirm_session(runtime, session_id, code.value or "")
            except ChatNationError as e:
                problem.say(str(e))
                return
            ui.navigate.to("/")

        code.on("keydown.enter", guarded(go), [])
        door_button("Go on", go, mark="confirm")
        _sign_out_link()


@page("/second-step/set-up", title={"en": "Second step", "sw": "Hatua ya pili"}, public=True)
async def set_up(runtime: Runtime) -> None:
    session_id = _session_id()
    try:
        if session_id is None:
            raise SessionEnded
        principal = await access.principal_of_session(runtime, session_id, None)
        setup = await second_factor.begin(runtime, principal)
    except ChatNationError as e:
        _spent(e, "Sign in", "/login")
        return
    with door(
        "Set up the second step",
        "Your organization asks for it. Scan this with an authenticator app, then type the six digits it shows.",
    ):
        problem = Problem()
        ui.html(setup.qr_svg, sanitize=False).classes("cn-qr")
        ui.label(setup.secret).classes("cn-secret cn-code").mark("totp-secret")
        code = door_field("Code", autocomplete="one-time-code", mark="code")
        codes = ui.element("div").classes("cn-codes")
        codes.set_visibility(False)

        async def go() -> None:
            try:
                found = await second_factor.confirm(runtime, principal, code.value or "")
            except ChatNationError as e:
                problem.say(str(e))
                return
            problem.say(
                "It is on. Keep these recovery codes somewhere safe: each lets you in once without the phone", "good"
            )
            codes.set_visibility(True)
            with codes:
                for each in found:
                    ui.label(each).classes("cn-code")

        door_button("Turn it on", go, mark="confirm")
        tag("a", say("Go on to the app")).props["href"] = "/"


@page("/no-organization", title={"en": "No organization", "sw": "Hakuna shirika"}, public=True)
async def no_organization(runtime: Runtime) -> None:
    with door("You belong to no organization", "Ask somebody for an invitation to yours, or create one."):
        door_link("Create an organization", "/register")
        _sign_out_link()


@page("/suspended", title={"en": "Suspended", "sw": "Imesimamishwa"}, public=True)
async def suspended(runtime: Runtime) -> None:
    """Where the members of a suspended organization end, with the reason."""
    user_id = context.client.request.session.get("uid")
    found = await gate.suspended(UUID(user_id)) if user_id else []
    ui.page_title(say({"en": "Suspended · ChatNation", "sw": "Imesimamishwa · ChatNation"}))
    names = ", ".join(each.name for each in found) or say({"en": "Your organization", "sw": "Shirika lako"})
    title = {"en": f"{names} is suspended", "sw": f"{names} imesimamishwa"}
    text = {
        "en": "Nothing is lost: messages of your contacts are kept and wait for you. Write to the people who run the platform.",
        "sw": "Hakuna kilichopotea: ujumbe wa anwani zako unatunzwa na unakusubiri. Waandikie wanaoendesha jukwaa.",
    }
    with door(title, text):
        for each in found:
            until = ""
            if each.suspended_until is not None:
                at = f"{each.suspended_until:%Y-%m-%d, %H:%M} UTC"
                until = say({"en": f", until {at}", "sw": f", hadi {at}"})
            Problem().say(f"{each.name}{until}: {each.suspended_reason}", "info")
        _sign_out_link()


def door_link(text: Words, href: str) -> None:
    ui.button(say(text), color=None).props(f'unelevated no-caps href="{href}"').classes("cn-btn primary across")


def _sign_out_link() -> None:
    with ui.element("div").classes("cn-small"):
        tag("a", say("Sign out")).props["href"] = "/leave"


def _spent(error: Exception, text: Words, href: str) -> None:
    with door("This link does not work any more"):
        Problem().say(str(error))
        door_link(text, href)


def _refuse(error: ChatNationError, fields: dict[str, DoorField], problem: Problem) -> None:
    """Below the field that it is about, if it is about one."""
    text = str(error)[:1].upper() + str(error)[1:]
    for each in fields.values():
        each.error = None
    named = getattr(error, "field", "") or ("password" if type(error).__name__ == "WeakPassword" else "")
    if named in fields:
        fields[named].error = text
        problem.hide()
    else:
        problem.say(text)


def _enter(found: SignedIn, then: str) -> None:
    first = gate.first_of(found.organizations)
    ui.navigate.to(gate.ticket(found.session_id, found.user_id, first, then))


def _whence() -> tuple[str, str]:
    request = context.client.request
    return gate.address_of(request), request.headers.get("user-agent", "")[:300]


def _session_id() -> UUID | None:
    found = context.client.request.session.get("sid")
    return UUID(found) if found else None
