from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from bot.ports import Lane
from scheduler.heartbeat import beat
from scheduler.relay import Relay
from scheduler.settings import ClockSettings
from store import db
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.conftest import Recorded
from tests.support.database import Database


def relay(recorded: Recorded, *, grace_s: float = 30.0, **settings: Any) -> Relay:
    return Relay(recorded, ClockSettings(**settings), grace_s=grace_s)


async def sql(statement: str, *values: Any) -> None:
    with unscoped("test"):
        await db.execute(statement, *values)


async def due_in_s(outbox_id: UUID) -> float:
    with unscoped("test"):
        found: float = await db.fetchval(
            "SELECT extract(epoch FROM next_attempt_at - clock_timestamp())::float8 FROM outbox WHERE id = $1",
            outbox_id,
        )
    return found


async def test_a_message_that_is_due_is_delivered_by_its_lane(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    await world.put_outbox(talk, lane=Lane.BULK)
    other = await world.new_conversation()
    await world.put_outbox(other, lane=Lane.REPLY)
    await world.put_outbox(await world.new_conversation(), due_in_s=60)

    await relay(recorded).tick()

    assert sorted(recorded.deliveries) == sorted(
        [(talk.organization_id, Lane.BULK), (other.organization_id, Lane.REPLY)]
    )


async def test_a_message_waits_for_the_earlier_ones_of_its_conversation(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    await world.put_outbox(talk, due_in_s=60)
    await world.put_outbox(talk)
    await relay(recorded).tick()
    assert recorded.deliveries == []


async def test_a_dead_message_holds_up_nobody(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    await world.put_outbox(talk, state="dead")
    await world.put_outbox(talk)
    await relay(recorded).tick()
    assert recorded.deliveries == [(talk.organization_id, Lane.REPLY)]


async def test_no_more_senders_of_an_organizations_bulk_than_allowed(database: Database) -> None:
    recorded = Recorded()
    account = await world.new_account(await world.new_organization())
    for _ in range(3):
        talk = await world.new_conversation(account.organization_id, account.account_id)
        outbox_id, _ = await world.put_outbox(talk, lane=Lane.BULK, state="sending", due_in_s=60)
        await sql("UPDATE outbox SET lease_token = gen_random_uuid() WHERE id = $1", outbox_id)
    talk = await world.new_conversation(account.organization_id, account.account_id)
    await world.put_outbox(talk, lane=Lane.BULK)

    await relay(recorded, deliveries_per_organization=3).tick()
    assert recorded.deliveries == []
    await relay(recorded, deliveries_per_organization=4).tick()
    assert recorded.deliveries == [(account.organization_id, Lane.BULK)]


async def test_a_due_job_is_kicked_once_and_again_when_nobody_starts_it(database: Database) -> None:
    recorded = Recorded()
    job_id = await world.put_job(await world.new_organization(), "probe.note")
    await world.put_job(await world.new_organization(), "probe.note", run_in_s=60)
    patient, impatient = relay(recorded), relay(recorded, rekick_s=0.1)

    await patient.tick()
    await patient.tick()
    assert recorded.kicks == [job_id]
    await asyncio.sleep(0.15)
    await impatient.tick()
    assert recorded.kicks == [job_id, job_id]
    assert len(set(recorded.attempts)) == len(recorded.attempts)


async def test_a_job_of_a_worker_that_is_gone_is_kicked_when_its_lease_is_over(database: Database) -> None:
    recorded = Recorded()
    job_id = await world.put_job(await world.new_organization(), "probe.note")
    await sql("UPDATE jobs SET state = 'running', lease_until = now() + interval '60 s' WHERE id = $1", job_id)
    await relay(recorded).tick()
    assert recorded.kicks == []
    await sql("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE id = $1", job_id)
    await relay(recorded).tick()
    assert recorded.kicks == [job_id]


async def test_a_backlog_of_one_organization_does_not_hold_up_another(database: Database) -> None:
    recorded = Recorded()
    large, small = await world.new_organization(), await world.new_organization()
    for _ in range(30):
        await world.put_job(large, "probe.note")
    late = await world.put_job(small, "probe.note")

    await relay(recorded, jobs_per_organization=3, jobs_in_flight=4).tick()

    assert late in recorded.kicks
    assert len(recorded.kicks) == 4


async def test_a_send_of_unknown_fate_waits_a_grace_after_the_web_was_away(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    outbox_id, _ = await world.put_outbox(talk, state="unknown", due_in_s=-1)
    await beat("web", gap_s=2)  # it came back just now
    await beat("clock", gap_s=2)

    await relay(recorded, grace_s=30).tick()

    assert recorded.deliveries == []
    assert 28 < await due_in_s(outbox_id) <= 30


async def test_while_the_web_is_away_no_unknown_send_is_repeated(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    outbox_id, _ = await world.put_outbox(talk, state="sending", due_in_s=-1)
    long_ago = "now() - interval '1 day'"
    await sql(
        f"INSERT INTO heartbeats VALUES ('clock', now(), {long_ago}), ('web', now() - interval '5 s', {long_ago})"
    )

    await relay(recorded, grace_s=30).tick()

    assert recorded.deliveries == []
    assert await due_in_s(outbox_id) > 28


async def test_an_unknown_send_is_repeated_when_all_was_well_and_no_status_came(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    await world.put_outbox(talk, state="unknown", due_in_s=-1)
    long_ago = "now() - interval '1 day'"
    await sql(f"INSERT INTO heartbeats VALUES ('clock', now(), {long_ago}), ('web', now(), {long_ago})")

    await relay(recorded, grace_s=30).tick()

    assert recorded.deliveries == [(talk.organization_id, Lane.REPLY)]


async def test_a_message_that_was_never_sent_does_not_wait_for_the_web(database: Database) -> None:
    recorded = Recorded()
    talk = await world.new_conversation()
    await world.put_outbox(talk)
    await beat("web", gap_s=2)
    await relay(recorded, grace_s=30).tick()
    assert recorded.deliveries == [(talk.organization_id, Lane.REPLY)]


async def test_a_beat_in_time_keeps_the_moment_since_which_a_process_is_alive(database: Database) -> None:
    await beat("web", gap_s=0.5)
    with unscoped("test"):
        first = await db.fetchval("SELECT alive_since FROM heartbeats WHERE name = 'web'")
        await beat("web", gap_s=0.5)
        second = await db.fetchval("SELECT alive_since FROM heartbeats WHERE name = 'web'")
        await asyncio.sleep(0.6)
        await beat("web", gap_s=0.5)
        third = await db.fetchval("SELECT alive_since FROM heartbeats WHERE name = 'web'")
    assert first == second < third
