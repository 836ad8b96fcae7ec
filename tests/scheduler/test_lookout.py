"""NATS is away: a worker looks for its queue's work itself, in the rows."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from bot.demo.load import create
from bot.demo.people import prepare
from bot.ports import Lane
from bot.runtime import Runtime
from scheduler.embedded import EmbeddedNats
from scheduler.link import Link
from scheduler.lookout import ROWS_AT_ONCE, Lookout
from scheduler.metrics import REGISTRY
from scheduler.queues import ensure_all
from scheduler.settings import WorkerSettings
from scheduler.worker import receive
from store import db
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.conftest import open_probe_runtime
from tests.scheduler.world import Conversation
from tests.support.database import Cluster, Database
from tests.support.world import World, open_world

NOBODY = "nats://127.0.0.1:9"
OFTEN_S = "0.05"
NEVER_S = "3600"  # the control: as it was when only hints woke a worker


@asynccontextmanager
async def working(runtime: Runtime, queue: str = "bulk") -> AsyncIterator[asyncio.Event]:
    """The worker itself, in this process; the event stops it."""
    stop = asyncio.Event()
    settings = runtime.configuration.section(WorkerSettings, "worker")
    task = asyncio.create_task(receive(runtime, settings, queue, stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 12)


@asynccontextmanager
async def probing(environment: dict[str, str], **settings: str) -> AsyncIterator[Runtime]:
    """A runtime with the probe's jobs whose worker has no NATS, unless `settings` name one."""
    settings = {"NATS__URL": NOBODY, "WORKER__LOOKOUT_S": OFTEN_S, **settings}
    runtime = await open_probe_runtime(environment | {f"CHATNATION__{name}": each for name, each in settings.items()})
    try:
        yield runtime
    finally:
        await runtime.close()


async def put_note(file: Path, then: str = "", *, organization_id: UUID | None = None) -> UUID:
    payload = json.dumps({"file": str(file), "then": then})
    return await world.put_job(organization_id or await world.new_organization(), "probe.note", payload)


async def talk_of_the_demo(runtime: Runtime) -> Conversation:
    """With an organization that has a key, so that what is sealed can be looked at."""
    person = prepare(runtime.configuration.data)[0]
    await create(person, runtime.master)
    return await world.new_conversation(person.id, UUID(person.account_id))


async def state_of(table: str, row_id: UUID) -> str:
    return str((await world.row(table, row_id))["state"])


async def until(holds: Callable[[], Awaitable[Any]], *, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not await holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


async def ends(job_id: UUID, state: str) -> None:
    async def has_ended() -> bool:
        return await state_of("jobs", job_id) == state

    await until(has_ended)


async def sql(statement: str, *values: Any) -> None:
    with unscoped("test"):
        await db.execute(statement, *values)


# -- conversations


@asynccontextmanager
async def whatsapp(cluster: Cluster, data: Path, *, lookout_s: str, lost: bool) -> AsyncIterator[World]:
    """The whole product with a worker of its own that has no NATS. `lost`: no hint arrives anywhere."""
    async with open_world(cluster, data, NATS__URL=NOBODY, WORKER__LOOKOUT_S=lookout_s) as opened:
        opened.dispatcher.lost = lost
        async with working(opened.runtime, "interactive"):
            yield opened


async def test_people_are_answered_without_any_hint(cluster: Cluster, tmp_path: Path) -> None:
    async with whatsapp(cluster, tmp_path, lookout_s=OFTEN_S, lost=True) as opened:
        reply = await opened.client.ask("254711000001", "hi", timeout_s=30)
        assert reply["text"]
        assert (await opened.client.ask("254711000001", "help", timeout_s=30))["text"]


async def test_without_looking_nobody_is(cluster: Cluster, tmp_path: Path) -> None:
    async with whatsapp(cluster, tmp_path, lookout_s=NEVER_S, lost=True) as opened:
        with pytest.raises(TimeoutError):
            await opened.client.ask("254711000001", "hi", timeout_s=4)


async def test_a_message_that_is_hinted_and_found_is_answered_once(cluster: Cluster, tmp_path: Path) -> None:
    async with whatsapp(cluster, tmp_path, lookout_s="0.01", lost=False) as opened:
        for _ in range(10):
            await opened.client.ask("254711000001", "menu", timeout_s=30)
        await opened.dispatcher.settle()
        ledger = await opened.client.ledger(details=False)
    assert (ledger["inbound"], ledger["outbound"], ledger["duplicates"]) == (10, 10, [])


async def test_a_message_that_cannot_be_handled_is_dead_after_five_attempts(cluster: Cluster, tmp_path: Path) -> None:
    tries = []

    def fail(*_: Any, **__: Any) -> Any:
        tries.append(1)
        raise RuntimeError("a bug")

    async def is_dead() -> bool:
        await sql("UPDATE inbox SET next_attempt_at = clock_timestamp() WHERE state = 'ready' AND attempts > 0")
        with unscoped("test"):
            return bool(await db.fetchval("SELECT count(*) FROM inbox WHERE state = 'dead' AND attempts = 5"))

    async with whatsapp(cluster, tmp_path, lookout_s=OFTEN_S, lost=True) as opened:
        opened.runtime.understand = fail
        await opened.client.text("254711000001", "hi")
        await until(is_dead)
        await asyncio.sleep(0.3)
    assert len(tries) == 5


# -- jobs


async def test_a_job_is_run_once_and_one_of_another_queue_is_left_to_its_workers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    async with probing(environment) as runtime:
        other = await world.put_job(await world.new_organization(), "probe.note", queue="render")
        job_id = await put_note(tmp_path / "ran")

        async def is_done() -> bool:
            """The clock kicks all the time, into the void."""
            await sql("UPDATE jobs SET hinted_at = clock_timestamp() WHERE state = 'ready'")
            return await state_of("jobs", job_id) == "done"

        async with working(runtime):
            await until(is_done)
            await asyncio.sleep(0.3)
        assert (tmp_path / "ran").read_text() == "1\n"
        assert await state_of("jobs", other) == "ready"


async def test_a_job_that_raises_is_dead_after_five_attempts(environment: dict[str, str], tmp_path: Path) -> None:
    async with probing(environment) as runtime:
        job_id = await put_note(tmp_path / "ran", "raise")

        async def is_dead() -> bool:
            await sql("UPDATE jobs SET run_at = clock_timestamp() WHERE state = 'ready'")
            return await state_of("jobs", job_id) == "dead"

        async with working(runtime):
            await until(is_dead)
        assert (tmp_path / "ran").read_text().split() == ["1", "2", "3", "4", "5"]


async def crowd(environment: dict[str, str], folder: Path, **settings: str) -> tuple[int, bool]:
    """One organization has twelve jobs that hang, another one that does not: how many of the first run, and whether the other's did."""
    async with probing(environment, WORKER__BULK_CONCURRENCY="8", WORKER__STOP_S="1", **settings) as runtime:
        large = await world.new_organization()
        for _ in range(12):
            await put_note(folder / "large", "hang", organization_id=large)
        small = await put_note(folder / "small")

        async def running() -> int:
            with unscoped("test"):
                return int(await db.fetchval("SELECT count(*) FROM jobs WHERE state = 'running'"))

        async def is_served() -> bool:
            return await state_of("jobs", small) == "done"

        async def is_full() -> bool:
            return await running() == 8 or await is_served()

        async with working(runtime):
            await until(is_full)
            await asyncio.sleep(0.5)
            return await running(), await is_served()


async def test_a_backlog_of_one_organization_does_not_hold_up_another(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert await crowd(environment, tmp_path, CLOCK__JOBS_PER_ORGANIZATION="4") == (4, True)


async def test_with_too_large_a_window_it_does_up_to_the_workers_own_limit(
    environment: dict[str, str], tmp_path: Path
) -> None:
    running, _ = await crowd(environment, tmp_path, CLOCK__JOBS_PER_ORGANIZATION="100")
    assert running == 8


async def test_a_worker_that_is_asked_to_stop_ends_what_it_has_found(
    environment: dict[str, str], tmp_path: Path
) -> None:
    async with probing(environment) as runtime:
        job_id = await put_note(tmp_path / "ran", "slow")
        async with working(runtime) as stop:
            await ends(job_id, "running")
            late = await put_note(tmp_path / "late")
            stop.set()
        assert (await state_of("jobs", job_id), await state_of("jobs", late)) == ("done", "ready")


# -- deliveries


@pytest.mark.parametrize(("queue", "lane"), [("interactive", Lane.REPLY), ("bulk", Lane.BULK)])
async def test_messages_that_are_due_are_tried_by_the_worker_of_their_lane(
    environment: dict[str, str], queue: str, lane: Lane
) -> None:
    """They cannot be read, so each that was tried is dead."""
    async with probing(environment) as runtime:
        talk = await talk_of_the_demo(runtime)
        rows = {each: (await world.put_outbox(talk, lane=each))[0] for each in Lane}

        async def is_tried() -> bool:
            return await state_of("outbox", rows[lane]) == "dead"

        async with working(runtime, queue):
            await until(is_tried)
            await asyncio.sleep(0.3)
        assert [each for each in Lane if await state_of("outbox", rows[each]) == "dead"] == [lane]


# -- coming and going


def metric(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"queue": "bulk"})


async def test_it_looks_for_as_long_as_nats_is_away_and_says_so(
    environment: dict[str, str], tmp_path: Path, nats_server: EmbeddedNats, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "scheduler.lookout")
    nats_server.stop()
    async with probing(environment, NATS__URL=nats_server.url) as runtime, working(runtime):
        found = metric("lookout_found_total") or 0
        await ends(await put_note(tmp_path / "away"), "done")
        assert (metric("worker_without_nats"), (metric("lookout_found_total") or 0) > found) == (1, True)

        nats_server.start()

        async def is_back() -> bool:
            return metric("worker_without_nats") == 0

        await until(is_back)
        job_id = await put_note(tmp_path / "back")
        await asyncio.sleep(0.5)
        assert await state_of("jobs", job_id) == "ready", "hints are enough again"

        nats_server.stop(immediately=True)
        await ends(job_id, "done")
    said = [record.message for record in caplog.records if record.name == "scheduler.lookout"]
    assert said == ["this worker looks for work itself", "this worker follows hints again"] * 2


async def test_it_goes_on_after_the_database_could_not_tell(
    environment: dict[str, str], tmp_path: Path, fresh: Database
) -> None:
    superuser = await asyncpg.connect(fresh.superuser_dsn)
    async with probing(environment) as runtime, working(runtime):
        job_id = await put_note(tmp_path / "ran")
        await superuser.execute("UPDATE jobs SET run_at = now() + interval '1 h'")
        await superuser.execute("ALTER TABLE jobs RENAME TO elsewhere")
        await asyncio.sleep(0.3)
        await superuser.execute("ALTER TABLE elsewhere RENAME TO jobs")
        await superuser.execute("UPDATE jobs SET run_at = now()")
        await ends(job_id, "done")
    await superuser.close()


# -- whose turn it is


async def first_found(runtime: Runtime, count: int) -> list[str]:
    """Conversations in the order in which a worker would begin them."""
    link = Link(NOBODY, name="nobody", prepare=ensure_all)
    found = []
    async with aclosing(Lookout(runtime, "interactive", capacity=count).hints(link)) as hints:
        async for hint in hints:
            found.append(orjson.loads(hint)["kwargs"]["session_id"])
            if len(found) == count:
                break
    return found


async def test_the_longest_waiting_of_each_organization_comes_first_and_nothing_that_is_held(
    environment: dict[str, str],
) -> None:
    async with probing(environment, WORKER__LOOKOUT_S="0.5") as runtime:
        large = await world.new_account(await world.new_organization())
        talks = [await world.new_conversation(large.organization_id, large.account_id) for _ in range(5)]
        for talk in talks:
            await world.put_inbox(talk, age_s=10)
        held, later = await world.new_conversation(), await world.new_conversation()
        await world.put_inbox(held, age_s=60)
        await sql("UPDATE sessions SET lease_until = now() + interval '2 s' WHERE id = $1", held.session_id)
        await world.put_inbox(later, age_s=-60)
        small = await world.new_conversation()
        await world.put_inbox(small)

        found = await first_found(runtime, 4)
        assert {*found[:2]} == {str(talks[0].session_id), str(small.session_id)}
        assert found[2:] == [str(talk.session_id) for talk in talks[1:3]]


async def test_a_backlog_larger_than_what_is_read_at_once_hides_nobody(environment: dict[str, str]) -> None:
    async with probing(environment, WORKER__LOOKOUT_S="0.5") as runtime:
        flooded, small = await world.new_conversation(), await world.new_conversation()
        await world.put_inbox(flooded, age_s=60)
        await sql(
            "INSERT INTO inbox (id, organization_id, session_id, kind, provider_at, state, attempts, next_attempt_at, last_error)"
            " SELECT cn_uuid7(), organization_id, session_id, 'timeout', now(), 'ready', 0, next_attempt_at, ''"
            " FROM inbox, generate_series(1, $1)",
            ROWS_AT_ONCE,
        )
        await world.put_inbox(small)
        assert {*await first_found(runtime, 2)} == {str(flooded.session_id), str(small.session_id)}
