"""What the clock that leads shows: rows that are due, connections, hints; and how long a worker has only failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from bot.metrics import REGISTRY
from bot.runtime import Runtime
from scheduler.dispatch import NatsDispatcher
from scheduler.embedded import EmbeddedNats
from scheduler.gauges import QUEUES, STATES, Gauges, forget
from store import db
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.test_jobs import make_due, put_note, run


async def test_rows_that_are_due_are_counted_and_others_not(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    for _ in range(3):
        await world.put_inbox(talk)
    with unscoped("test"):
        await db.execute(
            "UPDATE inbox SET next_attempt_at = now() + interval '1 h' WHERE seq = (SELECT min(seq) FROM inbox)"
        )
    await Gauges(runtime.dispatcher).tick()
    assert value("rows_waiting", table="inbox") == 2
    assert value("rows_waiting", table="jobs") == 0
    active, most = value("postgres_connections_active"), value("postgres_connections_max")
    assert active is not None
    assert most is not None
    assert 1 <= active <= most
    forget()
    assert value("rows_waiting", table="inbox") is None


async def test_numbers_and_dead_rows_are_counted_over_all_organizations(runtime: Runtime) -> None:
    talks = [await world.new_conversation() for _ in range(4)]
    await sql("UPDATE channel_accounts SET state = 'stopped' WHERE id = $1", talks[0].account_id)
    ahead = "clock_timestamp() + interval '1 minute'"
    await sql(
        f"UPDATE channel_accounts SET hold_until = {ahead}, bulk_hold_until = {ahead} WHERE id = $1",
        talks[1].account_id,
    )
    await sql("UPDATE channel_accounts SET hold_until = now() - interval '1 s' WHERE id = $1", talks[2].account_id)
    await world.put_outbox(talks[0])
    for talk in talks[:2]:
        await world.put_outbox(talk, state="dead")
    await sql("UPDATE inbox SET state = 'dead' WHERE id = $1", await world.put_inbox(talks[3]))
    await Gauges(runtime.dispatcher).tick()
    counted = {state: value("numbers", state=state) for state in STATES}
    assert counted == {
        "connected": 3,
        "stopped": 1,
        "throttled": 1,
        "bulk_throttled": 1,
        "paused": 0,
        "disconnected": 0,
    }
    assert {queue: value("dead_rows", queue=queue) for queue in QUEUES} == {"inbox": 1, "outbox": 2, "jobs": 0}
    await sql("UPDATE channel_accounts SET state = 'connected'")
    await Gauges(runtime.dispatcher).tick()
    assert value("numbers", state="stopped") == 0, "what is over is shown as over"
    forget()


async def test_hints_that_nobody_took_are_the_depth_of_their_queue(runtime: Runtime, nats_server: EmbeddedNats) -> None:
    dispatcher = NatsDispatcher(nats_server.url, name="test")
    assert await dispatcher.open(wait_s=5)
    try:
        for attempt in range(3):
            await dispatcher.kick(UUID(int=1), UUID(int=2), queue="bulk", attempt=attempt)
        await Gauges(dispatcher).tick()
        assert value("nats_queue_depth", queue="bulk") == 3
        assert value("nats_queue_depth", queue="render") == 0
    finally:
        await dispatcher.close()
    await Gauges(dispatcher).tick()
    assert value("nats_queue_depth", queue="bulk") is None, "an old number would be a lie"


async def test_failures_in_a_row_are_counted_until_something_succeeds(runtime: Runtime, tmp_path: Path) -> None:
    await run(runtime, *await put_note(tmp_path / "begin"))
    assert value("worker_failures_in_a_row") == 0
    organization_id, job_id = await put_note(tmp_path / "bad", "raise")
    for _ in range(3):
        await run(runtime, organization_id, job_id)
        await make_due(job_id)
    assert value("worker_failures_in_a_row") == 3
    await run(runtime, *await put_note(tmp_path / "good"))
    assert value("worker_failures_in_a_row") == 0


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def sql(statement: str, *values: Any) -> None:
    with unscoped("test"):
        await db.execute(statement, *values)
