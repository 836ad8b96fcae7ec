"""The way to an OpenID provider and back: two addresses, no pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_ui import gate
from bot.errors import ChatNationError, Retryable
from bot.identity import external
from bot.identity.settings import IdentitySettings
from bot.runtime import Runtime

__all__ = ["begin", "come_back"]

log = logging.getLogger(__name__)

Answer = Callable[[Request], Awaitable[Response]]


def begin(runtime: Runtime) -> Answer:
    async def answer(request: Request) -> Response:
        provider = request.path_params["provider"]
        base = runtime.configuration.section(IdentitySettings, "identity").base_url.rstrip("/")
        try:
            started = await external.begin(runtime, provider, redirect_uri=f"{base}/auth/{provider}/callback")
        except ChatNationError as e:
            return _refused(e)
        request.session["oidc"] = started.state
        request.session["oidc_next"] = gate.safe_next(request.query_params.get("next", "/"))
        return RedirectResponse(started.url, 303)

    return answer


def come_back(runtime: Runtime) -> Answer:
    async def answer(request: Request) -> Response:
        expected, then = request.session.pop("oidc", ""), request.session.pop("oidc_next", "/")
        try:
            found = await external.finish(
                runtime,
                state=request.query_params.get("state", ""),
                code=request.query_params.get("code", ""),
                expected_state=expected,
                ip=gate.address_of(request),
                user_agent=request.headers.get("user-agent", "")[:300],
            )
        except ChatNationError as e:
            return _refused(e)
        if isinstance(found, external.Newcomer):
            return RedirectResponse(f"/register?ticket={found.ticket}", 303)
        first = next((each.organization_id for each in found.organizations if not each.suspended), None)
        gate.put_session(request, found.session_id, found.user_id, first)
        return RedirectResponse(gate.safe_next(then), 303)

    return answer


def _refused(error: ChatNationError) -> Response:
    log.info("external sign-in refused", extra={"reason": type(error).__name__})
    return RedirectResponse(f"/login?problem={'away' if isinstance(error, Retryable) else 'failed'}", 303)
