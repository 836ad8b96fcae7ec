"""R10: a message that kills whichever process handles it, five times and then never again; the others are answered meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.conftest import RETRIES_S
from tests.e2e.stack import Stack, running
from tests.e2e.truth import faults_of, make_people, settled

ATTEMPTS = 5
ROW = "SELECT count(*) FROM inbox WHERE state = 'dead' AND attempts = $1 AND last_error = 'the process ended each time it was handled'"


async def test_a_message_that_kills_its_process_is_given_up_after_five_times(tmp_path: Path) -> None:
    with running(tmp_path, WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=4) as stack:
        async with stack.emulator() as client:
            await client.set_pace(retry_schedule_s=RETRIES_S)
            poisoner, *others = await make_people(client, 6)
            await client.text(poisoner, "n-1 die")
            await client.bulk(wa_ids=others, messages_each=10, rate_per_s=4)
            await client.wait_until_idle(timeout_s=30)
            await _until_dead(stack)
            await client.text(poisoner, "n-2")
            report = await settled(client, others, expected=50, timeout_s=60)
            assert faults_of(report) == dict.fromkeys(faults_of(report), 0), report["threads"][:2]
            assert report["answered"] == 50
            of_poisoner = await client.analyse(wa_ids=[poisoner])
            assert of_poisoner["threads"][0]["lost"] == ["1"], "what is behind it was answered"
            assert _deaths(stack) == ATTEMPTS
            assert await stack.count("SELECT count(*) FROM numbered_answers WHERE number = 1 AND count = 1") == 5, (
                "the others' first ones: of the poison nothing was committed"
            )


def _deaths(stack: Stack) -> int:
    return stack.words().count("was killed by signal 9")


async def _until_dead(stack: Stack) -> None:
    async with asyncio.timeout(120):
        while not await stack.count(ROW, ATTEMPTS):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.3)
