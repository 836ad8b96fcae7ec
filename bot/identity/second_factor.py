"""The second step of signing in: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when the phone is lost.

setup = await begin(runtime, principal)            # show setup.qr_svg and setup.secret
codes = await confirm(runtime, principal, "123456")  # from now on asked for; show the recovery codes once
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import pyotp
import segno

from bot.identity.errors import NotPossible, SessionEnded, TooManyTries, WrongCode
from bot.identity.memory import forget_user
from bot.identity.principal import Principal
from bot.identity.settings import IdentitySettings
from store import people
from store.people import Person

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Setup", "begin", "confirm", "confirm_session", "new_recovery_codes", "spend_code", "turn_off"]

STEP_S = 30
DRIFT = 1  # steps to either side: phones' clocks are wrong by half a minute
RECOVERY_CODES = 10
ISSUER = "ChatNation"
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else


@dataclass(frozen=True, slots=True)
class Setup:
    secret: str  # to type where no camera is
    uri: str
    qr_svg: str  # an <svg> element


async def begin(runtime: Runtime, principal: Principal) -> Setup:
    """A new secret that waits for its first code; what was in use stays in use until then.

    Raises:
        NotPossible: one is in use; turn it off first.
    """
    person = await _self(principal)
    if person.totp_confirmed_at is not None:
        raise NotPossible("already_on", "the second step is on; turn it off before setting up another app")
    secret = pyotp.random_base32()
    await people.put_totp(person.id, runtime.master.seal(secret.encode(), _aad(person.id)))
    uri = pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=ISSUER)
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="svg", scale=5, xmldecl=False, svgns=True, border=2)
    return Setup(secret, uri, drawn.getvalue().decode())


async def confirm(runtime: Runtime, principal: Principal, code: str) -> list[str]:
    """Turns it on, for this session too; returns the recovery codes, which are not kept and cannot be shown again.

    Raises:
        WrongCode: or the setup was not begun.
    """
    person = await _self(principal)
    if person.totp_confirmed_at is not None:
        raise NotPossible("already_on", "the second step is on already")
    if person.sealed_totp is None or not await _spend_totp(runtime, person, code):
        raise WrongCode
    codes = _codes()
    await people.confirm_totp(
        person.id,
        [_hashed(runtime, person.id, each) for each in codes],
        session_id=principal.session_id,
        now=runtime.clock.now(),
        actor=principal.actor,
    )
    forget_user(person.id)
    return codes


async def confirm_session(runtime: Runtime, session_id: UUID, code: str) -> None:
    """For a session that began without a code: signed in at Google, or before the second step was turned on.

    Raises:
        WrongCode, TooManyTries, SessionEnded
    """
    standing = await people.standing(session_id, None)
    person = await people.person(standing.user_id) if standing is not None else None
    if standing is None or person is None or standing.revoked_at is not None:
        raise SessionEnded
    settings = runtime.configuration.section(IdentitySettings, "identity")
    key = runtime.master.blind_index(f"code:{person.id}").hex()
    after_s = await people.count_try(
        [(key, settings.free_tries)], now=runtime.clock.now(), longest_s=settings.longest_wait_s
    )
    if after_s:
        raise TooManyTries(after_s)
    if person.totp_confirmed_at is None or not await spend_code(runtime, person, code):
        raise WrongCode
    await people.forget_tries([key])
    await people.mark_second_factor(session_id)
    forget_user(person.id)


async def turn_off(runtime: Runtime, principal: Principal, code: str) -> None:
    """
    Raises:
        WrongCode: a code is asked for, or whoever finds an open browser turns it off.
    """
    person = await _self(principal)
    if person.totp_confirmed_at is None:
        raise NotPossible("already_off", "the second step is off already")
    if not await spend_code(runtime, person, code):
        raise WrongCode
    await people.remove_totp(person.id, now=runtime.clock.now(), actor=principal.actor)
    forget_user(person.id)


async def new_recovery_codes(runtime: Runtime, principal: Principal, code: str) -> list[str]:
    """The old ones end.

    Raises:
        WrongCode
    """
    person = await _self(principal)
    if person.totp_confirmed_at is None or not await spend_code(runtime, person, code):
        raise WrongCode
    codes = _codes()
    await people.put_recovery_codes(
        person.id, [_hashed(runtime, person.id, each) for each in codes], now=runtime.clock.now(), actor=principal.actor
    )
    return codes


async def spend_code(runtime: Runtime, person: Person, code: str) -> bool:
    """Six digits, or a recovery code; each counts once."""
    plain = "".join(c for c in code.lower() if c.isalnum())
    if len(plain) == 6 and plain.isdigit():
        return await _spend_totp(runtime, person, plain)
    return await people.use_recovery_code(person.id, _hashed(runtime, person.id, plain), runtime.clock.now())


async def _spend_totp(runtime: Runtime, person: Person, code: str) -> bool:
    if person.sealed_totp is None:
        return False
    totp = pyotp.TOTP(runtime.master.open(person.sealed_totp, _aad(person.id)).decode())
    current = int(runtime.clock.now().timestamp()) // STEP_S
    digits = "".join(c for c in code if c.isdigit())
    for step in range(current - DRIFT, current + DRIFT + 1):
        if secrets.compare_digest(totp.generate_otp(step), digits):
            return await people.use_totp_step(person.id, step)
    return False


async def _self(principal: Principal) -> Person:
    person = await people.person(principal.id) if principal.kind == "user" else None
    if person is None or principal.impersonated_by is not None:
        raise NotPossible("not_yourself", "only people themselves change how they sign in")
    return person


def _codes() -> list[str]:
    return ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in "ab") for _ in range(RECOVERY_CODES)]


def _hashed(runtime: Runtime, user_id: UUID, code: str) -> str:
    plain = "".join(c for c in code.lower() if c.isalnum())
    return runtime.master.blind_index(f"recovery:{user_id}:{plain}").hex()


def _aad(user_id: UUID) -> bytes:
    return f"platform:user_credentials:sealed_totp:{user_id}".encode()
