"""The supervisor with tiny real children: restarts, back-off, order and patience of the stop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.cli.process import CONFIG_ERROR, Command
from bot.cli.supervisor import MAX_EARLY_DEATHS, BackOff, Gone, Supervisor
from tests.support.processes import is_alive, kill_hard

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def said() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def supervisor(said: list[tuple[str, str]]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(lambda name, line: said.append((name, line)), back_off=lambda: BackOff(first_s=0.05))
    yield supervisor
    supervisor.kill()


def child(name: str, *arguments: str, ready_file: Path | None = None, rank: int = 0) -> Command:
    environment = dict(os.environ) | {"PYTHONPATH": str(PROJECT)}
    return Command(
        name,
        [sys.executable, "-m", "tests.bot.cli.children", *arguments],
        environment,
        ready_file=ready_file,
        stop_rank=rank,
    )


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - real processes have no event
            await asyncio.sleep(0.02)


async def test_ready_is_when_the_child_says_so(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(child("one", "idle", ready_file=tmp_path / "one.ready"))
    await supervisor.wait_until_ready(["one"], timeout_s=15)
    assert (tmp_path / "one.ready").exists()


async def test_a_child_that_never_is_ready_is_told_with_its_last_words(supervisor: Supervisor, tmp_path: Path) -> None:
    command = child("one", "idle")
    command.ready_file = tmp_path / "one.ready"
    command.arguments = [sys.executable, "-c", "import time; print('still thinking', flush=True); time.sleep(60)"]
    supervisor.start(command)
    with pytest.raises(Gone, match="one was not ready after 1 s: still thinking"):
        await supervisor.wait_until_ready(["one"], timeout_s=1)


async def test_a_killed_child_is_started_again(supervisor: Supervisor, said: list[tuple[str, str]]) -> None:
    supervisor.start(child("one", "idle"))
    first = supervisor.pids()["one"]
    watching = asyncio.create_task(supervisor.watch())
    kill_hard(first)
    await eventually(lambda: supervisor.pids().get("one") not in (None, first))
    assert ("one", "was killed by signal 9; starting it again in 0.05 s") in said
    watching.cancel()


async def test_its_words_are_passed_on_under_its_name(supervisor: Supervisor, said: list[tuple[str, str]]) -> None:
    supervisor.start(child("one", "idle"))
    await eventually(lambda: ("one", "idle says hello") in said)


async def test_a_wrong_setting_is_final(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(child("one", "wrong", ready_file=tmp_path / "one.ready"))
    with pytest.raises(Gone, match="CHATNATION__X__Y is wrong") as caught:
        await supervisor.wait_until_ready(["one"], timeout_s=15)
    assert caught.value.exit_code == CONFIG_ERROR


async def test_a_child_that_ends_again_and_again_before_it_is_ready_is_given_up(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(child("one", "once", "3", ready_file=tmp_path / "one.ready"))
    with pytest.raises(Gone, match="one ended with code 3: once says hello"):
        await supervisor.wait_until_ready(["one"], timeout_s=60)


async def test_what_was_ready_at_once_is_tried_for_ever(supervisor: Supervisor, said: list[tuple[str, str]]) -> None:
    """A database that was killed five times in a year is no reason to stop everything."""
    server = child("postgres", "once", "3")
    server.starts_ready = True
    supervisor.start(server)
    watching = asyncio.create_task(supervisor.watch())
    await eventually(lambda: sum("starting it again" in line for _, line in said) > MAX_EARLY_DEATHS or watching.done())
    assert not watching.done()
    watching.cancel()


async def test_what_runs_once_is_not_started_again(supervisor: Supervisor, said: list[tuple[str, str]]) -> None:
    await supervisor.run_once(child("migrate", "once", "0"))
    assert said == [("migrate", "once says hello")]
    with pytest.raises(Gone, match="migrate ended with code 3: once says hello"):
        await supervisor.run_once(child("migrate", "once", "3"))


async def test_a_rank_is_stopped_when_the_one_before_has_ended(said: list[tuple[str, str]]) -> None:
    ends: list[str] = []
    supervisor = Supervisor(lambda name, line: said.append((name, line)))
    commands = [_Noting(ends, name, rank) for name, rank in (("last", 2), ("first", 0), ("second", 1))]
    for command in commands:
        supervisor.start(command)
    await supervisor.stop()
    assert ends == ["ask first", "ask second", "ask last"]
    assert all(command.has_ended() for command in commands)


async def test_a_deaf_child_is_killed(supervisor: Supervisor, said: list[tuple[str, str]], tmp_path: Path) -> None:
    supervisor.start(child("one", "deaf", ready_file=tmp_path / "one.ready"))
    await supervisor.wait_until_ready(["one"], timeout_s=15)
    pid = supervisor.pids()["one"]
    await supervisor.stop(timeout_s=0.3)
    assert not is_alive(pid)
    assert any("is killed" in line for _, line in said)


def test_back_off_doubles_up_to_its_limit_and_is_forgiven() -> None:
    back_off = BackOff()
    assert [back_off.wait_s(lived_s=1) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert back_off.wait_s(lived_s=31) == 0.5


class _Noting(Command):
    """Notes when it is asked to stop, and that all that were asked before have ended by then."""

    asked: list[_Noting] = []

    def __init__(self, ends: list[str], name: str, rank: int) -> None:
        command = child(name, "idle")
        super().__init__(name, command.arguments, command.environment, stop_rank=rank)
        self.ends = ends

    def ask_to_stop(self) -> None:
        assert all(other.has_ended() for other in self.asked)
        self.ends.append(f"ask {self.name}")
        super().ask_to_stop()
        self.asked.append(self)
