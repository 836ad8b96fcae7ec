"""Tokens of the API: a short JWT to ask with, and a long random one, good once, to get the next pair.

A family of refresh tokens is a session (`kind` api), so it stands in the list of sessions and is revoked there. A refresh token that comes a
second time was stolen, or its answer was lost; either way the family ends and the person signs in again.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from bot.identity.errors import SessionEnded, Unauthenticated
from bot.identity.memory import forget_session
from bot.identity.settings import IdentitySettings
from store import people
from store.crypto import keyring
from store.ids import uuid7

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Tokens", "issue", "read_access", "refresh"]

ISSUER = "chatnation"
AUDIENCE = "api"
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime
    organization_id: UUID | None


async def issue(runtime: Runtime, session_id: UUID, user_id: UUID, organization_id: UUID | None) -> Tokens:
    """The first or the next pair of a session."""
    settings = runtime.configuration.section(IdentitySettings, "identity")
    now = runtime.clock.now()
    access_until = now + timedelta(minutes=settings.access_min)
    refresh_until = now + timedelta(days=settings.refresh_days)
    key, key_id = _key()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "org": str(organization_id) if organization_id else None,
        "jti": uuid7().hex,
        "iat": int(now.timestamp()),
        "exp": int(access_until.timestamp()),
    }
    access = jwt.encode({"alg": ALGORITHM, "kid": key_id}, claims, key, algorithms=[ALGORITHM])
    token = f"cnr_{secrets.token_urlsafe(48)}"
    await people.put_refresh_token(_hashed(token), session_id, now=now, expires_at=refresh_until)
    return Tokens(access, token, access_until, refresh_until, organization_id)


async def refresh(runtime: Runtime, token: str, *, organization_id: UUID | None = None) -> Tokens:
    """The next pair; `organization_id` for another of the person's organizations than before is checked with the next request.

    Raises:
        SessionEnded: unknown, expired, revoked, or used before: then all tokens of the family end.
    """
    now = runtime.clock.now()
    outcome, session_id = await people.use_refresh_token(_hashed(token), now=now)
    if outcome == "again" and session_id is not None:
        await people.end_session(session_id, reason="refresh token used twice")
        forget_session(session_id)
        raise SessionEnded("this refresh token was used before, so all its tokens have ended; sign in again")
    if outcome != "used" or session_id is None:
        raise SessionEnded("this refresh token is unknown or has expired; sign in again")
    standing = await people.standing(session_id, None)
    if standing is None or standing.revoked_at is not None or standing.disabled_at is not None:
        raise SessionEnded
    return await issue(runtime, session_id, standing.user_id, organization_id)


def read_access(runtime: Runtime, token: str) -> tuple[UUID, UUID | None]:
    """(session, organization).

    Raises:
        Unauthenticated: not ours, altered, or expired.
    """
    key, key_id = _key()
    registry = jwt.JWTClaimsRegistry(
        now=int(runtime.clock.now().timestamp()),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        sid={"essential": True},
    )
    try:
        decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
        if decoded.header.get("kid") != key_id:
            raise Unauthenticated("this access token was made with another key; get a new one with your refresh token")
        registry.validate(decoded.claims)
        organization = decoded.claims.get("org")
        return UUID(decoded.claims["sid"]), UUID(organization) if organization else None
    except (JoseError, ValueError, TypeError, AttributeError) as e:
        raise Unauthenticated("this access token is wrong or has expired; get a new one with your refresh token") from e


def _key() -> tuple[OctKey, str]:
    secret = keyring().master.derive("access tokens")
    return OctKey.import_key(secret), hashlib.sha256(secret).hexdigest()[:12]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
