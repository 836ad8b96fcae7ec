"""The web process: webhooks, health, the REST API."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from bot.errors import ChatNationError
from channels.api.mount import add_api
from channels.media import add_media
from channels.observed import observed
from channels.settings import WebSettings
from channels.triggers import add_triggers
from channels.webhooks import add_webhooks
from store.call import call

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["RUNTIME", "make_app"]

log = logging.getLogger(__name__)

RUNTIME: web.AppKey[Runtime] = web.AppKey("runtime")
READY_TIMEOUT_S = 2.0


def make_app(runtime: Runtime) -> web.Application:
    """The aiohttp application of one process; closes with it what it opened, but not the runtime."""
    settings = runtime.configuration.section(WebSettings, "web")
    # A body that announces no length and is longer ends in 413 while it is read.
    app = web.Application(client_max_size=settings.body_limit_bytes, middlewares=[observed])
    app[RUNTIME] = runtime
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    add_webhooks(app, runtime)
    add_triggers(app, runtime)
    add_api(app, runtime)
    add_media(app, runtime)
    return app


async def _healthz(_: web.Request) -> web.Response:
    """The process runs."""
    return web.json_response({"status": "ok"})


async def _readyz(_: web.Request) -> web.Response:
    """The process can take messages: PostgreSQL answers."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await call("SELECT 1")
    except (ChatNationError, TimeoutError) as e:
        return web.json_response({"status": "unavailable", "store": type(e).__name__}, status=503)
    return web.json_response({"status": "ready", "store": "ok"})
