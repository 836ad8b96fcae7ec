"""What surrounds every request: its trace, and how long it took."""

from __future__ import annotations

import functools
import logging
import time
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.trace import from_traceparent, traced
from channels.metrics import REQUEST_DURATION

__all__ = ["observed"]

log = logging.getLogger(__name__)

METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))  # the caller's word is not a label


@web.middleware
async def observed(request: web.Request, handler: Handler) -> web.StreamResponse:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unmatched"
    method = request.method if request.method in METHODS else "other"
    status = 500
    started = time.monotonic()
    with traced(from_traceparent(request.headers.get("traceparent")), f"{method} {route}"):
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as e:
            status = e.status
            raise
        except Exception:
            log.exception("request failed", extra={"route": route, "method": method, "action": "request.failed"})
            raise
        finally:
            took_s = time.monotonic() - started
            _timer(method, route, status).observe(took_s)
            log.debug(
                "request",
                extra={"route": route, "status": status, "ms": round(took_s * 1000, 1), "action": "request.answered"},
            )
    return response


@functools.cache
def _timer(method: str, route: str, status: int) -> Any:
    """A look-up by label costs more than the measuring."""
    return REQUEST_DURATION.labels(method, route, status)
