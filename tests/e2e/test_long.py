"""The outages that take their time, and a flood of half a minute (reliability R3, R15). Only with CHATNATION_LONG=1: see docs/faults.md."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.emulator.client import EmulatorClient
from tests.e2e.conftest import RETRIES_S
from tests.e2e.stack import Stack, running
from tests.e2e.truth import assert_answered_once, faults_of, make_people, settled

pytestmark = pytest.mark.skipif(
    os.environ.get("CHATNATION_LONG") != "1", reason="takes minutes: CHATNATION_LONG=1 runs it"
)

NATS_AWAY_S = 60.0
POSTGRES_AWAY_S = 30.0
FLOOD_S = 30
FLOOD_PER_S = 800  # ten times what a number may send
MEMORY_BYTES = 400 * 1024 * 1024  # of any one process
NUMBER = re.compile(r"n-\d+")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path, WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=5) as own:
        yield own


async def _write_all_along(client: EmulatorClient, people: list[str], *, each: int, seconds: float) -> None:
    await client.set_pace(retry_schedule_s=RETRIES_S)
    await client.bulk(wa_ids=people, messages_each=each, rate_per_s=len(people) * each / seconds)


async def test_without_nats_for_a_minute_and_then_with_an_empty_one_answers_are_late_and_no_more(stack: Stack) -> None:
    """Frozen, its streams wiped, then killed."""
    people, each = 10, 20
    async with stack.emulator() as client:
        wa_ids = await make_people(client, people)
        await _write_all_along(client, wa_ids, each=each, seconds=NATS_AWAY_S + 20)
        with stack.frozen("nats"):
            await asyncio.sleep(NATS_AWAY_S)
            # Its files go while it still stands; what it comes back with has no stream and no consumer.
            shutil.rmtree(stack.data / "nats" / "jetstream", ignore_errors=False)
            during = await client.analyse(wa_ids=wa_ids)
            ledger = await client.ledger()
        assert stack.kill9("nats")
        assert len(ledger["unacked"]) < 5, "nobody was made to wait for NATS"
        # Workers look for themselves: all but what has just come is answered, late only until they noticed.
        assert during["answered"] > 0.8 * during["asked"]
        late = sorted(_lateness(ledger, wa_ids))
        assert late[len(late) // 2] < 3
        await settled(client, wa_ids, expected=people * each, timeout_s=120)
        await assert_answered_once(stack, client, wa_ids, each=each)
        sys.stdout.write(
            f"answered while NATS was away: {during['answered']} of {during['asked']},"
            f" p50 {late[len(late) // 2]:.2f} s, p95 {_p95(late):.2f} s, slowest {late[-1]:.2f} s\n"
        )


async def test_without_postgresql_for_half_a_minute_nothing_is_lost_and_all_pools_recover(stack: Stack) -> None:
    people, each = 10, 12
    async with stack.emulator() as client:
        wa_ids = await make_people(client, people)
        before = stack.pids()
        await _write_all_along(client, wa_ids, each=each, seconds=POSTGRES_AWAY_S + 15)
        await asyncio.sleep(5)
        with stack.frozen("postgres"):
            await asyncio.sleep(POSTGRES_AWAY_S)
        await settled(client, wa_ids, expected=people * each, timeout_s=120)
        await assert_answered_once(stack, client, wa_ids, each=each)
        assert stack.pids() == before, "nobody had to be started again"


async def test_half_a_minute_of_ten_times_the_load_is_bounded_and_leaves_the_others_alone(stack: Stack) -> None:
    flooded, other = (each.phone_number_id for each in stack.organizations())
    async with stack.emulator() as client:
        people = await make_people(client, 40)
        others = [f"25473{i:07d}" for i in range(4)]
        await client.add_users([{"wa_id": wa_id} for wa_id in others])
        for wa_id in others:
            await client.ask(wa_id, "numbers", phone_number_id=other, timeout_s=30)
        await _talk(client, others, other, seconds=8)
        quiet = await _waits(client, others)
        each = FLOOD_PER_S * FLOOD_S // len(people)
        await client.bulk(wa_ids=people, messages_each=each, rate_per_s=FLOOD_PER_S, phone_number_id=flooded)
        await _talk(client, others, other, seconds=FLOOD_S)
        loud = (await _waits(client, others))[len(quiet) :]
        largest = max(_memory(pid) for pid in stack.pids().values())
        sys.stdout.write(
            f"others' p95 {_p95(quiet):.2f} s before, {_p95(loud):.2f} s during ({len(loud)} messages);"
            f" largest process {largest >> 20} MB\n"
        )
        assert largest < MEMORY_BYTES
        # Two cores do everything here, the emulator's part too.
        assert _p95(loud) < 2 * _p95(quiet) + 1
        report = await client.analyse(wa_ids=others)
        assert faults_of(report) == dict.fromkeys(faults_of(report), 0), report["threads"][:2]


async def _talk(client: EmulatorClient, people: list[str], number: str, *, seconds: float) -> None:
    """Everybody writes again a second after the last answer has come."""
    until = time.monotonic() + seconds

    async def talk(wa_id: str) -> None:
        while time.monotonic() < until:
            await client.ask(wa_id, f"n-{time.monotonic_ns() % 10**9}", phone_number_id=number, timeout_s=60)
            await asyncio.sleep(1)

    await asyncio.gather(*map(talk, people))


async def _waits(client: EmulatorClient, people: list[str]) -> list[float]:
    """Seconds from the first POST of each numbered message to its answer, in the order of the answers: what waits in the emulator's own
    queue behind the flood is not ours."""
    users = (await client.ledger())["users"]
    waits = []
    for wa_id in people:
        posted = {message["text"]: message["attempts"][0]["at"] for message in users[wa_id]["sent"]}
        for answer in users[wa_id]["seen"]:
            text = answer["text"].split(" ", 1)[0]
            if text.startswith("n-"):
                waits.append((answer["accepted_at"], answer["accepted_at"] - posted[text]))
    return [wait for _, wait in sorted(waits)]


def _lateness(ledger: dict[str, Any], people: list[str]) -> list[float]:
    """Seconds from each numbered message to its answer, of those that have one."""
    waits = []
    for wa_id in people:
        user = ledger["users"][wa_id]
        answered = {
            found[0]: row["accepted_at"] for row in reversed(user["seen"]) if (found := NUMBER.search(row["text"]))
        }
        asked = [(found[0], row["sent_at"]) for row in user["sent"] if (found := NUMBER.search(row["text"]))]
        waits += [answered[number] - sent_at for number, sent_at in asked if number in answered]
    return waits


def _memory(pid: int) -> int:
    """Resident bytes; 0 where there is no /proc."""
    status = Path(f"/proc/{pid}/statm")
    try:
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(0.95 * (len(waits) - 1))]
