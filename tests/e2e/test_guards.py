"""What the lease of a conversation and the lease of a send are for: with each, nothing happens twice or not at all; without it, it does (R1, R6, R13)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from uuid import uuid4

import pytest

from channels.emulator.client import EmulatorClient
from scheduler.dispatch import NatsDispatcher
from tests.e2e.conftest import RETRIES_S
from tests.e2e.guests import invite
from tests.e2e.stack import Stack, chatnation, running
from tests.e2e.truth import faults_of, settled
from tests.support.guards import without

CALLERS = 8
EACH = 4
GUESTS = 240
NUMBER_PER_S = 120  # a sender takes a hundred rows at once: it has them for a second
QUIET_S = 12.0  # nothing left the outbox for so long: nothing will; a sender that was started again takes some seconds on a busy machine


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    with running(folder, WORKER__INTERACTIVE=2, TURN__UNKNOWN_GRACE_S=4, LIMITS__NUMBER_PER_S=NUMBER_PER_S) as own:
        yield own


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[EmulatorClient]:
    async with stack.emulator() as client:
        await client.set_pace(retry_schedule_s=RETRIES_S)
        yield client


# -- a conversation

CLAIM_GUARD = "AND (sessions.lease_until IS NULL OR sessions.lease_until < clock_timestamp()"
COMMIT_GUARD = " AND x.lease_token = p_token"


@pytest.mark.parametrize("leased", [True, False], ids=["with the lease", "without it"])
async def test_only_the_lease_keeps_two_workers_from_answering_one_message_twice(
    stack: Stack, client: EmulatorClient, leased: bool
) -> None:
    """Hints rain on both workers for whatever waits, while an action that calls out takes its time."""
    begun = await client.bulk(count=CALLERS, prefix=f"25471{int(leased)}", text="calls", messages_each=1, wait=True)
    people = list(begun["wa_ids"])
    for wa_id in people:
        await client.wait_for_reply(wa_id, contains="numbered messages", timeout_s=60)
    async with AsyncExitStack() as careless:
        if not leased:
            owner = str(stack.state.owner_dsn)
            await careless.enter_async_context(without(owner, "cn_claim", (CLAIM_GUARD, "AND (true")))
            await careless.enter_async_context(without(owner, "cn_commit", (COMMIT_GUARD, "")))
        async with hinting(stack):
            await client.bulk(wa_ids=people, messages_each=EACH, text="n-{i} wait 0.2", rate_per_s=40)
            report = await settled(client, people, expected=CALLERS * EACH, timeout_s=40, quiet_s=3)
    if leased:
        assert faults_of(report) == dict.fromkeys(faults_of(report), 0), report["threads"][:2]
        assert report["answered"] == CALLERS * EACH
    else:
        assert report["duplicated"] > 0


@asynccontextmanager
async def hinting(stack: Stack) -> AsyncIterator[None]:
    """Every conversation that waits is hinted over and over, each time as news, so that both workers hear of it."""
    dispatcher = NatsDispatcher(str(stack.state.nats), name="crowd")
    assert await dispatcher.open()

    async def rain() -> None:
        async with stack.database() as connection:
            while True:
                waiting = await connection.fetch("SELECT DISTINCT organization_id, session_id FROM inbox")
                for row in waiting * 2:
                    await dispatcher.hint(row["organization_id"], row["session_id"], attempt=uuid4().hex)
                await asyncio.sleep(0.05)

    task = asyncio.create_task(rain())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await dispatcher.close()


# -- an announcement


Guard = tuple[str, str]  # what stands in cn_claim_outbox, and what stands there instead

# A row that is taken is nobody else's for the grace of an unknown send, and then only if its status could have come.
SHORT_LEASE: tuple[Guard, ...] = (
    (
        "next_attempt_at = clock_timestamp() + make_interval(secs => p_settle_s)",
        "next_attempt_at = clock_timestamp() + interval '0.3 seconds'",
    ),
    ("AND (o.state IN ('ready', 'probe') OR NOT EXISTS (", "AND (true OR NOT EXISTS ("),
)
# What a sender had taken when it died is taken up again once the grace is over.
NEVER_AGAIN: tuple[Guard, ...] = (
    ("o.state <> 'dead' AND o.next_attempt_at <=", "o.state = 'ready' AND o.next_attempt_at <="),
)

# The provider's answer to a send comes late, and the status later: until then a row that was sent looks like one that was not. With quick
# answers a short lease harms nobody: a batch is through, or settled by its statuses, before the next sender looks.
ANSWER_S, STATUS_S = 1.0, 1.2


@pytest.fixture(scope="module")
def guests(stack: Stack) -> list[str]:
    async def gather() -> list[str]:
        async with stack.emulator() as client:
            await client.set_pace(retry_schedule_s=RETRIES_S, auto_read=False, batch_max=50)
            await client.change_business_number(stack.organizations()[0].phone_number_id, throughput_per_s=NUMBER_PER_S)
            return (await invite(stack, client, GUESTS, opted_out=1, event="ai-data-summit"))[1:]

    return asyncio.run(gather())


@pytest.mark.parametrize(
    ("careless", "is_slow", "wrong"),
    [
        pytest.param((), False, None, id="all guards on"),
        pytest.param((), True, None, id="all guards on and a slow provider"),
        pytest.param(SHORT_LEASE, True, 2, id="the lease of a send ends before its answer"),
        pytest.param(NEVER_AGAIN, False, 0, id="what a dead sender held is forgotten"),
    ],
)
async def test_only_the_lease_of_a_send_brings_an_announcement_to_each_once_when_its_sender_is_killed(
    stack: Stack,
    client: EmulatorClient,
    guests: list[str],
    careless: tuple[Guard, ...],
    is_slow: bool,
    wrong: int | None,
) -> None:
    """`wrong`: as often as some were told without the guard, and as nobody should be."""
    text = f"Doors open at 1{9 if wrong is None else wrong} {'and soon' if is_slow else 'sharp'}."  # of each case alone
    if is_slow:
        await client.set_fault("latency", probability=1.0, params={"delay_s": ANSWER_S})
        await client.set_fault("late_status", probability=1.0, params={"delay_s": STATUS_S})
    async with AsyncExitStack() as off:
        off.push_async_callback(client.clear_faults)
        if careless:
            await off.enter_async_context(without(str(stack.state.owner_dsn), "cn_claim_outbox", *careless))
        began = await _now(stack)
        arguments = ("demo", "announce", "ai-data-summit", text)
        done = await asyncio.to_thread(chatnation, *arguments, environment=stack.environment)
        assert done.returncode == 0, done.stderr
        await _until_under_way(stack, began)
        killed = stack.pids()["worker-bulk"]
        assert stack.kill9("worker-bulk")
        await _until_another(stack, killed)
        await _until_quiet(stack)
        await _forget_the_rest(stack)
    ledger = await client.ledger()
    told = Counter(min(2, sum(m["text"].endswith(text) for m in ledger["users"][wa_id]["seen"])) for wa_id in guests)
    print(told)
    if wrong is None:
        assert told == {1: len(guests)}
    else:
        assert told[wrong] > 0, told


async def _now(stack: Stack) -> datetime:
    async with stack.database() as connection:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return now


async def _until_under_way(stack: Stack, began: datetime) -> None:
    sent = "SELECT count(*) FROM messages WHERE origin = 'events:announce' AND accepted_at > $1"
    async with asyncio.timeout(30):
        while await stack.count(sent, began) < 30:  # noqa: ASYNC110  # other processes do it
            await asyncio.sleep(0.05)


async def _until_another(stack: Stack, killed: int) -> None:
    """Until the sender has been started again: killed before, it may take its time."""
    async with asyncio.timeout(40):
        while stack.pids().get("worker-bulk", killed) == killed:  # noqa: ASYNC110  # another process writes the file that says so
            await asyncio.sleep(0.1)


async def _until_quiet(stack: Stack) -> None:
    """Until nothing is left to send, or what is left stays there."""
    left, since = -1, time.monotonic()
    async with asyncio.timeout(90):
        while time.monotonic() - since < QUIET_S:
            found = await stack.count("SELECT count(*) FROM outbox WHERE lane = 1")
            if found != left:
                left, since = found, time.monotonic()
            await asyncio.sleep(0.3)


async def _forget_the_rest(stack: Stack) -> None:
    async with stack.database("owner") as connection:
        await connection.execute("TRUNCATE outbox")
