"""`python -m channels`: the web process."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from aiohttp import web

from bot import heap
from bot.config import Configuration
from bot.errors import ChatNationError, ConfigError
from bot.logs import set_up
from bot.runtime import Runtime
from bot.settings import LogSettings
from channels.app import make_app
from channels.settings import WebSettings
from scheduler.heartbeat import beating
from scheduler.settings import ClockSettings

SHUTDOWN_S = 5.0


async def serve() -> None:
    configuration = Configuration.read()
    set_up(configuration.section(LogSettings, "log"), service="web")
    settings = configuration.section(WebSettings, "web")
    runtime = await Runtime.open("web", configuration=configuration, adapters={"pacer": None})
    runner = web.AppRunner(make_app(runtime), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        async with beating("web", configuration.section(ClockSettings, "clock")):
            heap.settle()
            await web.TCPSite(runner, settings.host, settings.port).start()
            await _until_told_to_stop()
    finally:
        await runner.cleanup()
        await runtime.close()


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def main() -> int:
    try:
        uvloop.run(serve())
    except (ChatNationError, OSError) as e:
        print(f"web: {e}", file=sys.stderr)  # noqa: T201  # the one line for whoever starts it by hand
        return 2 if isinstance(e, ConfigError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
