"""`python -m scheduler worker interactive|bulk|render` and `python -m scheduler clock`."""

from __future__ import annotations

import argparse
import os
import sys

import uvloop

from bot import logs, telemetry
from bot.config import Configuration
from bot.errors import ChatNationError, ConfigError
from bot.settings import LogSettings
from scheduler.process import stop_on_signals
from scheduler.queues import QUEUES

WRONG_SETTINGS = 2  # tells a supervisor that starting again cannot help


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scheduler")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("worker", help="runs the tasks of one queue").add_argument("queue", choices=sorted(QUEUES))
    kinds.add_parser("clock", help="finds what is due; one of them leads")
    arguments = parser.parse_args()
    queue = getattr(arguments, "queue", None)
    try:
        configuration = Configuration.read()
        service = f"worker.{queue}" if queue else "clock"
        logs.set_up(configuration.section(LogSettings, "log"), service=service)
        telemetry.start(configuration, service=service)
        uvloop.run(_run(configuration, queue))
    except ChatNationError as e:
        sys.stderr.write(f"{e}\n")
        return WRONG_SETTINGS if isinstance(e, ConfigError) else 1
    return 0


async def _run(configuration: Configuration, queue: str | None) -> None:
    stop = stop_on_signals()
    if queue is not None:
        from scheduler.worker import run_worker  # taskiq: half a second that the clock does without

        await run_worker(configuration, queue, stop)
    else:
        from scheduler.clock import run_clock

        await run_clock(configuration, stop)
    telemetry.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed. A thread that still draws must not hold up the stop: its job's row says that it has to be drawn again.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
