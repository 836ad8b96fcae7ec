"""Which origins' pages may call us from a browser: those of the setting, nobody else."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

__all__ = ["Cors"]

METHODS = "GET, POST, PUT, PATCH, DELETE"
TAKEN = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
SHOWN = "ETag, Location, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Idempotency-Replayed, X-Request-Id"
ASKED_AGAIN_S = 600


class Cors:
    """No credentials by cookie: the API takes none."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(each.rstrip("/") for each in origins)

    def headers(self, request: web.Request) -> dict[str, str]:
        origin = request.headers.get("Origin")
        if not self._origins or origin is None:
            return {}
        if origin not in self._origins:
            return {"Vary": "Origin"}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": SHOWN, "Vary": "Origin"}

    def preflight(self, request: web.Request, allowed: str) -> web.Response:
        headers = self.headers(request)
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": TAKEN,
                "Access-Control-Max-Age": str(ASKED_AGAIN_S),
            }
        return web.Response(status=204, headers={"Allow": allowed, **headers})
