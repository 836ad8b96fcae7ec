"""`python -m admin_ui`: the admin process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from admin_ui.settings import AdminSettings
from bot import telemetry
from bot.config import Configuration
from bot.errors import ChatNationError, ConfigError
from bot.logs import set_up
from bot.runtime import Runtime
from bot.settings import LogSettings

STOP_S = 3


async def serve() -> None:
    configuration = Configuration.read()
    set_up(configuration.section(LogSettings, "log"), service="admin")
    telemetry.start(configuration, service="admin")
    settings = configuration.section(AdminSettings, "admin")
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(configuration.data / "admin"))
    # NiceGUI reads its environment when it is imported.
    import uvicorn

    from admin_ui.app import make_app

    runtime = await Runtime.open("admin", configuration=configuration, adapters={"pacer": None}, admin=True)
    try:
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(runtime),
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=STOP_S,
                lifespan="on",
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
        await server._serve()  # `serve` would take the signals for itself and raise them again afterwards
        if not server.started:
            raise OSError(
                f"cannot listen on {settings.host}:{settings.port}: set CHATNATION__ADMIN__PORT to a free port"
            )
    finally:
        await runtime.close()
        telemetry.stop()


def main() -> int:
    try:
        asyncio.run(serve())
    except (ChatNationError, OSError) as e:
        print(f"admin: {e}", file=sys.stderr)  # noqa: T201  # the one line for whoever starts it by hand
        return 2 if isinstance(e, ConfigError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
