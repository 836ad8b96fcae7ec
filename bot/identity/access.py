"""Signing in and out, and who stands behind a request.

signed_in = await sign_in(runtime, "jane@savanna.example", password, ip="203.0.113.9", user_agent="Firefox")
principal = await principal_of_session(runtime, signed_in.session_id, organization_id)
principal.require("events.edit")
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity import second_factor, tokens
from bot.identity.api_keys import principal_of_key
from bot.identity.errors import (
    NeedsSecondFactor,
    NotAMember,
    OrganizationSuspended,
    SecondFactorRequired,
    SessionEnded,
    TooManyTries,
    Unauthenticated,
    WrongCode,
    WrongCredentials,
)
from bot.identity.memory import forget_session, remembered
from bot.identity.passwords import hash_password, needs_rehash, verify_password
from bot.identity.principal import Principal
from bot.identity.rights import permissions_of_seat
from bot.identity.roles import NOT_BORROWED, PLATFORM
from bot.identity.security import security_of
from bot.identity.settings import IdentitySettings
from store import people
from store.ids import uuid7
from store.people import Person, Place, Standing

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["SignedIn", "identify", "organizations_of", "principal_of_session", "sign_in", "sign_out", "start_session"]

SEEN_EVERY = timedelta(minutes=1)  # last_seen_at is written no more often
KNOWN_PLACE = timedelta(
    days=90
)  # an address from which somebody signed in lately is not locked out by strangers' tries


@dataclass(frozen=True, slots=True)
class SignedIn:
    session_id: UUID
    user_id: UUID
    name: str
    organizations: tuple[Place, ...]
    expires_at: datetime
    needs_code: bool = False  # signed in elsewhere; `second_factor.confirm_session` before any organization opens


async def sign_in(
    runtime: Runtime,
    email: str,
    password: str,
    *,
    code: str | None = None,
    ip: str,
    user_agent: str,
    kind: str = "browser",
) -> SignedIn:
    """A try is counted before it is made, and costs the same whether the e-mail address is known or not.

    Raises:
        WrongCredentials: or `WrongCode`.
        NeedsSecondFactor: the password is right; again with `code`: six digits, or a recovery code.
        TooManyTries: of this account or this address.
    """
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now = runtime.clock.now()
    email = email.strip().lower()
    found = await people.person_named(email)
    known = await people.has_signed_in_from(found.id if found else None, ip, since=now - KNOWN_PLACE)
    account, address = _keys(runtime, email, ip, known=known)
    after_s = await people.count_try(
        [(account, settings.free_tries), (address, settings.free_tries_per_ip)],
        now=now,
        longest_s=settings.longest_wait_s,
    )
    if after_s:
        raise TooManyTries(after_s)
    if not await verify_password(settings, found.password_hash if found else "", password):
        raise WrongCredentials
    assert found is not None  # nobody's password matches nothing
    if found.disabled_at is not None:
        raise WrongCredentials("this account is closed; write to the people who run the platform")
    if found.totp_confirmed_at is not None:
        if not code:
            await people.give_back_try([account, address], now=now)
            raise NeedsSecondFactor
        if not await second_factor.spend_code(runtime, found, code):
            raise WrongCode
    await people.forget_tries([account])
    await people.give_back_try([address], now=now)
    if needs_rehash(settings, found.password_hash):
        await people.put_password(found.id, await hash_password(settings, password), now)
    return await start_session(
        runtime, found, kind=kind, second_factor=found.totp_confirmed_at is not None, ip=ip, user_agent=user_agent
    )


def _keys(runtime: Runtime, email: str, ip: str, *, known: bool) -> tuple[str, str]:
    account = f"account:{email}:{ip if known else ''}"
    return runtime.master.blind_index(account).hex(), runtime.master.blind_index(f"address:{ip}").hex()


async def start_session(
    runtime: Runtime,
    person: Person,
    *,
    second_factor: bool,
    ip: str,
    user_agent: str,
    kind: str = "browser",
    method: str = "password",
) -> SignedIn:
    """For those who have proved who they are."""
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now, session_id = runtime.clock.now(), uuid7()
    expires_at = now + timedelta(days=settings.session_days if kind == "browser" else settings.refresh_days)
    await people.start_session(
        session_id,
        person.id,
        kind=kind,
        method=method,
        second_factor=second_factor,
        ip=ip,
        user_agent=user_agent,
        now=now,
        expires_at=expires_at,
    )
    places = tuple(await people.places_of(person.id))
    needs_code = person.totp_confirmed_at is not None and not second_factor
    return SignedIn(session_id, person.id, person.name or person.email, places, expires_at, needs_code)


async def sign_out(session_id: UUID) -> None:
    """In this process at once, in others within `memory.FRESH_S`."""
    await people.end_session(session_id, reason="signed out")
    forget_session(session_id)


async def organizations_of(user_id: UUID) -> list[Place]:
    """By name; suspended ones say so."""
    return await people.places_of(user_id)


async def principal_of_session(runtime: Runtime, session_id: UUID, organization_id: UUID | None) -> Principal:
    """Without an organization: the person herself, with the platform's permissions if she has them and no others.

    Raises:
        SessionEnded: revoked, expired or idle for too long.
        NotAMember: of this organization; or it is suspended, or not open to this way of signing in.
        SecondFactorRequired: a code is missing, or the organization wants one and none is set up.
    """
    key = ("session", session_id, organization_id)
    held = remembered.get(key)
    if held is not None:
        return held
    found = await people.standing(session_id, organization_id)
    now = runtime.clock.now()
    if found is None or found.revoked_at is not None or found.disabled_at is not None or found.expires_at <= now:
        raise SessionEnded
    if found.impersonating is not None and not found.platform_admin:
        raise SessionEnded
    settings = runtime.configuration.section(IdentitySettings, "identity")
    if found.kind == "browser" and now - found.last_seen_at > timedelta(hours=settings.session_idle_h):
        raise SessionEnded("you were away for long and are signed out; sign in again")
    if now - found.last_seen_at > SEEN_EVERY:
        await people.touch_session(session_id, now)
    return remembered.put(key, await _principal(runtime, found, organization_id))


async def _principal(runtime: Runtime, found: Standing, organization_id: UUID | None) -> Principal:
    acting = found.impersonating or found.user_id
    who = Principal(
        kind="user",
        id=acting,
        organization_id=organization_id,
        permissions=frozenset(),
        name=found.name or found.email,
        session_id=found.session_id,
        impersonated_by=found.user_id if found.impersonating else None,
    )
    if found.totp_confirmed_at is not None and not found.second_factor:
        raise SecondFactorRequired(is_set_up=True)
    if organization_id is None:
        return who.allowed(PLATFORM) if found.platform_admin and not found.impersonating else who
    if found.impersonating is not None and organization_id != found.impersonating_in:
        raise NotAMember("you see one organization with these eyes; stop impersonating to see others")
    if found.seat is None:
        raise NotAMember
    if found.suspended:
        raise OrganizationSuspended(found.suspended_reason, found.suspended_until)
    security = security_of(found.organization_settings)
    if found.impersonating is None:
        security.admit(method=found.method, email=found.email)
        if security.require_second_factor and not found.second_factor:
            raise SecondFactorRequired(is_set_up=False)
    permissions = await permissions_of_seat(runtime, organization_id, found.seat)
    if found.impersonating is not None:
        permissions -= NOT_BORROWED
    return who.allowed(permissions).limited(events=found.seat.events, exhibitors=found.seat.exhibitors)


async def identify(runtime: Runtime, authorization: str | None, *, ip: str) -> Principal:
    """Who sends this header: `Bearer <access token>` or `Bearer cn_...`.

    Raises:
        Unauthenticated: nobody, or not any more, or not from this address.
    """
    scheme, _, credential = (authorization or "").strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated
    if credential.startswith("cn_"):
        return await principal_of_key(runtime, credential, ip=ip)
    session_id, organization_id = tokens.read_access(runtime, credential)
    return await principal_of_session(runtime, session_id, organization_id)
