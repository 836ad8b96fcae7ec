"""Signing in and out with tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, StringConstraints

from bot.http import Access, Answer, Ask, Body, Line, Problem, Routes
from bot.identity import access, tokens
from bot.identity.errors import NotAMember
from channels.api.problems import FORBIDDEN
from store.people import Place

routes = Routes(
    "Sign-in",
    "Access tokens live for some minutes; the refresh token gives the next pair and is good once. Programs use API keys instead.",
)

Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Login(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "jane@example.org", "password": "giraffe under seven clouds"}]}
    )

    email: Annotated[Line, StringConstraints(min_length=1, max_length=320)]
    password: Secret
    code: Annotated[Line, StringConstraints(max_length=40)] | None = None
    organization_id: UUID | None = None


class Refresh(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "cnr_..."}]})

    refresh_token: Secret
    organization_id: UUID | None = None


class OrganizationRef(Answer):
    id: UUID
    name: str


class TokensOut(Answer):
    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime
    organization_id: UUID | None


class LoginOut(TokensOut):
    user_id: UUID
    name: str
    organizations: list[OrganizationRef]


class Me(Answer):
    kind: str
    id: UUID
    name: str
    organization_id: UUID | None
    permissions: list[str]
    organizations: list[OrganizationRef]


@routes.post("/auth/login", permission=Access.ANYONE)
async def login(ask: Ask, body: Login) -> LoginOut:
    """Sign in with e-mail and password.

    `code` is the six digits of an authenticator app, where one is set up. Without `organization_id` the tokens are for your only organization;
    who has several asks for the next pair with the one that is meant.
    """
    signed_in = await access.sign_in(
        ask.runtime, body.email, body.password, code=body.code, ip=ask.ip, user_agent=ask.user_agent, kind="api"
    )
    places = signed_in.organizations
    if body.organization_id is not None and body.organization_id not in [_id(each) for each in places]:
        await access.sign_out(signed_in.session_id)
        raise NotAMember
    chosen = body.organization_id or (_id(places[0]) if len(places) == 1 else None)
    pair = await tokens.issue(ask.runtime, signed_in.session_id, signed_in.user_id, chosen)
    return LoginOut(
        **_pair(pair).model_dump(),
        user_id=signed_in.user_id,
        name=signed_in.name,
        organizations=[OrganizationRef(id=_id(each), name=each.name) for each in places],
    )


@routes.post("/auth/refresh", permission=Access.ANYONE)
async def refresh(ask: Ask, body: Refresh) -> TokensOut:
    """Get the next pair of tokens.

    Say `organization_id` each time. A refresh token that comes twice ends all tokens of its sign-in.
    """
    return _pair(await tokens.refresh(ask.runtime, body.refresh_token, organization_id=body.organization_id))


@routes.post("/auth/logout", permission=Access.SIGNED_IN)
async def logout(ask: Ask) -> None:
    """Sign out: all tokens of this sign-in end."""
    if ask.principal.session_id is None:
        raise Problem(FORBIDDEN, "an API key has no session to end; revoke the key instead")
    await access.sign_out(ask.principal.session_id)


@routes.get("/auth/me", permission=Access.SIGNED_IN)
async def who_am_i(ask: Ask) -> Me:
    """Read who you are and what you may do here."""
    who = ask.principal
    places = await access.organizations_of(who.id) if who.kind == "user" else []
    return Me(
        kind=who.kind,
        id=who.id,
        name=who.name,
        organization_id=who.organization_id,
        permissions=sorted(who.permissions),
        organizations=[OrganizationRef(id=_id(each), name=each.name) for each in places],
    )


def _id(place: Place) -> UUID:
    return place.organization_id


def _pair(pair: tokens.Tokens) -> TokensOut:
    return TokensOut(
        access_token=pair.access,
        refresh_token=pair.refresh,
        access_expires_at=pair.access_expires_at,
        refresh_expires_at=pair.refresh_expires_at,
        organization_id=pair.organization_id,
    )
