"""An announcement to 2,000 people while others chat, its workers and the clock killed: each gets it once or has a reason, no reply waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.emulator.client import EmulatorClient
from tests.e2e.conftest import RETRIES_S
from tests.e2e.guests import invite
from tests.e2e.stack import Stack, chatnation, running
from tests.e2e.truth import faults_of, make_people, settled

GUESTS = 2000
CHATTERS = 8
OPTED_OUT = 40  # of the guests; they get nothing, and the row says why
NUMBER_PER_S = 200  # above Meta's 80, or the test would take half a minute longer
TEXT = "Doors open at eight, bring your ticket."


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path, WORKER__INTERACTIVE=1, TURN__UNKNOWN_GRACE_S=4, LIMITS__NUMBER_PER_S=NUMBER_PER_S) as stack:
        yield stack


async def test_everybody_gets_it_once_or_has_a_reason_and_no_answer_waited_for_it(stack: Stack) -> None:
    number = stack.organizations()[0].phone_number_id
    async with stack.emulator() as client:
        await client.set_pace(retry_schedule_s=RETRIES_S, auto_read=False, batch_max=50)
        await client.change_business_number(number, throughput_per_s=NUMBER_PER_S)
        chatters = await make_people(client, CHATTERS)
        guests = await invite(stack, client, GUESTS, opted_out=OPTED_OUT, event="ai-data-summit")
        before = await _chat(client, chatters, seconds=4)
        done = await asyncio.to_thread(
            chatnation, "demo", "announce", "ai-data-summit", TEXT, environment=stack.environment
        )
        assert done.returncode == 0, done.stderr
        during, killed = await asyncio.gather(_chat(client, chatters, seconds=10), _kill_in_turn(stack))
        assert {"worker-bulk", "clock"} <= set(killed)
        await _until_sent(stack, timeout_s=90)
        assert _p95(during) < 4 * _p95(before) + 1.0
        await _assert_told_once(stack, client, guests)
        report = await settled(client, chatters, expected=len(before) + len(during), timeout_s=30)
        assert faults_of(report) == dict.fromkeys(faults_of(report), 0), report["threads"][:2]


async def _kill_in_turn(stack: Stack) -> list[str]:
    """While there is still something to send."""
    killed = []
    for name in ("worker-bulk", "clock", "worker-bulk", "clock"):
        await asyncio.sleep(1.2)
        assert await stack.count("SELECT count(*) FROM outbox WHERE lane = 1")
        if stack.kill9(name):
            killed.append(name)
    return killed


async def _chat(client: EmulatorClient, people: list[str], *, seconds: float) -> list[float]:
    """Everybody writes, waits for the answer and writes again; the seconds of each wait."""
    until = time.monotonic() + seconds

    async def talk(wa_id: str) -> list[float]:
        waits = []
        while time.monotonic() < until:
            began = time.monotonic()
            await client.ask(wa_id, f"n-{next(_numbers)}", timeout_s=30)
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.5)
        return waits

    return [wait for waits in await asyncio.gather(*map(talk, people)) for wait in waits]


async def _until_sent(stack: Stack, *, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    unfinished = "SELECT (SELECT count(*) FROM events_announcements WHERE finished_at IS NULL)"
    while await stack.count(f"{unfinished} + (SELECT count(*) FROM outbox WHERE state <> 'dead')"):
        assert time.monotonic() < until, await _rows(stack)
        await asyncio.sleep(0.5)
    await asyncio.sleep(5)  # longer than the grace: a second copy would have come by then


async def _assert_told_once(stack: Stack, client: EmulatorClient, guests: list[str]) -> None:
    ledger = await client.ledger()
    told = [sum(m["text"].endswith(TEXT) for m in ledger["users"].get(wa_id, {"seen": []})["seen"]) for wa_id in guests]
    assert told[:OPTED_OUT] == [0] * OPTED_OUT
    assert {n: told[OPTED_OUT:].count(n) for n in set(told[OPTED_OUT:])} == {1: GUESTS - OPTED_OUT}
    rows = await _rows(stack)
    reasons = {row["reason"]: row["n"] for row in rows if row["status"] == "refused"}
    assert sum(reasons.values()) == OPTED_OUT
    assert all(reasons), rows
    assert sum(row["n"] for row in rows) == GUESTS


async def _rows(stack: Stack) -> list[dict[str, Any]]:
    async with stack.database() as connection:
        rows = await connection.fetch(
            "SELECT status, error->>'reason' AS reason, count(*) AS n FROM messages WHERE origin = 'events:announce' GROUP BY 1, 2"
        )
    return [dict(row) for row in rows]


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(0.95 * (len(waits) - 1))]


_numbers = iter(range(1, 1_000_000))
