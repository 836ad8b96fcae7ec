"""The application: pages that registered themselves, behind one door.

A request for a page passes the middleware (has this browser a session at all?), then `_open` (may this person see this page, for this
organization?); what a page's handlers do passes `kit.bound`.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from nicegui import Client, app, ui
from nicegui.page import page as nicegui_page
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from admin_ui import external, gate
from admin_ui import pages as own_pages
from admin_ui.instead import broken, no_permission, nothing_here, out_of_order
from admin_ui.kit.after import postponed
from admin_ui.kit.frame import frame, menu_of
from admin_ui.kit.page import Missing, Page, may_see, owned_by, pages
from admin_ui.pages.inbox import files
from admin_ui.scope import PLATFORM, Desk, Organization, put_desk
from admin_ui.settings import AdminSettings
from admin_ui.words import LOCALES
from bot.identity import NotAllowed, Principal
from bot.identity.errors import OrganizationSuspended, SecondFactorRequired
from bot.runtime import Runtime
from store import people
from store.db import fetchrow
from store.ids import uuid7
from store.jsonb import from_jsonb
from store.tenancy import organization_scope

__all__ = ["PUBLIC", "install", "make_app"]

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
PUBLIC = ("/_nicegui", "/static", "/auth", "/healthz", "/enter", "/leave", "/favicon.ico")
BUILD_S = 20.0
SPARE_S = 10.0  # of NiceGUI's own limit, whose page says it in English alone
GZIP_LEVEL = (
    4  # half the processor time of 9, NiceGUI's own, for a tenth more bytes: a first look loads 1 MB of scripts
)

CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " font-src 'self' data:; connect-src 'self' ws: wss:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": CSP,  # NiceGUI evaluates what its server sends; nothing may come from elsewhere
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

_BRING = "SELECT name, slug, locale, timezone, country, settings, (SELECT email FROM users WHERE id = $2) AS email FROM organizations WHERE id = $1"


def make_app(runtime: Runtime) -> FastAPI:
    """For uvicorn. Once per process: NiceGUI has one application."""
    settings = runtime.configuration.section(AdminSettings, "admin")
    install(runtime)
    parent = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(
        parent,
        title="ChatNation",
        favicon=STATIC / "mark.svg",
        storage_secret=secret(runtime),
        session_middleware_kwargs={
            "session_cookie": "chatnation",
            "same_site": "lax",
            "https_only": settings.secure_cookies,
            "max_age": 30 * 24 * 3600,
        },
        tailwind=False,
        gzip_middleware_factory=lambda inner: GZipMiddleware(inner, minimum_size=500, compresslevel=GZIP_LEVEL),
        reconnect_timeout=settings.reconnect_s,
        show_welcome_message=False,
        language="en-US",
    )
    return parent


def secret(runtime: Runtime) -> str:
    """Signs the cookie; derived from the master key, so that every admin process has the same."""
    return runtime.master.blind_index("admin:storage").hex()


def install(runtime: Runtime) -> None:
    """Everything on `nicegui.app`: middleware, files, pages. The middleware must stand there, not on the parent: only there are sessions."""
    gate.use_secret(secret(runtime))
    for found in pkgutil.iter_modules(own_pages.__path__, f"{own_pages.__name__}."):
        importlib.import_module(found.name)
    for skill in runtime.registry.usable:
        owned_by(skill.name, f"{skill.package}.admin")
    app.add_middleware(_Door)
    app.add_static_files("/static", STATIC, max_cache_age=3600)
    for path, answer in (("/healthz", _healthz), ("/enter", gate.enter), ("/leave", gate.leave)):
        app.add_route(path, _awaited(answer), methods=["GET"])
    app.add_route("/auth/{provider}", external.begin(runtime), methods=["GET"])
    app.add_route("/auth/{provider}/callback", external.come_back(runtime), methods=["GET"])
    app.add_route("/branding/{organization_id}/{blob}", _branding(runtime), methods=["GET"])
    app.add_route(files.PATH, _file(runtime), methods=["GET"])
    ui.add_head_html(
        '<link rel="stylesheet" href="/static/theme.css"><link rel="stylesheet" href="/static/notices.css"><script src="/static/shell.js"></script>',
        shared=True,
    )
    for each in pages():
        ui.page(each.path, title="ChatNation", response_timeout=BUILD_S + SPARE_S)(_builder(runtime, each))
    app.add_exception_handler(404, _not_found(runtime))


class _Door(BaseHTTPMiddleware):
    """Who has no session is sent to sign in; where to go afterwards is remembered."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        path = request.url.path
        is_open = path.startswith(PUBLIC) or any(each.public and _same(each.path, path) for each in pages())
        if not is_open and "sid" not in request.session:
            return gate.to_login(request)
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _same(pattern: str, path: str) -> bool:
    """`/invite/{token}` is the page of `/invite/abc`."""
    wanted, found = pattern.split("/"), path.split("/")
    return len(wanted) == len(found) and all(w == f or w.startswith("{") for w, f in zip(wanted, found, strict=True))


def _builder(runtime: Runtime, page: Page) -> Callable[[Request], Coroutine[Any, Any, Response | None]]:
    async def build(request: Request) -> Response | None:
        try:
            if page.public:
                return await _public(runtime, page, request)
            return await _open(runtime, page, request)
        except Exception:
            number = uuid7().hex[-8:]
            log.exception("page failed", extra={"page": page.path, "number": number, "action": "page.failed"})
            out_of_order(_locale(request, "en"), _again(request), number)
            return None

    return build


def _again(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}".rstrip("?")


async def _public(runtime: Runtime, page: Page, request: Request) -> Response | None:
    ui.page_title("ChatNation")
    found: Response | None = await page.build(runtime, **_arguments_of_public(page, request))
    return found


def _arguments_of_public(page: Page, request: Request) -> dict[str, Any]:
    return page.arguments(request.path_params, request.query_params)


async def _open(runtime: Runtime, page: Page, request: Request) -> Response | None:
    try:
        desk = await desk_for(runtime, request, platform=(page.permission or "").startswith("platform."))
    except SecondFactorRequired as e:
        return gate.to_second_step(request, is_set_up=e.is_set_up)
    except OrganizationSuspended:
        return RedirectResponse("/suspended", 303)
    if desk is None:
        return await _nobody(request)
    put_desk(desk)
    with desk.scope():
        if page.path == "/" and not may_see(desk, page):  # where signing in leads: those without it begin elsewhere
            return RedirectResponse(next((each.path for each in menu_of(desk)), "/profile"), 303)
        if not may_see(desk, page):
            no_permission(desk, page)
            return None
        try:
            arguments = page.arguments(request.path_params, request.query_params)
            async with asyncio.timeout(BUILD_S):
                with postponed(), frame(desk, page) if page.frame else nullcontext():
                    await page.build(desk, **arguments)
        except Missing:
            nothing_here(desk)
        except NotAllowed as e:
            no_permission(desk, page, e.permission)
        except Exception:
            number = uuid7().hex[-8:]
            log.exception("page failed", extra={"page": page.path, "number": number, "action": "page.failed"})
            broken(desk, page, _again(request), number)
    return None


async def _nobody(request: Request) -> Response:
    """The session is over; or it lives, and its person belongs nowhere."""
    if await gate.is_signed_in(UUID(request.session["sid"])) and not await gate.organizations(
        UUID(request.session["uid"])
    ):
        is_closed = await gate.suspended(UUID(request.session["uid"]))
        return RedirectResponse("/suspended" if is_closed else "/no-organization", 303)
    return gate.to_login(request)


async def desk_for(runtime: Runtime, request: Request, *, platform: bool = False) -> Desk | None:
    """None: the session is over, or its person belongs nowhere. `platform`: that desk, for those who may sit at it."""
    session = request.session
    session_id, user_id = UUID(session["sid"]), UUID(session["uid"])
    organizations = await gate.organizations(user_id)
    chosen = next((each for each in organizations if str(each[0]) == session.get("org")), None) or next(
        iter(organizations), None
    )
    own = await gate.principal(runtime, session_id, PLATFORM.id)
    if own is not None:
        organizations = [*organizations, (PLATFORM.id, "ChatNation: platform")]
        if platform or chosen is None or session.get("org") == str(PLATFORM.id):
            return await _platform_desk(runtime, request, own, organizations)
    if chosen is None:
        return None
    principal = await gate.principal(runtime, session_id, chosen[0])
    if principal is None:
        return None
    borrowed_until = None
    if principal.impersonated_by is not None:
        organizations = [chosen]
        standing = await people.standing(session_id, None)
        borrowed_until = standing.expires_at if standing else None
    with organization_scope(chosen[0]):
        row = await fetchrow(_BRING, chosen[0], principal.id)
    profile = await runtime.directory.organization(chosen[0])
    organization = Organization(
        chosen[0],
        row["name"],
        row["slug"],
        row["locale"],
        row["timezone"],
        row["country"],
        from_jsonb(row["settings"]) or {},
    )
    return Desk(
        runtime=runtime,
        principal=principal,
        session_id=session_id,
        email=row["email"] or "",
        organization=organization,
        organizations=tuple(organizations),
        skills=profile.skills,
        locale=_locale(request, organization.locale),
        path=request.url.path,
        borrowed_until=borrowed_until,
    )


async def _platform_desk(
    runtime: Runtime, request: Request, principal: Principal, organizations: list[tuple[UUID, str]]
) -> Desk:
    person = await people.person(principal.id)
    return Desk(
        runtime=runtime,
        principal=principal,
        session_id=UUID(request.session["sid"]),
        email=person.email if person else "",
        organization=PLATFORM,
        organizations=tuple(organizations),
        skills=(),
        locale=_locale(request, person.locale if person else "en"),
        path=request.url.path,
    )


def _locale(request: Request, usual: str) -> str:
    wanted = request.cookies.get("cn_locale", "")
    return wanted if wanted in LOCALES else (usual if usual in LOCALES else "en")


def _not_found(runtime: Runtime) -> Callable[[Request, Exception], Coroutine[Any, Any, Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        if request.url.path.startswith((*PUBLIC, "/branding")) or "sid" not in request.session:
            return PlainTextResponse("not found", 404)
        with Client(nicegui_page(""), request=request) as client:
            desk = await desk_for(runtime, request)
            if desk is None:
                return gate.to_login(request)
            put_desk(desk)
            nothing_here(desk)
        return client.build_response(request, 404)

    return answer


def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok")


def _awaited(answer: Callable[[Request], Response]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def respond(request: Request) -> Response:
        return answer(request)

    return respond


def _file(runtime: Runtime) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Files of messages."""

    async def respond(request: Request) -> Response:
        return await files.answer_with_file(request, lambda asked: desk_for(runtime, asked))

    return respond


def _branding(runtime: Runtime) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Logos: of the organization whose session asks, and of no other."""

    async def respond(request: Request) -> Response:
        desk = await desk_for(runtime, request)
        asked = (request.path_params["organization_id"], request.path_params["blob"])
        if desk is None or asked != (str(desk.organization.id), str(desk.organization.branding.get("logo", ""))):
            return PlainTextResponse("not found", 404)
        with organization_scope(desk.organization.id):
            found = await runtime.blobs.get(desk.organization.id, asked[1])
        kind = str(desk.organization.branding.get("logo_type", "image/png"))
        return Response(found, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})

    return respond
