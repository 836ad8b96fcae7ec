"""The emulator as an aiohttp application, and as a server of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from channels.emulator import control, graph
from channels.emulator.control.frame import control_frame
from channels.emulator.emulator import Emulator
from channels.emulator.graph.access import Handler, graph_frame
from channels.emulator.keys import EMULATOR
from channels.emulator.mpesa import control as mpesa_control
from channels.emulator.mpesa import daraja
from channels.emulator.settings import EmulatorSettings

PAGE = Path(__file__).parent / "page"
_UPLOAD_BYTES = 101 * 1024 * 1024  # the largest document and its multipart frame
_CSP = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


def make_app(settings: EmulatorSettings) -> web.Application:
    """Graph API, Daraja, control API and page in one; the emulator starts and stops with the application."""
    app = web.Application(middlewares=[control_frame, _route_frame], client_max_size=_UPLOAD_BYTES)
    app[EMULATOR] = Emulator(settings)
    app.cleanup_ctx.append(_run)
    app.on_shutdown.append(_let_go)
    app.router.add_get("/", _index)
    app.router.add_static("/page/", PAGE)
    control.add_routes(app)
    mpesa_control.add_routes(app)
    daraja.add_routes(app)
    graph.add_routes(app)
    return app


@asynccontextmanager
async def serve(settings: EmulatorSettings, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Emulator]:
    """A running emulator on a free port (0) or the one given; `emulator.base_url` says where.

    Raises:
        OSError: the port is taken.
    """
    app = make_app(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        app[EMULATOR].set_base_url(f"http://{host if ':' not in host else f'[{host}]'}:{bound[1]}")
        yield app[EMULATOR]
    finally:
        await runner.cleanup()


async def _run(app: web.Application) -> AsyncIterator[None]:
    await app[EMULATOR].start()
    yield
    await app[EMULATOR].close()


async def _let_go(app: web.Application) -> None:
    """Ends open event streams and long calls, or the server would wait for them."""
    app[EMULATOR].let_go()
    await asyncio.sleep(0)


@web.middleware
async def _route_frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The Graph frame around Graph calls only."""
    path = request.path
    if path == "/" or path.startswith(("/control/", "/page/", *daraja.PREFIXES)):
        return await handler(request)
    return await graph_frame(request, handler)


async def _index(request: web.Request) -> web.StreamResponse:
    del request
    return web.FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": _CSP, "Cache-Control": "no-cache"})
