"""`chatnation up` as a process: ready line, restarts on the same addresses, one clean stop, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest

from tests.support.processes import is_alive, kill_hard, reachable_folder, wait_for, wait_until_gone

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[3]


class Running:
    """One `up` in a process of its own; `lines` grows as it speaks."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.data = data
        self.lines: list[str] = []
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATNATION")}
        given = {
            "DATA": data,
            "WEB__PORT": free_port(),
            "EMULATOR__PORT": free_port(),
            "ADMIN__PORT": free_port(),
            "DEMO__ENABLED": "false",
        } | settings
        environment |= {f"CHATNATION__{name}": str(value) for name, value in given.items()}
        command = [sys.executable, "-m", "tests.bot.cli.small_up"]
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines += []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_until_ready(self) -> Running:
        wait_for(
            lambda: (
                any(line.startswith("ChatNation is ready") for line in self.lines) or self.process.poll() is not None
            ),
            timeout_s=60,
        )
        assert self.process.poll() is None, self.lines
        return self

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "run" / "up.json").read_text())
        return found

    def pid_of(self, name: str) -> int | None:
        found = self.state["pids"].get(name)
        return int(found) if found is not None else None

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reader.join(5)
        return code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return reachable_folder(tmp_path) / "data"


@pytest.fixture
def up(data: Path) -> Iterator[Running]:
    running = Running(data)
    try:
        yield running.wait_until_ready()
    finally:
        if running.process.poll() is None:
            running.stop()


def test_it_says_ready_with_its_addresses_and_tells_them_to_others(up: Running) -> None:
    line = next(line for line in up.lines if line.startswith("ChatNation is ready"))
    assert up.state["urls"]["chat"] in line
    assert up.state["urls"]["web"] in line
    assert set(up.state["pids"]) == {"supervisor", "emulator", "postgres", "nats", "web", "worker-interactive", "clock"}
    assert up.state["pids"]["supervisor"] == up.process.pid
    assert stat.S_IMODE((up.data / "run" / "up.json").stat().st_mode) == 0o600
    assert [line for line in up.lines if line.startswith("clock ") and line.endswith("idle says hello")]


def test_a_child_is_told_everything_by_its_environment(up: Running) -> None:
    told = dict(
        line.split("=", 1) for line in (up.data / "run" / "environment").read_text().splitlines() if "=" in line
    )
    assert told["CHATNATION__STORE__DSN"] == up.state["dsn"]
    assert told["CHATNATION__STORE__SYSTEM_DSN"] == up.state["system_dsn"]
    assert told["CHATNATION__NATS__URL"] == up.state["nats"]
    assert told["CHATNATION__DATA"] == str(up.data)
    assert told["CHATNATION__WHATSAPP__GRAPH_URL"] == up.state["urls"]["emulator"]
    assert "CHATNATION__STORE__OWNER_DSN" not in told


@pytest.mark.parametrize("name", ["web", "worker-interactive", "clock", "emulator", "nats", "postgres"])
def test_what_is_killed_comes_back(up: Running, name: str) -> None:
    before = up.state
    killed = before["pids"][name]
    kill_hard(killed)
    wait_for(lambda: up.pid_of(name) not in (None, killed))
    assert (up.state["dsn"], up.state["nats"]) == (before["dsn"], before["nats"])
    assert [line for line in up.lines if line.startswith(name) and "starting it again in 0.5 s" in line]


def test_servers_that_were_killed_answer_at_the_same_address(up: Running) -> None:
    async def ask() -> None:
        database = await asyncpg.connect(up.state["owner_dsn"])
        await database.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        await database.close()
        client = await nats.connect(up.state["nats"])
        await client.close()

    asyncio.run(ask())
    for name in ("postgres", "nats"):
        killed = up.pid_of(name)
        assert killed is not None
        kill_hard(killed)
        wait_for(lambda name=name, killed=killed: up.pid_of(name) not in (None, killed))
    asyncio.run(ask())


def test_one_stop_ends_everything_in_order(up: Running) -> None:
    pids = up.state["pids"]
    assert up.stop() == 0
    assert [name for name, pid in pids.items() if is_alive(pid)] == []
    assert not (up.data / "run" / "up.json").exists()
    assert "database system is shut down" in (up.data / "postgres" / "server.log").read_text()


def test_nothing_outlives_a_supervisor_that_is_killed_and_the_next_one_starts(up: Running) -> None:
    pids = up.state["pids"]
    up.process.kill()
    up.process.wait()
    wait_until_gone(pids.values())

    again = Running(up.data).wait_until_ready()
    assert again.stop() == 0


def test_a_second_up_on_the_same_data_is_refused(up: Running) -> None:
    second = Running(up.data)
    assert second.process.wait(30) != 0
    assert any("another `chatnation up`" in line and "CHATNATION__DATA" in line for line in second.lines)


def test_servers_of_others_are_used_when_they_are_told(up: Running, tmp_path: Path) -> None:
    state = up.state
    other = Running(
        tmp_path / "other",
        STORE__DSN=state["dsn"],
        STORE__SYSTEM_DSN=state["system_dsn"],
        NATS__URL=state["nats"],
        WHATSAPP__GRAPH_URL="http://127.0.0.1:1",
    ).wait_until_ready()
    told = (other.data / "run" / "environment").read_text()
    assert not {"postgres", "nats"} & set(other.state["pids"])
    assert f"CHATNATION__STORE__DSN={state['dsn']}" in told
    assert "CHATNATION__WHATSAPP__GRAPH_URL=http://127.0.0.1:1" in told
    assert other.stop() == 0
