"""`chatnation up` with real servers and supervision, but a process table of tiny children: `python -m tests.bot.cli.small_up`.

Settings come from the environment as ever.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from bot.cli.console import Console
from bot.cli.plan import RANK_CLOCK, RANK_FRONT, RANK_WORKER, Plan
from bot.cli.process import Command, HttpReady
from bot.cli.state import claim
from bot.cli.up import Up
from bot.config import Configuration


class SmallPlan(Plan):
    def emulator_process(self) -> Command:
        return self.child("emulator", "web", str(self.emulator.port), port=self.emulator.port, rank=RANK_FRONT)

    def migration(self) -> Command | None:
        return self.child("migrate", "once", "0", rank=RANK_FRONT)

    def processes(self) -> list[Command]:
        noted = self.data / "run" / "environment"
        return [
            self.child("web", "web", str(self.web.port), port=self.web.port, rank=RANK_FRONT),
            self.child("worker-interactive", "noted", str(noted), rank=RANK_WORKER),
            self.child("clock", "idle", rank=RANK_CLOCK),
        ]

    def child(self, name: str, *arguments: str, rank: int, port: int | None = None) -> Command:
        command: Sequence[str] = [sys.executable, "-m", "tests.bot.cli.children", *arguments]
        if port is not None:
            return Command(name, command, self.environment(), ready=HttpReady("127.0.0.1", port), stop_rank=rank)
        return Command(
            name, command, self.environment(), ready_file=self.data / "run" / f"{name}.ready", stop_rank=rank
        )


def main() -> int:
    configuration = Configuration.read()
    with claim(configuration.data):
        plan = SmallPlan(configuration, os.environ)
        plan.check()
        return asyncio.run(Up(plan, Console()).run())


if __name__ == "__main__":
    sys.exit(main())
