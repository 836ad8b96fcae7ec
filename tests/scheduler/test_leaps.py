"""The database's clock goes back by an hour: what waits for a while must not wait for the hour too, and what is planned stays where it is (R9).

A leap lies in rows alone: the latest moment that was seen, and whatever was written by the clock of then.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from bot.ports import Lane
from bot.runtime import Runtime
from scheduler.gauges import REGISTRY
from scheduler.heartbeat import beat
from scheduler.relay import Relay
from scheduler.settings import ClockSettings
from scheduler.sweep import Sweep
from store import db
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.conftest import Recorded
from tests.scheduler.world import Conversation

HOUR_S = 3600.0
WAIT_S = 40.0


async def sql(statement: str, *values: Any) -> Any:
    with unscoped("test"):
        return await db.fetchval(statement, *values)


async def leap(seconds: float = HOUR_S) -> None:
    """The clock has gone back by so much since the sweep last looked."""
    await sql("INSERT INTO heartbeats VALUES ('latest', clock_timestamp() + make_interval(secs => $1), now())", seconds)


async def left_s(table: str, column: str, row_id: UUID) -> float:
    found: float = await sql(
        f"SELECT extract(epoch FROM {column} - clock_timestamp())::float8 FROM {table} WHERE id = $1", row_id
    )
    return found


def sweep(runtime: Runtime) -> Sweep:
    return Sweep(runtime, ClockSettings(lost_hint_s=60))


def leaps() -> float:
    return REGISTRY.get_sample_value("database_clock_leaps_total") or 0.0


async def put_outbox(talk: Conversation, state: str, in_s: float) -> UUID:
    return (await world.put_outbox(talk, state=state, due_in_s=in_s))[0]


@pytest.mark.parametrize("wait_s", [WAIT_S, 23 * HOUR_S])
async def test_a_message_that_waits_goes_when_it_should_have(runtime: Runtime, wait_s: float) -> None:
    row = await put_outbox(await world.new_conversation(), "ready", HOUR_S + wait_s)
    await leap()
    before = leaps()
    await sweep(runtime).tick()
    assert wait_s - 5 < await left_s("outbox", "next_attempt_at", row) < wait_s + 1
    assert leaps() == before + 1


async def test_a_message_that_was_due_is_delivered_at_once(runtime: Runtime) -> None:
    dispatcher = runtime.dispatcher
    assert isinstance(dispatcher, Recorded)
    talk = await world.new_conversation()
    await put_outbox(talk, "ready", HOUR_S - 10)
    await leap()
    relay = Relay(dispatcher, ClockSettings(), grace_s=3)
    await relay.deliveries()
    assert dispatcher.deliveries == [], "the control: by the clock of now it is not due"
    await sweep(runtime).tick()
    await relay.deliveries()
    assert dispatcher.deliveries == [(talk.organization_id, Lane.REPLY)]


async def test_a_send_of_unknown_fate_waits_its_whole_grace_and_no_hour(runtime: Runtime) -> None:
    grace_s = runtime.turn.unknown_grace_s
    talk = await world.new_conversation()
    ours = await put_outbox(talk, "sending", HOUR_S + 1)
    early = await put_outbox(talk, "unknown", grace_s / 2)  # written by the clock of now
    await leap()
    await sweep(runtime).tick()
    assert grace_s - 5 < await left_s("outbox", "next_attempt_at", ours) <= grace_s
    assert await left_s("outbox", "next_attempt_at", early) <= grace_s / 2


@pytest.mark.parametrize("state", ["held", "upload"])
async def test_what_waits_for_something_else_than_time_goes_on_waiting(runtime: Runtime, state: str) -> None:
    talk = await world.new_conversation()
    row = await put_outbox(talk, state, 0)
    await sql("UPDATE channel_accounts SET state = 'stopped', stopped_seal = encode(sha256(sealed_token), 'hex')")
    await sql("UPDATE outbox SET next_attempt_at = 'infinity', waits_for = 'blob'")
    await sql(
        "INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at)"
        " SELECT gen_random_uuid(), organization_id, 'core.upload_media', 'bulk', '{}', cn_upload_key(account_id, 'blob'), 'ready', now(), 0, '', now()"
        " FROM outbox"
    )
    await leap()
    await sweep(runtime).tick()
    assert await sql("SELECT state || next_attempt_at FROM outbox WHERE id = $1", row) == f"{state}infinity"


async def test_a_row_of_the_inbox_is_answered_when_it_should_have_been(runtime: Runtime) -> None:
    row = await world.put_inbox(await world.new_conversation(), age_s=-HOUR_S - WAIT_S)
    await leap()
    await sweep(runtime).tick()
    assert WAIT_S - 5 < await left_s("inbox", "next_attempt_at", row) < WAIT_S + 1


async def test_a_reminder_stays_where_it_is_and_a_job_that_is_tried_again_does_not_wait_for_the_hour(
    runtime: Runtime,
) -> None:
    organization_id = await world.new_organization()
    planned, again, stopped, fresh = [
        await world.put_job(organization_id, "probe.note", run_in_s=HOUR_S + WAIT_S) for _ in range(4)
    ]
    await sql("UPDATE jobs SET attempts = 2, last_error = 'it failed' WHERE id = $1", again)
    await sql("UPDATE jobs SET last_error = 'stopped' WHERE id = $1", stopped)
    await sql("UPDATE jobs SET created_at = run_at WHERE id = $1", fresh)
    await leap()
    await sweep(runtime).tick()
    assert await left_s("jobs", "run_at", planned) > HOUR_S
    for each in (again, stopped, fresh):
        assert await left_s("jobs", "run_at", each) < WAIT_S + 1


async def test_a_job_of_a_worker_that_is_gone_is_run_again_and_a_kick_before_the_leap_counts_no_more(
    runtime: Runtime,
) -> None:
    organization_id = await world.new_organization()
    left, kicked = [await world.put_job(organization_id, "probe.note", run_in_s=-10) for _ in range(2)]
    await sql(
        "UPDATE jobs SET state = 'running', lease_until = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
        left,
        HOUR_S - 1,
    )
    await sql("UPDATE jobs SET hinted_at = clock_timestamp() + interval '59 minutes' WHERE id = $1", kicked)
    relay = Relay(runtime.dispatcher, ClockSettings(), grace_s=3)
    await leap()
    assert await relay.jobs() == 0, "the control"
    await sweep(runtime).tick()
    assert await relay.jobs() == 2


async def test_pauses_of_numbers_lanes_pairs_and_limits_end_when_they_should_have(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    ahead = HOUR_S + WAIT_S
    columns = ("hold_until", "bulk_hold_until", "probe_at")
    for column in columns:
        await sql(f"UPDATE channel_accounts SET {column} = clock_timestamp() + make_interval(secs => $1)", ahead)
    await sql("UPDATE sessions SET pair_tat = clock_timestamp() + make_interval(secs => $1)", ahead)
    pacing = await sql(
        "INSERT INTO pacing (id, organization_id, key, tat) VALUES (gen_random_uuid(), $1, 'number:x', clock_timestamp()"
        " + make_interval(secs => $2)) RETURNING id",
        talk.organization_id,
        ahead,
    )
    await leap()
    await sweep(runtime).tick()
    waits = [await left_s("channel_accounts", column, talk.account_id) for column in columns]
    waits += [await left_s("sessions", "pair_tat", talk.session_id), await left_s("pacing", "tat", pacing)]
    assert all(WAIT_S - 5 < each < WAIT_S + 1 for each in waits), waits


async def test_a_parked_status_is_looked_at_when_it_should_have_been(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    row = await sql(
        "INSERT INTO message_statuses (id, organization_id, account_id, external_id, status, participant, at, detail, received_at,"
        " next_attempt_at, attempts) VALUES (gen_random_uuid(), $1, $2, 'wamid.x', 'sent', '', now(), '{}', now(),"
        " clock_timestamp() + make_interval(secs => $3), 3) RETURNING id",
        talk.organization_id,
        talk.account_id,
        HOUR_S + WAIT_S,
    )
    await leap()
    await sweep(runtime).tick()
    assert await left_s("message_statuses", "next_attempt_at", row) < WAIT_S + 1


async def test_one_leap_moves_a_wait_once_and_without_one_nothing_moves(runtime: Runtime) -> None:
    row = await put_outbox(await world.new_conversation(), "ready", 3 * HOUR_S)
    sweeping = sweep(runtime)
    for _ in range(2):
        await sweeping.tick()
    assert await left_s("outbox", "next_attempt_at", row) > 3 * HOUR_S - 10
    await sql("UPDATE heartbeats SET beat_at = beat_at + interval '1 hour' WHERE name = 'latest'")
    for _ in range(3):
        await sweeping.tick()
    assert 2 * HOUR_S - 10 < await left_s("outbox", "next_attempt_at", row) < 2 * HOUR_S + 1


async def test_a_row_that_somebody_holds_is_left_to_them(runtime: Runtime) -> None:
    """Waiting for it could mean waiting for each other."""
    row = await put_outbox(await world.new_conversation(), "ready", HOUR_S + WAIT_S)
    await leap()
    with unscoped("test"):
        async with db.platform_transaction() as tx:
            await tx.execute("SELECT 1 FROM outbox WHERE id = $1 FOR UPDATE", row)
            await sweep(runtime).tick()


async def test_a_reporter_that_lived_before_the_leap_is_not_awaited_for_its_length(runtime: Runtime) -> None:
    row = await put_outbox(await world.new_conversation(), "unknown", -1)
    ahead = "clock_timestamp() + interval '50 minutes'"
    await sql(f"INSERT INTO heartbeats VALUES ('web', {ahead}, {ahead}), ('clock', {ahead}, {ahead})")
    await leap()
    relay = Relay(runtime.dispatcher, ClockSettings(), grace_s=3)
    await relay.deliveries()
    assert await left_s("outbox", "next_attempt_at", row) > 2000, "the control"
    await sweep(runtime).tick()
    await relay.deliveries()
    assert await left_s("outbox", "next_attempt_at", row) <= max(runtime.turn.unknown_grace_s, 3)


@pytest.mark.usefixtures("runtime")
async def test_a_beat_from_before_the_leap_counts_as_none() -> None:
    await sql("INSERT INTO heartbeats VALUES ('web', now() + interval '1 hour', now() + interval '59 minutes')")
    await beat("web", gap_s=2)
    assert await sql("SELECT alive_since <= clock_timestamp() AND beat_at <= clock_timestamp() FROM heartbeats")
