"""`chatnation up`: everything on this machine, with one command and one Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping

from bot.cli.console import Console
from bot.cli.plan import Plan
from bot.cli.process import CONFIG_ERROR, Process
from bot.cli.state import UpState, claim
from bot.cli.supervisor import Gone, Supervisor
from bot.config import Configuration
from bot.errors import ConfigError, EmbeddedServerError

__all__ = ["Up", "run"]

READY_TIMEOUT_S = 180.0  # a slow machine at its first start; what dies is told at once


def run(environment: Mapping[str, str] | None = None, console: Console | None = None) -> int:
    """Runs until it is told to stop. 0: stopped as asked; 1: something broke at the start; 2: a setting is wrong."""
    console = console or Console()
    given = dict(os.environ if environment is None else environment)
    try:
        configuration = Configuration.read(given)
        with claim(configuration.data):
            plan = Plan(configuration, given)
            plan.check()
            return asyncio.run(Up(plan, console).run())
    except (ConfigError, EmbeddedServerError) as error:
        console.problem(str(error))
        return CONFIG_ERROR
    except Gone as error:
        console.problem(str(error))
        return error.exit_code


class Up:
    """The life of one `chatnation up`: start in order, watch, stop in the reverse order."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._supervisor = Supervisor(console.line, changed=self._write_state)
        self._signals = 0

    async def run(self) -> int:
        main = asyncio.current_task()
        assert main is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, main)
        try:
            await self._start()
            await self._supervisor.watch()
        except asyncio.CancelledError:
            pass  # we were asked to stop
        finally:
            await self._stop()
        return 0

    async def _start(self) -> None:
        began = time.monotonic()
        plan = self._plan
        if plan.has_demo and not (plan.data / "emulator.json").exists():
            await self._supervisor.run_once(plan.demo_step("prepare"))
        names = []
        if plan.emulator.enabled:
            names.append(self._begin(plan.emulator_process()))
        self._start_servers()
        await self._prepare_database()
        names += [self._begin(process) for process in plan.processes()]
        self._console.step(f"waiting for {', '.join(names)}")
        await self._supervisor.wait_until_ready(names, timeout_s=READY_TIMEOUT_S)
        self._write_state()
        self._console.step(f"started in {time.monotonic() - began:.1f} s, Ctrl-C stops everything")
        if plan.has_demo:
            self._console.step("`chatnation demo info` lists who may sign in to the admin app")
        self._console.ready(_ready_line(plan.state.urls))

    def _begin(self, process: Process) -> str:
        self._supervisor.start(process)
        return process.name

    def _start_servers(self) -> None:
        servers = self._plan.servers()
        for each in servers:
            began = time.monotonic()
            self._supervisor.start(each)
            self._console.step(f"{each.name} is up on port {each.server.port} after {time.monotonic() - began:.1f} s")
            for note in getattr(each.server, "notes", ()):
                self._console.step(note)
        self._plan.note_addresses(servers)

    async def _prepare_database(self) -> None:
        migration = self._plan.migration()
        if migration is None:
            self._console.step("CHATNATION__STORE__OWNER_DSN is not set, so migrations are left to others")
        else:
            self._console.step("migrating the database")
            await self._supervisor.run_once(migration)
        if self._plan.has_demo and migration is not None:
            self._console.step("loading the demo organizations")
            await self._supervisor.run_once(self._plan.demo_step("load"))

    def _on_signal(self, main: asyncio.Task[object]) -> None:
        self._signals += 1
        if self._signals == 1:
            main.cancel()
        elif self._signals == 2:
            self._console.problem("stopping at once")
            self._supervisor.kill()

    async def _stop(self) -> None:
        self._console.step("stopping; Ctrl-C again stops at once")
        await self._supervisor.stop()
        UpState.remove(self._plan.data)
        self._console.step("stopped")

    def _write_state(self) -> None:
        self._plan.state.pids = {"supervisor": os.getpid()} | self._supervisor.pids()
        self._plan.state.write(self._plan.data)


def _ready_line(urls: Mapping[str, str]) -> str:
    places = [f"chat: {urls['chat']}"] if "chat" in urls else []
    return "  ".join(["ChatNation is ready", *places, f"admin: {urls['admin']}", f"web: {urls['web']}"])
