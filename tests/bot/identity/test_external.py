"""Signing in at an OpenID Connect provider, over real HTTP: one that is honest, and one that lies."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import oidc_provider_mock
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import User

from bot.config import Configuration
from bot.errors import Retryable
from bot.identity.access import SignedIn, principal_of_session
from bot.identity.errors import NeedsSecondFactor, NotAMember, NotPossible, SecondFactorRequired, Unauthenticated
from bot.identity.external import Newcomer, begin, finish, providers
from bot.identity.invitations import accept_invitation
from bot.identity.profile import list_external, unlink_external
from bot.identity.registration import register
from bot.identity.security import Security, set_security
from bot.testing.people import QUICK_HASHES
from store import people
from tests.bot.identity.office import IP, Office, raised, rows

# The provider for tests calls what its own libraries will drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib", "ignore:authlib.jose")

BACK = "http://127.0.0.1:3000/auth/oidc/callback"
PEOPLE = (
    User(sub="1", claims={"email": "jane@savanna.example", "email_verified": True, "name": "Jane Wanjiru"}),
    User(sub="2", claims={"email": "nia@lake.example", "email_verified": True, "name": "Nia Odhiambo"}),
    User(sub="3", claims={"email": "jane@savanna.example", "email_verified": False}),
    User(sub="4", claims={"email": "jane@savanna.example"}),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(user_claims=PEOPLE, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


def _with_provider(office: Office, issuer: str) -> None:
    office.runtime.configuration = Configuration.read(
        {
            **QUICK_HASHES,
            "CHATNATION__IDENTITY__OIDC__CLIENT_ID": "chatnation",
            "CHATNATION__IDENTITY__OIDC__CLIENT_SECRET": "a secret of ours",
            "CHATNATION__IDENTITY__OIDC__ISSUER": issuer,
            "CHATNATION__IDENTITY__OIDC__LABEL": "Savanna login",
        }
    )


async def _go(office: Office, issuer: str, sub: str, **more: Any) -> SignedIn | Newcomer:
    """Begins, says who one is at the provider, and comes back."""
    _with_provider(office, issuer)
    started = await begin(office.runtime, "oidc", redirect_uri=BACK)
    async with httpx2.AsyncClient() as browser:
        answer = await browser.post(started.url, data={"sub": sub})
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(BACK)
    back = {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    given = {"expected_state": started.state, "state": back["state"], "code": back["code"], **more}
    return await finish(office.runtime, ip=IP, user_agent="Firefox", **given)


async def test_somebody_known_by_a_confirmed_address_is_signed_in(office: Office, provider: str) -> None:
    user_id = await office.enrol("jane@savanna.example", "event_manager")
    signed_in = await _go(office, provider, "1")
    assert isinstance(signed_in, SignedIn)
    assert signed_in.user_id == user_id
    assert (await office.who(signed_in)).may("stall.edit")
    again = await _go(office, provider, "1")
    assert isinstance(again, SignedIn)
    assert again.user_id == user_id
    herself = await principal_of_session(office.runtime, again.session_id, None)
    assert await list_external(herself) == [("oidc", "jane@savanna.example")]
    assert await unlink_external(herself, "oidc")
    assert await list_external(herself) == []


async def test_the_identity_counts_and_not_the_address_once_they_are_linked(office: Office, provider: str) -> None:
    user_id = await office.enrol("jane@savanna.example")
    await _go(office, provider, "1")
    await rows("UPDATE users SET email = 'jane@married.example' WHERE id = $1", user_id)
    signed_in = await _go(office, provider, "1")
    assert isinstance(signed_in, SignedIn)
    assert signed_in.user_id == user_id


@pytest.mark.parametrize("sub", ["3", "4"])
async def test_an_address_that_the_provider_does_not_vouch_for_opens_nothing(
    office: Office, provider: str, sub: str
) -> None:
    await office.enrol("jane@savanna.example")
    error = await raised(Unauthenticated, _go(office, provider, sub))
    assert "confirm it there" in str(error)
    assert await rows("SELECT * FROM user_external_identities") == []


async def test_an_account_that_somebody_made_in_her_name_is_taken_out_of_his_hands(
    office: Office, provider: str
) -> None:
    """He registered with her address and never confirmed it; she comes with Google: his password and sessions end."""
    await office.enrol("jane@savanna.example")
    await rows("UPDATE users SET email_verified_at = NULL")
    his = await office.sign_in("jane@savanna.example")
    signed_in = await _go(office, provider, "1")
    assert isinstance(signed_in, SignedIn)
    await raised(Unauthenticated, office.who(his))
    await raised(Unauthenticated, office.sign_in("jane@savanna.example"))
    herself = await principal_of_session(office.runtime, signed_in.session_id, None)
    assert (await raised(NotPossible, unlink_external(herself, "oidc"))).reason == "no_password"


async def test_a_newcomer_registers_with_the_ticket_and_without_a_password(office: Office, provider: str) -> None:
    newcomer = await _go(office, provider, "2")
    assert isinstance(newcomer, Newcomer)
    assert (newcomer.email, newcomer.name) == ("nia@lake.example", "Nia Odhiambo")
    await register(
        office.runtime, organization="Lake Fair", name="Nia", ticket=newcomer.ticket, ip=IP, user_agent="Firefox"
    )
    person = await people.person_named("nia@lake.example")
    assert person is not None
    assert person.email_verified_at is not None
    assert person.password_hash == ""
    await raised(Unauthenticated, office.sign_in("nia@lake.example", ""))
    assert isinstance(await _go(office, provider, "2"), SignedIn)


async def test_tickets_age_and_are_not_forged(office: Office, provider: str) -> None:
    newcomer = await _go(office, provider, "2")
    assert isinstance(newcomer, Newcomer)

    async def use(ticket: str) -> None:
        await register(office.runtime, organization="X", name="Nia", ticket=ticket, ip=IP, user_agent="")

    raw = bytearray(base64.urlsafe_b64decode(newcomer.ticket))
    raw[-1] ^= 1
    for forged in (base64.urlsafe_b64encode(raw).decode(), "nonsense", "AAAA"):
        await raised(Unauthenticated, use(forged))
    office.later(minutes=31)
    await raised(Unauthenticated, use(newcomer.ticket))


async def test_an_invitation_is_accepted_with_the_account_that_it_was_sent_to(office: Office, provider: str) -> None:
    owner = await office.principal("jane@savanna.example")
    newcomer = await _go(office, provider, "2")
    assert isinstance(newcomer, Newcomer)

    async def accept(token: str) -> SignedIn:
        return await accept_invitation(
            office.runtime, token, name="Nia", ticket=newcomer.ticket, ip=IP, user_agent="Firefox"
        )

    other = await office.invited(owner, "ben@savanna.example")
    assert (await raised(NotPossible, accept(other))).reason == "other_address"
    signed_in = await accept(await office.invited(owner, "nia@lake.example"))
    assert (await office.who(signed_in)).may("dashboard.view")


async def test_what_another_browser_began_is_not_finished_here(office: Office, provider: str) -> None:
    await office.enrol("jane@savanna.example")
    await raised(Unauthenticated, _go(office, provider, "1", expected_state="of another browser"))
    await raised(Unauthenticated, _go(office, provider, "1", expected_state=""))


async def test_a_way_back_is_walked_once_and_within_ten_minutes(office: Office, provider: str) -> None:
    _with_provider(office, provider)
    await office.enrol("jane@savanna.example")

    async def walked() -> dict[str, str]:
        started = await begin(office.runtime, "oidc", redirect_uri=BACK)
        async with httpx2.AsyncClient() as browser:
            answer = await browser.post(started.url, data={"sub": "1"})
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        return {"state": started.state, "expected_state": started.state, "code": code, "ip": IP, "user_agent": ""}

    back = await walked()
    await finish(office.runtime, **back)  # type: ignore[arg-type]
    assert "before" in str(await raised(Unauthenticated, finish(office.runtime, **back)))  # type: ignore[arg-type]
    late = await walked()
    office.later(minutes=11)
    assert "too long" in str(await raised(Unauthenticated, finish(office.runtime, **late)))  # type: ignore[arg-type]


async def test_the_way_back_leads_to_us(office: Office, provider: str) -> None:
    _with_provider(office, provider)
    for elsewhere in ("https://evil.example/cb", "http://127.0.0.1:3000.evil.example/cb", "//evil.example"):
        await raised(NotPossible, begin(office.runtime, "oidc", redirect_uri=elsewhere))
    await raised(NotPossible, begin(office.runtime, "google", redirect_uri=BACK))
    assert [(each.name, each.label) for each in providers(office.runtime)] == [("oidc", "Savanna login")]


async def test_an_organization_opens_only_to_its_domains_from_elsewhere(office: Office, provider: str) -> None:
    owner = await office.principal("boss@other.example")
    await office.enrol("jane@savanna.example", "viewer")
    await set_security(office.runtime, owner, Security(allowed_domains=("other.example",)))
    signed_in = await _go(office, provider, "1")
    assert isinstance(signed_in, SignedIn)
    assert "other.example" in str(await raised(NotAMember, office.who(signed_in)))
    await office.who(await office.sign_in("jane@savanna.example"))


async def test_ones_own_second_step_is_asked_for_here_too(office: Office, provider: str) -> None:
    import pyotp

    from bot.identity import second_factor

    owner = await office.principal("jane@savanna.example")
    setup = await second_factor.begin(office.runtime, owner)
    app = pyotp.TOTP(setup.secret)
    await second_factor.confirm(office.runtime, owner, app.at(office.stage.clock.now()))
    await raised(NeedsSecondFactor, office.sign_in("jane@savanna.example"))
    signed_in = await _go(office, provider, "1")
    assert isinstance(signed_in, SignedIn)
    assert signed_in.needs_code
    await raised(SecondFactorRequired, office.who(signed_in))
    office.later(seconds=45)
    await second_factor.confirm_session(office.runtime, signed_in.session_id, app.at(office.stage.clock.now()))
    await office.who(signed_in)


# -- a provider that lies


@dataclass
class Liar:
    """A provider whose answers are made up by the test; it writes down what it was asked."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "1"})
    signer: Callable[[dict[str, Any]], str] | None = None
    named: str = ""
    asked: dict[str, Any] = field(default_factory=dict)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._metadata)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        return app

    async def _metadata(self, request: web.Request) -> web.Response:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return web.json_response(
            {"issuer": self.named or self.url, **{name: self.url + path for name, path in ends.items()}}
        )

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def _token(self, request: web.Request) -> web.Response:
        self.asked = dict(await request.post())
        token = self.signer(self.claims) if self.signer else jwt.encode(self.header, self.claims, self.key)
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": token})


@asynccontextmanager
async def _lying() -> AsyncIterator[Liar]:
    liar = Liar()
    runner = web.AppRunner(liar.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    liar.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield liar
    finally:
        await runner.cleanup()


async def _believed(office: Office, liar: Liar, **claims: Any) -> tuple[SignedIn | Newcomer, dict[str, str]]:
    _with_provider(office, liar.url)
    started = await begin(office.runtime, "oidc", redirect_uri=BACK)
    asked = {key: values[0] for key, values in parse_qs(urlsplit(started.url).query).items()}
    now = int(time.time())
    honest = {
        "iss": liar.url,
        "aud": "chatnation",
        "sub": "1",
        "iat": now,
        "exp": now + 300,
        "nonce": asked["nonce"],
        "email": "jane@savanna.example",
        "email_verified": True,
    }
    liar.claims = {key: value for key, value in {**honest, **claims}.items() if value is not None}
    outcome = await finish(
        office.runtime, state=started.state, expected_state=started.state, code="c", ip=IP, user_agent=""
    )
    return outcome, asked


async def test_the_code_is_bound_to_who_began_by_pkce(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    async with _lying() as liar:
        _, asked = await _believed(office, liar)
        digest = hashlib.sha256(liar.asked["code_verifier"].encode()).digest()
        assert asked["code_challenge_method"] == "S256"
        assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
        assert len(liar.asked["code_verifier"]) >= 43
        assert liar.asked["redirect_uri"] == BACK
        assert asked["scope"].split()[0] == "openid"


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another program"},
        {"aud": ["chatnation", "another"]},
        {"azp": "another program"},
        {"iss": "https://accounts.google.com"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email": None},
    ],
    ids=str,
)
async def test_an_answer_that_does_not_hold_is_refused(office: Office, lie: dict[str, Any]) -> None:
    await office.enrol("jane@savanna.example")
    async with _lying() as liar:
        await raised(Unauthenticated, _believed(office, liar, **lie))
        await _believed(office, liar)  # the same without the lie


async def test_a_signature_of_another_is_refused(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    async with _lying() as liar:
        other = RSAKey.generate_key(2048, {"kid": "1"})
        liar.signer = lambda claims: jwt.encode({"alg": "RS256", "kid": "1"}, claims, other)
        await raised(Unauthenticated, _believed(office, liar))
        # The public key of the provider, or our own secret, taken for a secret that signs; and no signature at all.
        for secret in (liar.key.as_pem(private=False), b"a secret of ours", b""):
            liar.signer = functools.partial(_signed_with, secret)
            await raised(Unauthenticated, _believed(office, liar))


def _signed_with(secret: bytes, claims: dict[str, Any]) -> str:
    header = {"alg": "HS256" if secret else "none", "kid": "1"}
    body = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    )
    signature = hmac.digest(secret, body.encode(), "sha256") if secret else b""
    return f"{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


async def test_a_new_key_of_the_provider_is_looked_for(office: Office) -> None:
    await office.enrol("jane@savanna.example")
    async with _lying() as liar:
        await _believed(office, liar)
        liar.key = RSAKey.generate_key(2048, {"kid": "2"})
        liar.header = {"alg": "RS256", "kid": "2"}
        await _believed(office, liar)


async def test_a_provider_that_names_itself_otherwise_or_is_away_is_not_asked(office: Office) -> None:
    async with _lying() as liar:
        liar.named = "https://accounts.google.com"
        await raised(Retryable, _believed(office, liar))
    _with_provider(office, "http://127.0.0.1:9")
    error = await raised(Retryable, begin(office.runtime, "oidc", redirect_uri=BACK))
    assert "use your password" in str(error)
