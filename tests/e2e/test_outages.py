"""What everything stands on goes away for a while (reliability R3, R9, R16): delays, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from channels.emulator.client import EmulatorClient
from tests.e2e.conftest import fresh
from tests.e2e.stack import Stack, running
from tests.e2e.truth import assert_answered_once, make_people, settled

GRACE_S = 4
LEASE_S = 3  # configs/test.yml
NATS_AWAY_S = 20.0
POSTGRES_AWAY_S = 6.0


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Not the shared one: what was killed comes back the slower the more often, and the other tests should not wait for that."""
    with running(tmp_path_factory.mktemp("stack"), WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=GRACE_S) as own:
        yield own


@pytest.fixture
async def stack(own_stack: Stack) -> Stack:
    """With nothing answered yet."""
    async with own_stack.database("owner") as connection:
        await connection.execute("TRUNCATE numbered_answers")
    return own_stack


@pytest.fixture
async def whatsapp(stack: Stack) -> AsyncIterator[EmulatorClient]:
    async with stack.emulator() as client:
        await fresh(client)
        yield client


async def test_without_nats_for_twenty_seconds_and_without_postgres_for_some_nothing_is_lost(
    stack: Stack, whatsapp: EmulatorClient
) -> None:
    """NATS is frozen, then killed; the same conversations go on while PostgreSQL is frozen, then killed."""
    people = await make_people(whatsapp, 10, prefix="254611")
    await whatsapp.bulk(wa_ids=people, messages_each=12, rate_per_s=3)
    await _freeze(stack, "nats", NATS_AWAY_S)
    assert stack.kill9("nats")
    # Nobody was made to wait for NATS: what had been written by then is accepted.
    ledger = await whatsapp.ledger(details=False)
    assert len(ledger["unacked"]) < 5
    await _freeze(stack, "postgres", POSTGRES_AWAY_S)
    assert stack.kill9("postgres")
    await settled(whatsapp, people, expected=120, timeout_s=90)
    await assert_answered_once(stack, whatsapp, people, each=12)


async def test_without_its_database_the_webhook_says_503_and_the_retry_heals(
    stack: Stack, whatsapp: EmulatorClient
) -> None:
    people = await make_people(whatsapp, 6, prefix="254612")
    for _ in range(3):
        await _kill(stack, "postgres")
        await whatsapp.bulk(wa_ids=people, messages_each=1, start=_next(), wait=True)
        await asyncio.sleep(0.3)
    await settled(whatsapp, people, expected=18, timeout_s=60)
    codes = {
        attempt["code"]
        for user in (await whatsapp.ledger())["users"].values()
        for message in user["sent"]
        for attempt in message["attempts"]
    }
    assert codes == {200, 503}
    await assert_answered_once(stack, whatsapp, people, each=3)


async def test_a_conversation_whose_worker_was_killed_is_answered_within_its_lease(
    stack: Stack, whatsapp: EmulatorClient
) -> None:
    [person] = await make_people(whatsapp, 1, prefix="254614")
    sent = await whatsapp.text(person, "n-1 wait 1.5")
    await asyncio.sleep(0.7)  # the worker is in the middle of it
    for name in ("worker-interactive-1", "worker-interactive-2"):
        assert stack.kill9(name)
    killed_at = time.monotonic()
    await whatsapp.wait_for_reply(person, after=sent["seq"], timeout_s=30)
    # Lease, a second for the sweep, the work itself; and the two workers have to start first, on two busy cores.
    assert time.monotonic() - killed_at < LEASE_S + 1 + 1.5 + 6
    await assert_answered_once(stack, whatsapp, [person], each=1)


async def test_stopped_under_load_it_is_gone_in_ten_seconds_and_goes_on_where_it_was(
    stack: Stack, whatsapp: EmulatorClient
) -> None:
    """The emulator stops too, with all that it still has to deliver, and comes back with it."""
    people = await make_people(whatsapp, 20, prefix="254613")
    await whatsapp.bulk(wa_ids=people, messages_each=10, wait=True)
    assert (await whatsapp.analyse(wa_ids=people))["answered"] < 200
    took = await asyncio.to_thread(stack.stop)
    assert took < 10
    await asyncio.to_thread(stack.start)
    await settled(whatsapp, people, expected=200, timeout_s=60)
    await assert_answered_once(stack, whatsapp, people, each=10)


async def test_a_clock_that_leaps_neither_reopens_nor_loses_a_conversation(
    stack: Stack, whatsapp: EmulatorClient
) -> None:
    """The provider's clock goes ahead and back again between the messages of one person: all are answered (R9).

    Each leap is less than the hour after which a person counts as away and is asked whether to go on.
    """
    [person] = await make_people(whatsapp, 1, prefix="254615")
    for number, shift in enumerate(("+50m", "-100m", "+50m", "+0s"), start=1):
        await whatsapp.ask(person, f"n-{number}")
        await whatsapp.shift_clock(shift)
    await assert_answered_once(stack, whatsapp, [person], each=4)


async def _freeze(stack: Stack, name: str, seconds: float) -> None:
    with stack.frozen(name):
        await asyncio.sleep(seconds)


async def _kill(stack: Stack, name: str) -> None:
    """As soon as it is up again after the last time."""
    async with asyncio.timeout(30):
        while not stack.kill9(name):  # noqa: ASYNC110  # another process writes the file that says so
            await asyncio.sleep(0.05)


_numbers = iter(range(1, 1000))


def _next() -> int:
    return next(_numbers)
