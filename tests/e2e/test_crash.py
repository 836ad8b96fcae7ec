"""Numbered messages from many people while every process is killed with -9 in turn: nothing lost, doubled or overtaken (reliability R1, R3).

CHATNATION_KILLS=120 makes it long (docs/faults.md); with `-rP` the ledger is shown.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from channels.emulator.client import EmulatorClient
from tests.e2e.conftest import RETRIES_S
from tests.e2e.stack import Stack, running
from tests.e2e.truth import assert_answered_once, make_people, settled

KILLS = int(os.environ.get("CHATNATION_KILLS", "21"))
SEED = 20
PEOPLE = 40
MESSAGES_EACH = (
    25  # with the first one below the burst of a pair: a backlog after an outage must not wait six seconds for each
)
PAUSE_S = (0.6, 2.2)  # between two kills
TARGETS = ("web", "worker-interactive-1", "worker-interactive-2", "clock", "nats", "postgres", "worker-bulk")


@dataclass
class Killer:
    """Takes the targets in turn, in an order that is shuffled anew each round, at random instants; the same for the same seed."""

    stack: Stack
    seed: int
    killed: list[str] = field(default_factory=list)

    async def run(self, kills: int, *, timeout_s: float) -> None:
        dice = random.Random(self.seed)
        until = time.monotonic() + timeout_s
        waiting: list[str] = []
        while len(self.killed) < kills:
            assert time.monotonic() < until, f"only {len(self.killed)} of {kills} kills in time"
            waiting = waiting or dice.sample(TARGETS, len(TARGETS))
            await asyncio.sleep(dice.uniform(*PAUSE_S))
            # One that is still down gives way to the next and keeps its place.
            for name in list(waiting):
                if self.stack.kill9(name):
                    waiting.remove(name)
                    self.killed.append(name)
                    break


async def test_nothing_is_lost_doubled_or_overtaken_while_everything_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=5) as stack:
        async with stack.emulator() as client:
            await client.set_pace(retry_schedule_s=RETRIES_S)
            killer = Killer(stack, SEED)
            people = await make_people(client, PEOPLE)
            await write_numbers(client, people, seconds=KILLS * sum(PAUSE_S) / 2)
            await killer.run(KILLS, timeout_s=KILLS * 15)
            report = await settled(client, people, expected=PEOPLE * MESSAGES_EACH, timeout_s=120)
            counts = {name: value for name, value in report.items() if name != "threads"}
            sys.stdout.write(f"seed {SEED}, killed {dict(Counter(killer.killed))}\n{counts}\n")
            assert len(killer.killed) == KILLS
            await assert_answered_once(stack, client, people, each=MESSAGES_EACH)


async def write_numbers(client: EmulatorClient, people: list[str], *, seconds: float) -> None:
    """Everybody begins to write their MESSAGES_EACH, spread over that time; answers at once."""
    rate = len(people) * MESSAGES_EACH / seconds
    await client.bulk(wa_ids=people, messages_each=MESSAGES_EACH, text="n-{i}", rate_per_s=rate)
