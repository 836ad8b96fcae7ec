"""Signing in at Google, Microsoft or another OpenID Connect provider: code flow with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1).

started = await begin(runtime, "google", redirect_uri=".../auth/google/callback")
# keep started.state in the browser's session, send the browser to started.url; it comes back with ?state=...&code=...
outcome = await finish(runtime, state=state, code=code, expected_state=kept, ip=ip, user_agent=agent)
# SignedIn, or Newcomer: somebody without an account, whose ticket registers or accepts an invitation
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import Retryable
from bot.identity.access import SignedIn, start_session
from bot.identity.errors import NotPossible, Unauthenticated, WrongCredentials
from bot.identity.settings import IdentitySettings, ProviderSettings
from store import people
from store.crypto import Unreadable

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["PROVIDERS", "Newcomer", "Provider", "Started", "begin", "finish", "open_ticket", "providers"]

PROVIDERS = {"google": "Google", "microsoft": "Microsoft", "oidc": "OpenID Connect"}
SCOPE = "openid email profile"
ATTEMPT = timedelta(minutes=10)
TICKET = timedelta(minutes=30)
TIMEOUT_S = 10.0
METADATA_S = 3600.0  # providers change their keys within days; a key that is not known is looked for at once
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "EdDSA",
]  # never HS: the client secret signs nothing
LEEWAY_S = 60
_AAD = b"platform:external_attempts:sealed"
_TICKET_AAD = b"platform:external newcomer"


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Started:
    url: str
    state: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Proved to have this address, and has no account yet."""

    provider: str
    issuer: str
    subject: str
    email: str
    name: str
    ticket: str = ""


class _Attempt(BaseModel):
    model_config = ConfigDict(frozen=True)

    provider: str
    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class _Metadata(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


def providers(runtime: Runtime) -> list[Provider]:
    """Those that are set, for the buttons."""
    settings = runtime.configuration.section(IdentitySettings, "identity")
    return [
        Provider(name, found.label or label)
        for name, label in PROVIDERS.items()
        if (found := getattr(settings, name)).client_id and _issuer(settings, name)
    ]


async def begin(runtime: Runtime, provider: str, *, redirect_uri: str) -> Started:
    """
    Raises:
        NotPossible: no such provider is set, or `redirect_uri` leads elsewhere than to `identity.base_url`.
        Retryable: the provider does not answer.
    """
    settings = runtime.configuration.section(IdentitySettings, "identity")
    found = _provider(settings, provider)
    if urlsplit(redirect_uri)[:2] != urlsplit(settings.base_url)[:2]:
        raise NotPossible("redirect_uri", f"the way back must begin with {settings.base_url}; see identity.base_url")
    metadata = await _metadata(_issuer(settings, provider))
    attempt = _Attempt(
        provider=provider,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=redirect_uri,
    )
    sealed = runtime.master.seal(attempt.model_dump_json().encode(), _AAD)
    await people.put_attempt(_hashed(attempt.state), sealed, expires_at=runtime.clock.now() + ATTEMPT)
    async with _client(found, redirect_uri) as client:
        url, _ = client.create_authorization_url(
            metadata.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
    return Started(url, attempt.state)


async def finish(
    runtime: Runtime,
    *,
    state: str,
    code: str,
    expected_state: str,
    ip: str,
    user_agent: str,
    kind: str = "browser",
) -> SignedIn | Newcomer:
    """`expected_state` is what this browser began with: a way back that somebody else began is refused.

    Raises:
        Unauthenticated: not begun here, too late, or the provider's answer does not hold.
        Retryable: the provider does not answer.
    """
    if not expected_state or not secrets.compare_digest(state.encode(), expected_state.encode()):
        raise Unauthenticated("this sign-in was begun in another browser; begin again")
    sealed = await people.take_attempt(_hashed(state), now=runtime.clock.now())
    if sealed is None:
        raise Unauthenticated("this sign-in took too long or was finished before; begin again")
    attempt = _Attempt.model_validate_json(runtime.master.open(sealed, _AAD))
    settings = runtime.configuration.section(IdentitySettings, "identity")
    provider = _provider(settings, attempt.provider)
    issuer = _issuer(settings, attempt.provider)
    metadata = await _metadata(issuer)
    id_token = await _exchange(provider, metadata, attempt, code)
    claims = await _claims(runtime, id_token, metadata, provider, attempt)
    return await _welcome(runtime, attempt.provider, claims, ip=ip, user_agent=user_agent, kind=kind)


async def _exchange(provider: ProviderSettings, metadata: _Metadata, attempt: _Attempt, code: str) -> str:
    try:
        async with _client(provider, attempt.redirect_uri) as client:
            token = await client.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
            )
    except AuthlibBaseError as e:
        raise Unauthenticated("the provider did not accept the sign-in; begin again") from e
    except (httpx2.HTTPError, ValueError) as e:
        raise Retryable(f"{PROVIDERS[attempt.provider]} does not answer; try again, or use your password") from e
    found = token.get("id_token")
    if not isinstance(found, str):
        raise Unauthenticated("the provider did not say who you are; begin again")
    return found


async def _claims(
    runtime: Runtime, id_token: str, metadata: _Metadata, provider: ProviderSettings, attempt: _Attempt
) -> dict[str, Any]:
    """
    Raises:
        Unauthenticated: a signature, issuer, audience, time or nonce that is not as it must be.
    """
    try:
        try:
            decoded = jwt.decode(id_token, await _keys(metadata.jwks_uri), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # the key may be newer than what we remember
            decoded = jwt.decode(id_token, await _keys(metadata.jwks_uri, fresh=True), algorithms=ALGORITHMS)
        claims: dict[str, Any] = decoded.claims
        # Microsoft's metadata for several tenants name the issuer with a placeholder for the tenant of the token.
        issuer = metadata.issuer.replace("{tenantid}", str(claims.get("tid", "")))
        jwt.JWTClaimsRegistry(
            now=int(runtime.clock.now().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": attempt.nonce},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, AttributeError) as e:
        raise Unauthenticated("the provider's answer does not hold; begin again") from e
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", provider.client_id) != provider.client_id or (len(audiences) > 1 and "azp" not in claims):
        raise Unauthenticated("the provider's answer was made for another program; begin again")
    return claims


async def _welcome(
    runtime: Runtime, provider: str, claims: Mapping[str, Any], *, ip: str, user_agent: str, kind: str
) -> SignedIn | Newcomer:
    now = runtime.clock.now()
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    user_id = await people.linked(issuer, subject, now=now)
    person = await people.person(user_id) if user_id is not None else None
    if person is None:
        email = _proved_email(claims)
        person = await people.person_named(email)
        if person is None:
            newcomer = Newcomer(provider, issuer, subject, email, str(claims.get("name") or "")[:120])
            return _with_ticket(runtime, newcomer)
        distrust = person.email_verified_at is None
        await people.put_link(
            person.id, provider=provider, issuer=issuer, subject=subject, email=email, now=now, distrust=distrust
        )
        person = await people.person(person.id)
        assert person is not None
    if person.disabled_at is not None:
        raise WrongCredentials("this account is closed; write to the people who run the platform")
    return await start_session(
        runtime, person, second_factor=False, ip=ip, user_agent=user_agent, kind=kind, method=provider
    )


def _proved_email(claims: Mapping[str, Any]) -> str:
    """
    Raises:
        Unauthenticated: the provider does not vouch for the address. Anybody can put any address into a Microsoft tenant of her own, so
            there `xms_edov` (the domain's owner was verified) counts where `email_verified` is missing.
    """
    email = str(claims.get("email") or "").strip().lower()
    vouched = claims.get("email_verified", claims.get("xms_edov"))
    if "@" not in email or vouched not in (True, "true", 1, "1"):
        raise Unauthenticated(
            "the provider does not say that your e-mail address is yours; confirm it there, or sign in with your password"
        )
    return email


# -- tickets


def _with_ticket(runtime: Runtime, newcomer: Newcomer) -> Newcomer:
    facts = [newcomer.provider, newcomer.issuer, newcomer.subject, newcomer.email, newcomer.name]
    until = int((runtime.clock.now() + TICKET).timestamp())
    sealed = runtime.master.seal(orjson.dumps([until, *facts]), _TICKET_AAD)
    return replace(newcomer, ticket=base64.urlsafe_b64encode(sealed).decode())


def open_ticket(runtime: Runtime, ticket: str) -> Newcomer:
    """
    Raises:
        Unauthenticated: not ours, or too old.
    """
    try:
        until, *facts = orjson.loads(runtime.master.open(base64.urlsafe_b64decode(ticket), _TICKET_AAD))
    except (Unreadable, ValueError) as e:
        raise Unauthenticated("begin the sign-in again") from e
    if until < runtime.clock.now().timestamp():
        raise Unauthenticated("this took too long; begin the sign-in again")
    provider, issuer, subject, email, name = facts
    return Newcomer(provider, issuer, subject, email, name, ticket)


# -- the provider


def _provider(settings: IdentitySettings, name: str) -> ProviderSettings:
    found: ProviderSettings | None = getattr(settings, name) if name in PROVIDERS else None
    if found is None or not found.client_id or not _issuer(settings, name):
        raise NotPossible("provider", f"signing in by {PROVIDERS.get(name, name)} is not set up here")
    return found


def _issuer(settings: IdentitySettings, name: str) -> str:
    given: ProviderSettings = getattr(settings, name)
    return (given.issuer or _ISSUERS.get(name, "")).rstrip("/")


_ISSUERS = {
    "google": "https://accounts.google.com",
    "microsoft": "https://login.microsoftonline.com/common/v2.0",
}


def _client(provider: ProviderSettings, redirect_uri: str) -> AsyncOAuth2Client:
    secret = provider.client_secret.get_secret_value() if provider.client_secret else None
    return AsyncOAuth2Client(
        provider.client_id,
        secret,
        scope=SCOPE,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_post" if secret else "none",
        timeout=TIMEOUT_S,
    )


_remembered: dict[str, tuple[float, Any]] = {}


async def _fetched(url: str, *, fresh: bool = False) -> Any:
    held = _remembered.get(url)
    if held is not None and held[0] > time.monotonic() and not fresh:
        return held[1]
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
            response = await client.get(url)
            response.raise_for_status()
            found = response.json()
    except (httpx2.HTTPError, ValueError) as e:
        raise Retryable(f"{urlsplit(url).hostname} does not answer; try again, or use your password") from e
    _remembered[url] = (time.monotonic() + METADATA_S, found)
    return found


async def _metadata(issuer: str) -> _Metadata:
    try:
        found = _Metadata.model_validate(await _fetched(f"{issuer}/.well-known/openid-configuration"))
    except ValidationError as e:
        raise Retryable(f"{urlsplit(issuer).hostname} does not describe itself as an OpenID provider") from e
    named = found.issuer.rstrip("/")
    if named != issuer and "{tenantid}" not in named:
        raise Retryable(f"{urlsplit(issuer).hostname} says that it is another provider; see identity.*.issuer")
    return found


async def _keys(url: str, *, fresh: bool = False) -> KeySet:
    return KeySet.import_key_set(await _fetched(url, fresh=fresh))


def _hashed(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
