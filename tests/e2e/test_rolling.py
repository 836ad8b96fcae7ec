"""R16: every process is asked to stop in turn, under load, while the schema grows under those that run: nothing lost, doubled or overtaken."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.e2e.conftest import RETRIES_S
from tests.e2e.stack import Stack, running
from tests.e2e.truth import assert_answered_once, make_people, settled

PEOPLE, EACH = 20, 12
PROCESSES = ("web", "worker-interactive-1", "worker-interactive-2", "clock", "worker-bulk", "worker-render")
STOP_S = 10.0
GROWING = ("sessions", "messages", "inbox", "outbox", "contacts", "message_statuses", "jobs")


async def test_a_rolling_restart_onto_a_grown_schema_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with running(tmp_path, WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=5) as stack:
        async with stack.emulator() as client:
            await client.set_pace(retry_schedule_s=RETRIES_S)
            people = await make_people(client, PEOPLE)
            await client.bulk(wa_ids=people, messages_each=EACH, rate_per_s=PEOPLE * EACH / 20)
            await asyncio.sleep(1)
            await _grow(stack)
            for name in PROCESSES:
                took = await _restarted(stack, name)
                assert took < STOP_S, f"{name} took {took:.1f} s to stop"
            assert (await client.analyse(wa_ids=people))["asked"] < PEOPLE * EACH, "the control: it was under load"
            await settled(client, people, expected=PEOPLE * EACH, timeout_s=60)
            await assert_answered_once(stack, client, people, each=EACH)


async def _grow(stack: Stack) -> None:
    """As a migration of the next release does: new columns, with and without a default, in use by old processes from that moment."""
    async with stack.database("owner") as connection:
        for table in GROWING:
            await connection.execute(
                f"ALTER TABLE {table} ADD COLUMN next_release text, ADD COLUMN next_count int NOT NULL DEFAULT 7"
            )


async def _restarted(stack: Stack, name: str) -> float:
    """Seconds until it had ended; returns when the next one runs."""
    pid = stack.pids()[name]
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    async with asyncio.timeout(30):
        while stack.pids().get(name) == pid:  # noqa: ASYNC110  # the supervisor's file says so
            await asyncio.sleep(0.05)
        took = time.monotonic() - began
        while name not in stack.pids():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return took
