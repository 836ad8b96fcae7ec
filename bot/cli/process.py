"""One supervised thing: what it is, and how to tell that it is up."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from store import guard

__all__ = ["CONFIG_ERROR", "Command", "HttpReady", "Process", "Ready", "Server", "ServerProcess"]

CONFIG_ERROR = 2  # the exit code of a process whose settings are wrong: starting it again cannot help


class Ready(Protocol):
    """How a process says that it does its work."""

    async def __call__(self) -> bool: ...


class Process(Protocol):
    """What the supervisor starts, watches, restarts and stops: a child of ours, or an embedded server."""

    name: str
    stop_rank: int  # lower ones are stopped first
    starts_ready: bool  # `start` returns when it does its work

    @property
    def pid(self) -> int | None: ...
    @property
    def output(self) -> int | None:
        """File descriptor to read its words from; None when it keeps a log file."""

    @property
    def exit_code(self) -> int | None: ...
    def start(self) -> None: ...
    def ask_to_stop(self) -> None: ...
    def kill(self) -> None: ...
    def has_ended(self) -> bool: ...
    async def is_ready(self) -> bool: ...


@dataclass
class Command:
    """A child process that gets its settings by environment variables only."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    ready_file: Path | None = None
    ready: Ready | None = None
    stop_rank: int = 0
    starts_ready: bool = False
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    @property
    def output(self) -> int | None:
        return self._child.stdout.fileno() if self._child is not None and self._child.stdout is not None else None

    @property
    def exit_code(self) -> int | None:
        return self._child.returncode if self._child is not None else None

    def start(self) -> None:
        environment = dict(self.environment)
        if self.ready_file is not None:
            self.ready_file.parent.mkdir(parents=True, exist_ok=True)
            self.ready_file.unlink(missing_ok=True)
            environment["CHATNATION_READY_FILE"] = str(self.ready_file)
        self._child = guard.spawn(self.arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ask_to_stop(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """The whole group: what a worker started goes with it."""
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def has_ended(self) -> bool:
        if self._child is None:
            return True
        if self._child.poll() is None:
            return False
        guard.forget(self._child.pid)
        return True

    async def is_ready(self) -> bool:
        if self.pid is None:
            return False
        if self.ready is not None:
            return await self.ready()
        return self.ready_file is None or self.ready_file.exists()


class Server(Protocol):
    """The embedded PostgreSQL and NATS."""

    port: int

    @property
    def pid(self) -> int | None: ...
    def start(self) -> object: ...
    def stop(self, *, timeout_s: float = 10.0, immediately: bool = False) -> None: ...


@dataclass
class ServerProcess:
    """An embedded server as the supervisor sees it: it starts blocking and is ready at once, on the port it had before."""

    name: str
    server: Server
    stop_rank: int
    starts_ready: bool = True
    output: int | None = None
    exit_code: int | None = None

    @property
    def pid(self) -> int | None:
        return self.server.pid

    def start(self) -> None:
        self.server.start()

    def ask_to_stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.stop(immediately=True, timeout_s=2)

    def has_ended(self) -> bool:
        return self.server.pid is None

    async def is_ready(self) -> bool:
        return not self.has_ended()


@dataclass(frozen=True)
class HttpReady:
    """GET on a path answers 200. Spoken by hand: the supervisor would otherwise import an HTTP library just for this."""

    host: str
    port: int
    path: str = "/healthz"
    timeout_s: float = 1.0

    async def __call__(self) -> bool:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._ask()
        except (OSError, TimeoutError):
            return False

    async def _ask(self) -> bool:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(
                f"GET {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
            return b" 200 " in await reader.readline()
        finally:
            writer.close()
