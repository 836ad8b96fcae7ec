"""Who comes in. The browser holds a signed cookie with the id of a session of `bot.identity`; the session itself lies in the database.

A page cannot set cookies once it is shown, so signing in ends with a *ticket*: an address, signed, good for a minute and for this browser
only, that puts the session into the cookie. With it the cookie gets a new name inside, so that nobody can plant one beforehand.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer
from nicegui import context
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_ui.scope import PLATFORM, Desk
from bot.identity import Principal, Role, access
from bot.identity.errors import NotAMember, OrganizationSuspended, SessionEnded
from bot.runtime import Runtime
from store import people
from store.people import Place

__all__ = [
    "address_of",
    "enter",
    "first_of",
    "is_signed_in",
    "leave",
    "organizations",
    "principal",
    "put_session",
    "safe_next",
    "sign_out",
    "suspended",
    "ticket",
    "to_login",
    "to_second_step",
    "use_secret",
    "way_back",
]

TICKET_S = 60

_signer: list[URLSafeTimedSerializer] = []


def use_secret(secret: str) -> None:
    _signer[:] = [URLSafeTimedSerializer(secret, salt="admin-enter")]


def ticket(
    session_id: UUID, user_id: UUID, organization_id: UUID | None, then: str, *, own: tuple[UUID, UUID] | None = None
) -> str:
    """The address that lets this browser in. `own`: session and person to come back to from borrowed eyes."""
    browser = context.client.request.session.get("id")
    found = {
        "b": browser,
        "s": str(session_id),
        "u": str(user_id),
        "o": str(organization_id or ""),
        "n": safe_next(then),
        "w": ":".join(map(str, own or ())),
    }
    return f"/enter?ticket={_signer[0].dumps(found)}"


def enter(request: Request) -> Response:
    """GET /enter"""
    try:
        found: dict[str, Any] = _signer[0].loads(request.query_params.get("ticket", ""), max_age=TICKET_S)
    except BadSignature:
        return RedirectResponse("/login", 303)
    if found["b"] != request.session.get("id"):
        return RedirectResponse("/login", 303)
    put_session(request, found["s"], found["u"], found["o"])
    request.session["own"] = found["w"]
    return RedirectResponse(safe_next(found["n"]), 303)


def way_back(then: str) -> str:
    """From borrowed eyes to one's own session, if this browser has it still."""
    session_id, _, user_id = str(context.client.request.session.get("own") or "").partition(":")
    return ticket(UUID(session_id), UUID(user_id), PLATFORM.id, then) if user_id else "/login"


def put_session(
    request: Request, session_id: UUID | str, user_id: UUID | str, organization_id: UUID | str | None
) -> None:
    """Into the cookie, under a new name."""
    found = {"sid": str(session_id), "uid": str(user_id), "org": str(organization_id or "")}
    request.session.update(id=str(uuid.uuid4()), **found)


def leave(request: Request) -> Response:
    """GET /leave: forgets the session in this browser; `sign_out` has ended it."""
    request.session.clear()
    return RedirectResponse("/login", 303)


def to_login(request: Request) -> Response:
    session_id, _, user_id = str(request.session.pop("own", "") or "").partition(":")
    if user_id:  # the hour is over
        put_session(request, session_id, user_id, PLATFORM.id)
        return RedirectResponse("/platform/organizations", 303)
    for key in ("sid", "uid", "org"):
        request.session.pop(key, None)
    then = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/login" if then == "/" else f"/login?next={quote(then)}", 303)


def to_second_step(request: Request, *, is_set_up: bool) -> Response:
    """Signed in, but a code is missing, or the organization wants a second step that is not set up yet."""
    return RedirectResponse("/second-step" if is_set_up else "/second-step/set-up", 303)


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def safe_next(address: str) -> str:
    """Only a path of ours: no other host may be named."""
    is_ours = (
        address.startswith("/") and not address.startswith(("//", "/\\")) and not any(ord(c) < 32 for c in address)
    )
    return address if is_ours else "/"


async def principal(runtime: Runtime, session_id: UUID, organization_id: UUID) -> Principal | None:
    """None: signed out, or no member any more; of the platform's desk: none of its people.

    Raises:
        SecondFactorRequired: signed in, but not into this organization yet.
        OrganizationSuspended
    """
    try:
        if organization_id == PLATFORM.id:
            found = await access.principal_of_session(runtime, session_id, None)
            return found if found.may("platform.view") else None
        return await access.principal_of_session(runtime, session_id, organization_id)
    except OrganizationSuspended:
        raise
    except (SessionEnded, NotAMember):
        return None


async def is_signed_in(session_id: UUID) -> bool:
    found = await people.standing(session_id, None)
    return found is not None and found.revoked_at is None


async def organizations(user_id: UUID) -> list[tuple[UUID, str]]:
    """Those that are open to this person, by name."""
    return [(each.organization_id, each.name) for each in await access.organizations_of(user_id) if not each.suspended]


async def suspended(user_id: UUID) -> list[Place]:
    """Those that the platform's people closed, with why."""
    return [each for each in await access.organizations_of(user_id) if each.suspended]


def first_of(places: Iterable[Place]) -> UUID | None:
    """Where somebody begins who has not chosen: the organization in which she may most."""
    ranks = {role.value: rank for rank, role in enumerate(Role)}
    open_ones = [each for each in places if not each.suspended]
    best = min(open_ones, key=lambda each: (ranks.get(each.role, len(ranks)), each.name), default=None)
    return best.organization_id if best else None


async def sign_out(desk: Desk) -> None:
    await access.sign_out(desk.session_id)
