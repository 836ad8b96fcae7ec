"""What every request under the prefix gets, whatever becomes of it: an id, problems for errors, headers of limits and origins."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.http import Problem
from channels.api.cors import Cors
from channels.api.handle import BUDGET, REQUEST_ID
from channels.api.problems import problem_of, response_of
from store.ids import uuid7

__all__ = ["front"]

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def front(cors: Cors) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = request[REQUEST_ID] = uuid7().hex
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPMethodNotAllowed as e:
            if request.method == "OPTIONS":
                response = cors.preflight(request, ", ".join(sorted(e.allowed_methods)))
            else:
                response = _told(problem_of(e, {}), request, request_id)
        except Problem as e:
            response = _told(e, request, request_id)
        except Exception as e:
            told = problem_of(e, {})
            if told.kind.status == 500:
                log.exception(
                    "api request failed",
                    extra={"request_id": request_id, "path": request.match_info.handler.__class__.__name__},
                )
            response = _told(told, request, request_id)
        if response.prepared:
            return response
        headers = {"X-Request-Id": request_id, **SAFE, **cors.headers(request)}
        if (budget := request.get(BUDGET)) is not None:
            headers |= budget.headers()
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def _told(problem: Problem, request: web.Request, request_id: str) -> web.Response:
    return response_of(problem, instance=request.path, request_id=request_id)
