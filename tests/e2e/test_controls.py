"""Positive controls: with a guard taken away the same ledger must complain, or the crash tests prove nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.emulator.client import EmulatorClient
from channels.emulator.fixture import FAST, running
from channels.emulator.settings import Limits, demo_settings
from tests.e2e import stack as stacks
from tests.e2e.truth import faults_of, make_people, settled
from tests.support.processes import wait_for

LATE_S = 2.0  # how late the statuses of sends without an answer come


class Careless:
    """The careless bot in a process of its own, on a fixed port."""

    def __init__(self, port: int, graph_url: str) -> None:
        self._port = port
        self._command = [sys.executable, "-m", "tests.support.careless_bot", str(port), graph_url]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=stacks.PROJECT)
        wait_for(lambda: stacks.answers(self._port))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
async def careless() -> AsyncIterator[tuple[EmulatorClient, Careless]]:
    [port] = stacks.free_ports(1)
    settings = demo_settings(f"http://127.0.0.1:{port}/webhooks/whatsapp")
    async with running(settings.model_copy(update={**FAST, "limits": Limits(enforce_rate=False)})) as emulator:
        bot = Careless(port, emulator.base_url)
        bot.start()
        try:
            yield emulator.client, bot
        finally:
            bot.kill()


async def test_the_ledger_tells_what_a_killed_bot_lost(careless: tuple[EmulatorClient, Careless]) -> None:
    client, bot = careless
    await client.bulk(count=20, messages_each=10, rate_per_s=100)
    for _ in range(3):
        await asyncio.sleep(0.5)
        bot.kill()
        bot.start()
    report = await _report(client)
    assert report["asked"] == 200
    assert report["lost"] > 0


async def test_the_ledger_tells_of_second_answers_and_of_overtaken_ones(
    careless: tuple[EmulatorClient, Careless],
) -> None:
    client, _ = careless
    await client.set_fault("duplicate", every=5)
    await client.bulk(count=20, messages_each=10, rate_per_s=60, wait=True)
    report = await _report(client)
    assert report["lost"] == 0
    assert report["duplicated"] > 0
    assert report["misordered"] > 0


async def _report(client: EmulatorClient) -> dict[str, Any]:
    await client.wait_until_idle(timeout_s=30)
    await asyncio.sleep(1.5)  # longer than it ever thinks
    await client.wait_until_idle(timeout_s=30)
    return await client.analyse()


@pytest.mark.parametrize(("grace_s", "duplicates"), [(0.5, True), (6.0, False)])
async def test_only_the_grace_keeps_a_send_without_an_answer_from_going_twice(
    tmp_path: Path, grace_s: float, duplicates: bool
) -> None:
    """The statuses that settle such a send come after two seconds: a shorter grace sends it again, a longer one never does."""
    with stacks.running(tmp_path, TURN__UNKNOWN_GRACE_S=grace_s) as stack:
        async with stack.emulator() as client:
            people = await make_people(client, 8)
            await client.set_fault("accept_then_reset", every=2)
            await client.set_fault("late_status", probability=1.0, params={"delay_s": LATE_S})
            await client.bulk(wa_ids=people, messages_each=4, rate_per_s=8)
            report = await settled(client, people, expected=8 * 4, timeout_s=60)
    found = faults_of(report)
    assert (found["duplicated"] > 0) is duplicates
    assert {name: n for name, n in found.items() if name != "duplicated"} == dict.fromkeys(
        ("lost", "misordered", "unasked", "unacked"), 0
    )
