"""A whole `chatnation up` as a child of the test: real processes on free ports, their ids, and a hard hand to end them with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from bot.cli.state import UpState
from bot.demo.people import prepare, read
from channels.emulator.client import EmulatorClient
from tests.support.processes import is_alive, kill_hard, reachable_folder, wait_for, wait_until_gone

__all__ = [
    "INSTALLED",
    "PROJECT",
    "Organization",
    "Stack",
    "answers",
    "chatnation",
    "environment_of",
    "free_ports",
    "running",
]

PROJECT = Path(__file__).parents[2]
INSTALLED = PROJECT / "tests" / "support" / "installed"  # a skill as somebody else ships it

READY_S = 90.0  # ten on an idle machine
STOP_S = 10.0  # from SIGTERM to the last process (reliability R16)

# Numbered messages are for the numbered skill; events and assistant keep answering what is theirs.
SKILLS = ("numbered", "assistant", "events")


@dataclass(frozen=True, slots=True)
class Organization:
    """As `chatnation demo info --json` tells a client."""

    name: str
    organization_id: str
    phone_number_id: str
    waba_id: str
    app_secret: str
    verify_token: str
    display_phone_number: str


class Stack:
    """One `up` on a data folder of its own. `settings` are environment names without prefix: TURN__LEASE_S=3; `site` holds further packages."""

    def __init__(
        self, folder: Path, *, skills: tuple[str, ...] = SKILLS, site: Path | None = None, **settings: object
    ) -> None:
        self.log = folder / "up.log"
        # Not below pytest's own folder: each new run of pytest closes that one to the database's unprivileged user.
        self.home = Path(tempfile.mkdtemp(prefix="chatnation-"))
        self.data = reachable_folder(self.home) / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: set[int] = set()
        _choose_skills(self.data, skills)
        web_port, emulator_port, admin_port = free_ports(3)
        self.web_url = f"http://127.0.0.1:{web_port}"
        self.emulator_url = f"http://127.0.0.1:{emulator_port}"
        self.environment = environment_of(
            DATA=self.data,
            ENV="test",
            WEB__PORT=web_port,
            EMULATOR__PORT=emulator_port,
            ADMIN__PORT=admin_port,
            **settings,
        )
        if site is not None:
            self.environment["PYTHONPATH"] += f"{os.pathsep}{site}"

    # -- life

    def start(self) -> Stack:
        self.launch()
        wait_for(lambda: self.has_said("ChatNation is ready") or self.exit_code is not None, timeout_s=READY_S)
        assert self.exit_code is None, self.words()
        self._note_tree()
        return self

    def launch(self) -> None:
        """Without waiting for anything."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot.cli", "up"],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> float:
        """SIGTERM, and nothing may be left of it; returns the seconds that took."""
        if self._process is None or self._process.poll() is not None:
            return 0.0
        self._note_tree()
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        took = time.monotonic() - began
        wait_until_gone(self._seen, timeout_s=5)
        assert code == 0, self.words()
        return took

    def kill9(self, name: str) -> bool:
        """False when it is down at the moment, killed before and not started again yet."""
        pid = self.pids().get(name)
        if pid is None or not is_alive(pid):
            return False
        self._seen |= {pid, *descendants(pid)}
        kill_hard(pid)
        return True

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The process holds its connections and does nothing, as if the network to it were gone."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    # -- looking

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process is not None else None

    @property
    def supervisor(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def state(self) -> UpState:
        return UpState(**json.loads((self.data / "run" / "up.json").read_text()))

    def pids(self) -> dict[str, int]:
        return {name: pid for name, pid in self.state.pids.items() if name != "supervisor"}

    def words(self) -> str:
        """Everything it and its processes said."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def has_said(self, text: str) -> bool:
        return text in self.words()

    def info(self) -> dict[str, Any]:
        """`chatnation demo info --json`."""
        done = chatnation("demo", "info", "--json", environment=self.environment)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def organizations(self) -> list[Organization]:
        names = Organization.__dataclass_fields__
        return [Organization(**{name: getattr(each, name) for name in names}) for each in read(self.data)]

    # -- reaching in

    @asynccontextmanager
    async def emulator(self) -> AsyncIterator[EmulatorClient]:
        async with EmulatorClient(self.emulator_url) as client:
            yield client

    @asynccontextmanager
    async def database(self, role: str = "system") -> AsyncIterator[asyncpg.Connection]:
        """`app` is under row level security, `system` sees all, `owner` owns the tables."""
        state = self.state
        dsn = {"app": state.dsn, "system": state.system_dsn, "owner": state.owner_dsn}[role]
        connection = await asyncpg.connect(dsn)
        await connection.set_type_codec("jsonb", encoder=_dumps, decoder=orjson.loads, schema="pg_catalog")
        try:
            yield connection
        finally:
            await connection.close()

    async def count(self, sql: str, *values: object) -> int:
        async with self.database() as connection:
            return int(await connection.fetchval(sql, *values))

    def _note_tree(self) -> None:
        self._seen |= {self.supervisor, *descendants(self.supervisor)}


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Stack]:
    """From start to stop; a test that fails shows what the processes said."""
    stack = Stack(folder, **settings)
    try:
        yield stack.start()
    except BaseException:
        sys.stdout.write(stack.words()[-8_000:])
        raise
    finally:
        try:
            stack.stop()
        finally:
            shutil.rmtree(stack.home, ignore_errors=True)


def chatnation(*arguments: str, environment: dict[str, str], timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """One command of the console script, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def environment_of(**settings: object) -> dict[str, str]:
    """Ours without what is set for ChatNation, with these settings and with the third party's skill installed."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("CHATNATION", "OPENAI_"))}
    found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(INSTALLED), found.get("PYTHONPATH"))))
    return found | {f"CHATNATION__{name}": str(value) for name, value in settings.items()}


def free_ports(n: int) -> list[int]:
    """All different: they are held until the last one is found."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def answers(port: int) -> bool:
    """Somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def descendants(pid: int) -> set[int]:
    """Process ids below `pid`. `ps` is the one way that Linux and macOS share."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listing.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += below
    return found


def _choose_skills(data: Path, skills: tuple[str, ...]) -> None:
    """The demo's organizations as the demo makes them, with these skills on."""
    data.mkdir(parents=True, exist_ok=True)
    prepare(data)
    demo = data / "demo.json"
    content = json.loads(demo.read_text())
    for organization in content["organizations"]:
        organization["skills"] = list(skills)
    demo.write_text(json.dumps(content))


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()
