"""R10: a message that kills whichever process handles it, five times and then never again; the others are answered meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.conftest import RETRIES_S
from tests.e2e.stack import Stack, running
from tests.e2e.truth import faults_of, make_people, settled
from tests.support.guards import without

ATTEMPTS = 5
COUNTED = ("SET attempts = inbox.attempts + 1", "SET attempts = inbox.attempts")
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


async def test_without_counting_an_attempt_before_it_is_made_it_would_never_be_given_up(tmp_path: Path) -> None:
    """The control: the process is killed more often than a message may be tried, and the row is as good as new."""
    with running(tmp_path, WORKER__INTERACTIVE=1, TURN__UNKNOWN_GRACE_S=4) as stack:
        async with stack.emulator() as client:
            [poisoner] = await make_people(client, 1)
            async with without(str(stack.state.owner_dsn), "cn_next_inbox", COUNTED):
                await client.text(poisoner, "n-1 die")
                async with asyncio.timeout(150):
                    while _deaths(stack) <= ATTEMPTS:  # noqa: ASYNC110  # other processes die
                        await asyncio.sleep(0.3)
            assert await stack.count("SELECT count(*) FROM inbox WHERE state = 'dead'") == 0


def _deaths(stack: Stack) -> int:
    return stack.words().count("was killed by signal 9")


async def _until_dead(stack: Stack) -> None:
    async with asyncio.timeout(120):
        while not await stack.count(ROW, ATTEMPTS):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.3)
