"""What people change of themselves: name, language, address, password; and where they are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.errors import LinkSpent, NotPossible, TooManyTries, WrongCredentials
from bot.identity.letters import LOCALES, write
from bot.identity.mailing import checked_email, checked_name, hashed, link_to, new_token, require_open, send_beside
from bot.identity.memory import forget_session, forget_user
from bot.identity.passwords import check_password, hash_password, verify_password
from bot.identity.principal import Principal
from bot.identity.settings import IdentitySettings
from store import people
from store.people import Person, SessionRow

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = [
    "Profile",
    "Session",
    "change_email",
    "change_password",
    "change_profile",
    "list_external",
    "list_sessions",
    "read_profile",
    "read_reset",
    "request_reset",
    "reset_password",
    "revoke_other_sessions",
    "revoke_session",
    "unlink_external",
]


@dataclass(frozen=True, slots=True)
class Profile:
    user_id: UUID
    email: str
    name: str
    locale: str
    email_verified: bool
    has_password: bool
    has_second_factor: bool
    platform_admin: bool


@dataclass(frozen=True, slots=True)
class Session:
    row: SessionRow
    is_current: bool


async def read_profile(principal: Principal) -> Profile:
    person = await _self(principal, also_impersonated=True)
    return Profile(
        person.id,
        person.email,
        person.name,
        person.locale,
        person.email_verified_at is not None,
        bool(person.password_hash),
        person.totp_confirmed_at is not None,
        person.platform_admin,
    )


async def change_profile(principal: Principal, *, name: str, locale: str) -> None:
    person = await _self(principal)
    if locale not in LOCALES:
        raise NotPossible("locale", f"choose one of {', '.join(LOCALES)}", field="locale")
    await people.put_profile(person.id, name=checked_name(name, field="name"), locale=locale)
    forget_user(person.id)


async def change_password(runtime: Runtime, principal: Principal, *, current: str, new: str) -> None:
    """Every other session ends.

    Raises:
        WrongCredentials: `current` is not her password.
        WeakPassword, TooManyTries
    """
    person = await _proved(runtime, principal, current)
    check_password(new, email=person.email, name=person.name)
    settings = runtime.configuration.section(IdentitySettings, "identity")
    hashed_new = await hash_password(settings, new)
    await people.put_password(person.id, hashed_new, runtime.clock.now(), action="password.changed")
    await people.end_sessions(person.id, reason="password changed", but=principal.session_id)
    forget_user(person.id)
    _tell_of_new_password(runtime, person)


async def change_email(runtime: Runtime, principal: Principal, email: str, *, password: str) -> None:
    """A letter goes to the new address; it counts once the link in it was followed (`registration.verify_email`).

    Raises:
        WrongCredentials, NotPossible, TooManyTries
    """
    person = await _proved(runtime, principal, password)
    email = checked_email(email)
    if email == person.email:
        raise NotPossible("same", "this is your address already", field="email")
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now = runtime.clock.now()
    if await people.person_named(email) is not None:
        return  # whoever has the address is not told to who asks; nobody gets a link
    token, kept = new_token()
    until = now + timedelta(hours=settings.verify_h)
    await people.put_mailed_link(kept, "verify", person.id, email, now=now, expires_at=until)
    link = link_to(runtime, "verify", token)
    letter = write("verify", email, person.locale, link=link, name=person.name or email, hours=f"{settings.verify_h:g}")
    send_beside(runtime, letter)


# -- a forgotten password


async def request_reset(runtime: Runtime, email: str, *, ip: str) -> None:
    """A letter, if somebody has this address; who asks cannot tell.

    Raises:
        TooManyTries: of this address on the network, or for this account.
    """
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now = runtime.clock.now()
    email = checked_email(email)
    keys = [(f"reset:{email}", 3), (f"reset ip:{ip}", 10)]
    after_s = await people.count_try(
        [(runtime.master.blind_index(key).hex(), free) for key, free in keys],
        now=now,
        longest_s=settings.longest_wait_s,
    )
    if after_s:
        raise TooManyTries(after_s)
    runtime.beside(_mail_reset(runtime, email))


async def _mail_reset(runtime: Runtime, email: str) -> None:
    settings = runtime.configuration.section(IdentitySettings, "identity")
    person = await people.person_named(email)
    if person is None or person.disabled_at is not None:
        return
    token, kept = new_token()
    now = runtime.clock.now()
    until = now + timedelta(minutes=settings.reset_min)
    await people.put_mailed_link(kept, "reset", person.id, email, now=now, expires_at=until)
    link = link_to(runtime, "reset", token)
    letter = write(
        "reset", email, person.locale, link=link, name=person.name or email, minutes=f"{settings.reset_min:g}"
    )
    send_beside(runtime, letter)


async def read_reset(runtime: Runtime, token: str) -> str:
    """For the page: the address that the new password is for.

    Raises:
        LinkSpent
    """
    again = "ask for a new letter on the page “Forgot password”"
    found = await people.mailed_link(hashed(token), "reset")
    if found is None:
        raise LinkSpent("unknown", f"this link is not complete; copy it whole from the letter, or {again}")
    require_open(found.expires_at, found.used_at, runtime.clock.now(), what="this link", again=again)
    return found.email


async def reset_password(runtime: Runtime, token: str, password: str) -> None:
    """Every session ends, and waiting for wrong passwords too. The second step stays: who reads the mail alone gets no further.

    Raises:
        LinkSpent, WeakPassword
    """
    email = await read_reset(runtime, token)
    person = await people.person_named(email)
    check_password(password, email=email, name=person.name if person else "")
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now = runtime.clock.now()
    user_id = await people.reset_password(hashed(token), await hash_password(settings, password), now=now)
    if user_id is None:
        raise LinkSpent("used", "this link was used already; ask for a new letter on the page “Forgot password”")
    addresses = ["", *await people.addresses_of(user_id)]
    await people.forget_tries([runtime.master.blind_index(f"account:{email}:{each}").hex() for each in addresses])
    forget_user(user_id)
    if person is not None:
        _tell_of_new_password(runtime, person)


def _tell_of_new_password(runtime: Runtime, person: Person) -> None:
    link = link_to(runtime, "forgot")
    send_beside(
        runtime, write("password_changed", person.email, person.locale, link=link, name=person.name or person.email)
    )


# -- sessions


async def list_sessions(runtime: Runtime, principal: Principal) -> list[Session]:
    """Where she is signed in, the last visit first."""
    person = await _self(principal)
    rows = await people.sessions_of(person.id, now=runtime.clock.now())
    return [Session(row, row.id == principal.session_id) for row in rows]


async def revoke_session(principal: Principal, session_id: UUID) -> bool:
    """False: it had ended, or is not hers."""
    person = await _self(principal)
    ended = await people.end_session(session_id, reason="revoked", user_id=person.id)
    forget_session(session_id)
    return ended


async def revoke_other_sessions(principal: Principal) -> int:
    person = await _self(principal)
    ended = await people.end_sessions(person.id, reason="revoked", but=principal.session_id)
    forget_user(person.id)
    return len(ended)


async def _self(principal: Principal, *, also_impersonated: bool = False) -> Person:
    person = await people.person(principal.id) if principal.kind == "user" else None
    if person is None or (principal.impersonated_by is not None and not also_impersonated):
        raise NotPossible("not_yourself", "only people themselves change how they sign in")
    return person


async def _proved(runtime: Runtime, principal: Principal, password: str) -> Person:
    person = await _self(principal)
    settings = runtime.configuration.section(IdentitySettings, "identity")
    key = runtime.master.blind_index(f"password:{person.id}").hex()
    after_s = await people.count_try(
        [(key, settings.free_tries)], now=runtime.clock.now(), longest_s=settings.longest_wait_s
    )
    if after_s:
        raise TooManyTries(after_s)
    if not person.password_hash:
        raise NotPossible("no_password", "you have no password yet; choose one by “Forgot password”")
    if not await verify_password(settings, person.password_hash, password):
        raise WrongCredentials("this is not your current password")
    await people.forget_tries([key])
    return person


# -- other ways in


async def list_external(principal: Principal) -> list[tuple[str, str]]:
    """(provider, address there)."""
    person = await _self(principal)
    return await people.links_of(person.id)


async def unlink_external(principal: Principal, provider: str) -> bool:
    """
    Raises:
        NotPossible: it is the only way in.
    """
    person = await _self(principal)
    if not person.password_hash:
        raise NotPossible("no_password", "choose a password by “Forgot password” first, or you could not come in again")
    return await people.remove_link(person.id, provider)
