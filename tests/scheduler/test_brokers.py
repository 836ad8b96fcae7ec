"""Hints over a real NATS that is killed, wiped and comes back, while the worker's process goes on."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import nats
import pytest
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver

from scheduler.brokers import HintBroker
from scheduler.dispatch import NatsDispatcher
from scheduler.embedded import EmbeddedNats
from scheduler.middlewares import ErrorPolicy, OrganizationBinding
from scheduler.queues import QUEUES
from store.tenancy import current_organization

ORGANIZATION = uuid4()


class Worker:
    """A broker and a receiver in this process, with a task that notes what it was asked."""

    def __init__(self, url: str, *, capacity: int = 8) -> None:
        self.seen: list[UUID] = []
        self.bound: list[UUID] = []
        self.failing: set[UUID] = set()
        self.running = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()
        self.broker = HintBroker(QUEUES["interactive"])
        self.broker.configure(url, capacity=capacity)
        self.broker.is_worker_process = True
        self.broker.add_middlewares(OrganizationBinding(), ErrorPolicy())

        async def process_session(session_id: str) -> None:
            await self._look(UUID(session_id))

        self.broker.register_task(process_session, task_name="process_session")
        self.stop = asyncio.Event()
        self._capacity = capacity

    async def _look(self, session_id: UUID) -> None:
        self.seen.append(session_id)
        self.bound.append(current_organization())
        self.running.set()
        await self.hold.wait()
        if session_id in self.failing:
            raise RuntimeError("a bug")

    async def listen(self) -> None:
        receiver = Receiver(
            self.broker,
            max_async_tasks=self._capacity,
            ack_type=AcknowledgeType.WHEN_EXECUTED,
            run_startup=True,
            wait_tasks_timeout=5,
        )
        await receiver.listen(self.stop)


@asynccontextmanager
async def working(url: str, *, capacity: int = 8) -> AsyncIterator[Worker]:
    worker = Worker(url, capacity=capacity)
    task = asyncio.create_task(worker.listen())
    try:
        yield worker
    finally:
        worker.hold.set()
        worker.stop.set()
        await asyncio.wait_for(task, 10)
        await worker.broker.shutdown()


@pytest.fixture
async def dispatcher(nats_server: EmbeddedNats) -> AsyncIterator[NatsDispatcher]:
    dispatcher = NatsDispatcher(nats_server.url, name="test")
    await dispatcher.open()
    yield dispatcher
    await dispatcher.close()


async def until(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def arrives(dispatcher: NatsDispatcher, worker: Worker, *, timeout_s: float = 10.0) -> None:
    """Hints as the sweep does, again and again, until the worker looks."""
    session_id = uuid4()
    deadline = time.monotonic() + timeout_s
    attempt = 0
    while session_id not in worker.seen:
        assert time.monotonic() < deadline, "no hint arrived"
        await dispatcher.hint(ORGANIZATION, session_id, attempt=str(attempt))
        attempt += 1
        await asyncio.sleep(0.2)


async def test_a_hint_starts_its_task_bound_to_the_organization(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    session_id = uuid4()
    async with working(nats_server.url) as worker:
        await dispatcher.hint(ORGANIZATION, session_id, attempt="0")
        await until(lambda: worker.seen)
    assert worker.seen == [session_id]
    assert worker.bound == [ORGANIZATION]


async def test_a_doubled_hint_with_the_same_attempt_is_delivered_once_and_a_new_attempt_again(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    session_id = uuid4()
    async with working(nats_server.url) as worker:
        for attempt in ("0", "0", "1"):
            await dispatcher.hint(ORGANIZATION, session_id, attempt=attempt)
        await until(lambda: len(worker.seen) == 2)
        await asyncio.sleep(0.3)
    assert worker.seen == [session_id, session_id]


async def test_a_task_that_raises_does_not_stop_the_worker(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    async with working(nats_server.url) as worker:
        bad = uuid4()
        worker.failing.add(bad)
        await dispatcher.hint(ORGANIZATION, bad, attempt="0")
        await arrives(dispatcher, worker)
    assert worker.seen.count(bad) == 1


async def test_a_hint_that_no_task_can_read_is_dropped_and_the_next_one_works(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    client = await nats.connect(nats_server.url)
    async with working(nats_server.url) as worker:
        await client.publish("cn.interactive", b"\x00 not a task")
        await arrives(dispatcher, worker)
    await client.close()


async def test_work_goes_on_after_nats_was_killed_and_came_back(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    async with working(nats_server.url) as worker:
        await arrives(dispatcher, worker)
        nats_server.stop(immediately=True)
        asked = time.monotonic()
        await dispatcher.hint(ORGANIZATION, uuid4(), attempt="0")
        assert time.monotonic() - asked < 1.5
        await asyncio.sleep(1)
        nats_server.start()
        await arrives(dispatcher, worker)


async def test_work_goes_on_after_nats_lost_its_disk(nats_server: EmbeddedNats, dispatcher: NatsDispatcher) -> None:
    async with working(nats_server.url) as worker:
        await arrives(dispatcher, worker)
        nats_server.stop(immediately=True)
        shutil.rmtree(nats_server.data_dir / "nats" / "jetstream")
        nats_server.start()
        await arrives(dispatcher, worker)


async def test_work_goes_on_after_the_stream_was_deleted(nats_server: EmbeddedNats, dispatcher: NatsDispatcher) -> None:
    client = await nats.connect(nats_server.url)
    async with working(nats_server.url) as worker:
        await arrives(dispatcher, worker)
        await client.jetstream().delete_stream("cn_interactive")
        await arrives(dispatcher, worker)
    await client.close()


async def test_a_worker_starts_while_nats_is_away(nats_server: EmbeddedNats) -> None:
    nats_server.stop()
    dispatcher = NatsDispatcher(nats_server.url, name="test")
    assert not await dispatcher.open(wait_s=0.2)
    async with working(nats_server.url) as worker:
        await asyncio.sleep(0.5)
        nats_server.start()
        await arrives(dispatcher, worker)
    await dispatcher.close()


async def test_a_stopping_worker_leaves_what_it_has_not_begun_to_the_others(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    async with working(nats_server.url, capacity=1) as first:
        first.hold.clear()
        for _ in range(4):
            await dispatcher.hint(ORGANIZATION, uuid4(), attempt="0")
        await asyncio.wait_for(first.running.wait(), 5)
        async with working(nats_server.url, capacity=4) as second:
            await until(lambda: len(second.seen) >= 3)
            first.hold.set()
            first.stop.set()
            await until(lambda: len(first.seen) + len(second.seen) >= 4)
    assert sorted(first.seen + second.seen) == sorted({*first.seen, *second.seen})


async def test_nothing_stays_in_the_stream_that_was_worked_off(
    nats_server: EmbeddedNats, dispatcher: NatsDispatcher
) -> None:
    async with working(nats_server.url) as worker:
        for _ in range(50):
            await dispatcher.hint(ORGANIZATION, uuid4(), attempt="0")
        await until(lambda: len(worker.seen) == 50)
        client = await nats.connect(nats_server.url)
        await asyncio.sleep(0.3)
        state = (await client.jetstream().stream_info("cn_interactive")).state
        await client.close()
    assert state.messages == 0
