"""What `chatnation up` runs, worked out from the settings: addresses, environments, the table of processes. Starts nothing."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from bot.cli.process import Command, HttpReady, Server, ServerProcess
from bot.cli.state import UpState
from bot.config import Configuration
from bot.errors import ConfigError
from bot.settings import DemoSettings, EmulatorSettings
from bot.telemetry.settings import MetricsSettings
from store.settings import StoreSettings

__all__ = ["QUEUES", "RANK_CLOCK", "RANK_FRONT", "RANK_WORKER", "Plan", "check_port", "worker_environment"]

QUEUES = ("interactive", "bulk", "render")

# First to be stopped first: nothing new comes in, what runs is finished, then its servers go.
RANK_FRONT, RANK_WORKER, RANK_CLOCK, RANK_NATS, RANK_POSTGRES = range(5)

PORT_PATIENCE_S = 2.0  # the processes of an `up` that was killed a moment ago may still hold the port


class Plan:
    """One run of `chatnation up`. `environment` is what the user gave; a process gets that and what was found out here."""

    def __init__(self, configuration: Configuration, environment: Mapping[str, str]) -> None:
        self.configuration = configuration
        self.data = configuration.data
        self.store = configuration.section(StoreSettings, "store")
        self.emulator = configuration.section(EmulatorSettings, "emulator")
        self.has_demo = (
            configuration.section(DemoSettings, "demo").enabled and importlib.util.find_spec("bot.demo") is not None
        )
        self.web = _section(configuration, "web", "channels.settings:WebSettings")
        self.admin = _section(configuration, "admin", "admin_ui.settings:AdminSettings")
        self.workers = _section(configuration, "worker", "scheduler.settings:WorkerSettings")
        self.nats_url = _section(configuration, "nats", "scheduler.settings:NatsSettings").url
        self.metrics = configuration.section(MetricsSettings, "metrics")
        self._given = environment
        self.state = UpState(urls=self._urls())

    def check(self) -> None:
        """
        Raises:
            ConfigError: A port is busy, or an external database comes without its second role.
        """
        self.configuration.check()
        if self.store.dsn is not None and self.store.system_dsn is None:
            raise ConfigError(
                "CHATNATION__STORE__DSN is set but CHATNATION__STORE__SYSTEM_DSN is not: give the DSN of the role chatnation_system too"
            )
        check_port(self.web.host, self.web.port, "CHATNATION__WEB__PORT")
        check_port(self.admin.host, self.admin.port, "CHATNATION__ADMIN__PORT")
        if self.emulator.enabled:
            check_port(self.emulator.host, self.emulator.port, "CHATNATION__EMULATOR__PORT")

    def servers(self) -> list[ServerProcess]:
        """The embedded servers that no setting replaces. Named by dotted name: NATS belongs to a package above this one."""
        found = []
        if self.store.dsn is None:
            found.append(
                ServerProcess("postgres", _embedded("store.embedded:EmbeddedPostgres", self.data), RANK_POSTGRES)
            )
        if self.nats_url is None:
            found.append(ServerProcess("nats", _embedded("scheduler.embedded:EmbeddedNats", self.data), RANK_NATS))
        return found

    def note_addresses(self, servers: list[ServerProcess]) -> None:
        """Once the embedded servers have ports: where the data and the hints are."""
        given = {name: getattr(self.store, name) for name in ("dsn", "system_dsn", "owner_dsn")}
        self.state.dsn, self.state.system_dsn, self.state.owner_dsn = (
            secret.get_secret_value() if secret else None for secret in given.values()
        )
        self.state.nats = self.nats_url.get_secret_value() if self.nats_url else None
        for process in servers:
            server = cast("Any", process.server)
            if process.name == "postgres":
                self.state.dsn, self.state.system_dsn, self.state.owner_dsn = (
                    server.dsn(role) for role in ("app", "system", "owner")
                )
            else:
                self.state.nats = server.url

    def emulator_process(self) -> Command:
        """It knows nothing of the application: it gets options, and the numbers that it plays from the file that the demo prepared."""
        numbers = self.data / "emulator.json"
        options = [
            "--host",
            self.emulator.host,
            "--port",
            str(self.emulator.port),
            "--data",
            str(self.data / "emulator"),
        ]
        options += [
            "--webhook-url",
            f"{self.state.urls['web']}/webhooks/whatsapp",
            *(["--config", str(numbers)] if numbers.exists() else []),
        ]
        ready = HttpReady(_reachable(self.emulator.host), self.emulator.port, path="/")
        return Command(
            "emulator", _module("channels.emulator", *options), self.environment(), ready=ready, stop_rank=RANK_FRONT
        )

    def demo_step(self, step: str) -> Command:
        """`prepare` makes numbers and secrets without a database, so that the emulator can start first; `load` needs the owner's role."""
        return Command(f"demo {step}", _module("bot.demo", step), self.environment(owner=True))

    def migration(self) -> Command | None:
        """None where the database is external and its owner is not told: then somebody else migrates it."""
        return (
            Command("migrate", _module("store", "migrate"), self.environment(owner=True))
            if self.state.owner_dsn
            else None
        )

    def processes(self) -> list[Command]:
        """The application's own, in the order of their start."""
        environment = self.environment()
        web = Command(
            "web",
            _module("channels"),
            environment,
            ready=HttpReady(_reachable(self.web.host), self.web.port),
            stop_rank=RANK_FRONT,
        )
        admin = Command(
            "admin",
            _module("admin_ui"),
            environment,
            ready=HttpReady(_reachable(self.admin.host), self.admin.port),
            stop_rank=RANK_FRONT,
        )
        clock = self._command("clock", "scheduler", "clock", environment=self.environment(owner=True), rank=RANK_CLOCK)
        processes = [web, *self._workers(environment), clock, admin]
        if self.metrics.enabled:
            self._give_metrics_ports(processes)
        return processes

    def _give_metrics_ports(self, processes: list[Command]) -> None:
        """Each keeps its own when it is started again, so that Prometheus finds it."""
        first, host = self.metrics.port, _reachable(self.metrics.host)
        ports = range(first, first + len(processes)) if first else _free_ports(self.metrics.host, len(processes))
        for process, port in zip(processes, ports, strict=True):
            process.environment = dict(process.environment) | {"CHATNATION__METRICS__PORT": str(port)}
            self.state.metrics[process.name] = f"http://{host}:{port}/metrics"

    def _workers(self, environment: Mapping[str, str]) -> list[Command]:
        found = []
        for queue in QUEUES:
            count = getattr(self.workers, queue)
            for number in range(1, count + 1):
                name = f"worker-{queue}" if count == 1 else f"worker-{queue}-{number}"
                found.append(
                    self._command(
                        name,
                        "scheduler",
                        "worker",
                        queue,
                        environment=worker_environment(queue, environment),
                        rank=RANK_WORKER,
                    )
                )
        return found

    def _command(self, name: str, *module: str, environment: Mapping[str, str], rank: int) -> Command:
        return Command(
            name, _module(*module), environment, ready_file=self.data / "run" / f"{name}.ready", stop_rank=rank
        )

    def _urls(self) -> dict[str, str]:
        urls = {
            "web": f"http://{_reachable(self.web.host)}:{self.web.port}",
            "admin": f"http://{_reachable(self.admin.host)}:{self.admin.port}",
        }
        if self.emulator.enabled:
            urls["emulator"] = f"http://{_reachable(self.emulator.host)}:{self.emulator.port}"
            urls["chat"] = f"{urls['emulator']}/"
        return urls

    def environment(self, *, owner: bool = False) -> dict[str, str]:
        found = dict(self._given) | {"PYTHONUNBUFFERED": "1", "CHATNATION__DATA": str(self.data)}
        known = {"STORE__DSN": self.state.dsn, "STORE__SYSTEM_DSN": self.state.system_dsn, "NATS__URL": self.state.nats}
        found |= {f"CHATNATION__{name}": value for name, value in known.items() if value}
        found.pop("CHATNATION__STORE__OWNER_DSN", None)
        if owner and self.state.owner_dsn:
            found["CHATNATION__STORE__OWNER_DSN"] = self.state.owner_dsn
        if self.emulator.enabled and not self.configuration.is_set("whatsapp.graph_url"):
            found["CHATNATION__WHATSAPP__GRAPH_URL"] = self.state.urls["emulator"]
        if not self.configuration.is_set("identity.base_url"):
            found["CHATNATION__IDENTITY__BASE_URL"] = self.state.urls["admin"]
        return found


def worker_environment(queue: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The render queue draws: one thread of libvips per picture, and numba without its compiler, whose first run takes a minute."""
    extra = {"NUMBA_DISABLE_JIT": "1", "VIPS_CONCURRENCY": "1"} if queue == "render" else {}
    return dict(environment) | extra


def _section(configuration: Configuration, name: str, dotted: str) -> Any:
    module, _, model = dotted.partition(":")
    return configuration.section(getattr(importlib.import_module(module), model), name)


def _embedded(dotted: str, data: Path) -> Server:
    module, _, name = dotted.partition(":")
    return cast("Server", getattr(importlib.import_module(module), name)(data))


def _module(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host


def check_port(host: str, port: int, setting: str) -> None:
    """
    Raises:
        ConfigError: Somebody else listens there, or nobody may.
    """
    deadline = time.monotonic() + PORT_PATIENCE_S
    while (problem := _try_bind(host, port)) is not None:
        if problem.errno == errno.EADDRINUSE and time.monotonic() < deadline:
            time.sleep(0.1)
            continue
        if problem.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} is busy: set {setting} to a free one")
        host_setting = setting.replace("PORT", "HOST")
        raise ConfigError(
            f"cannot listen on {host}:{port} ({os.strerror(problem.errno or 0)}): see {host_setting} and {setting}"
        )


def _free_ports(host: str, n: int) -> list[int]:
    """All different: they are held until the last one is found."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server((host, 0))) for _ in range(n)]
        return [int(probe.getsockname()[1]) for probe in probes]


def _try_bind(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
