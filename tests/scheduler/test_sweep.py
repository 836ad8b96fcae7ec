from __future__ import annotations

import asyncio
from typing import Any, cast
from uuid import UUID

import pytest

from bot.runtime import Runtime
from scheduler.settings import ClockSettings
from scheduler.sweep import Sweep, purge
from store import db
from store.ids import uuid7
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.conftest import Recorded
from tests.scheduler.world import Conversation

_read_again: list[UUID] = []


async def read_again(delivery_id: UUID) -> None:
    """Stands for the runtime's `reparse`; the first delivery cannot be read at all."""
    _read_again.append(delivery_id)
    if len(_read_again) == 1:
        raise ValueError("still unreadable")


def recorded(runtime: Runtime) -> Recorded:
    return cast("Recorded", runtime.dispatcher)


def sweep(runtime: Runtime, **settings: Any) -> Sweep:
    return Sweep(runtime, ClockSettings(**settings), reparse=read_again)


async def sql(statement: str, *values: Any) -> None:
    with unscoped("test"):
        await db.execute(statement, *values)


async def test_a_conversation_whose_hint_was_lost_is_hinted_again_with_a_new_attempt(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    await world.put_inbox(talk, age_s=5)
    await world.put_inbox(await world.new_conversation())  # its own hint is on the way

    sweeping = sweep(runtime, lost_hint_s=0.2)
    await world.put_inbox(talk, age_s=5)
    await sweeping.tick()

    assert recorded(runtime).hints == [talk.session_id]


async def test_the_same_row_is_hinted_ever_more_rarely(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    await world.put_inbox(talk, age_s=60)
    sweeping = sweep(runtime, lost_hint_s=0.2, lost_hint_max_s=10)
    for _ in range(30):
        await sweeping.tick()
        await asyncio.sleep(0.05)
    assert 2 <= len(recorded(runtime).hints) <= 4
    assert len(set(recorded(runtime).attempts)) == len(recorded(runtime).attempts)


async def test_a_conversation_that_a_worker_holds_is_left_alone_until_its_lease_is_over(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    await world.put_inbox(talk, age_s=60)
    await sql("UPDATE sessions SET lease_token = gen_random_uuid(), lease_until = now() + interval '2 s'")
    sweeping = sweep(runtime)
    await sweeping.tick()
    assert recorded(runtime).hints == []
    await sql("UPDATE sessions SET lease_until = now() - interval '1 s'")
    await sweeping.tick()
    assert recorded(runtime).hints == [talk.session_id]


async def test_a_dead_row_and_one_that_is_not_due_are_not_hinted(runtime: Runtime) -> None:
    dead, later = await world.new_conversation(), await world.new_conversation()
    await sql("UPDATE inbox SET state = 'dead' WHERE id = $1", await world.put_inbox(dead, age_s=60))
    await world.put_inbox(later, age_s=-60)
    await sweep(runtime).tick()
    assert recorded(runtime).hints == []


async def test_a_wait_that_is_over_becomes_one_timeout_of_the_conversation(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    await wait_for(talk, "events.drawn", {"k1": -1.0})
    sweeping = sweep(runtime, lost_hint_s=60)
    await sweeping.tick()
    await sweeping.tick()

    with unscoped("test"):
        rows = await db.fetch("SELECT kind, payload, key, session_id FROM inbox")
    assert [row["kind"] for row in rows] == ["timeout"]
    assert rows[0]["key"] == f"timeout:{talk.session_id}:7"
    assert rows[0]["payload"] == '{"key": "k1", "event": "events.drawn"}'
    assert recorded(runtime).hints == [talk.session_id]


async def test_of_several_waits_the_one_that_is_over_is_named(runtime: Runtime) -> None:
    talk = await world.new_conversation()
    await wait_for(talk, "events.drawn", {"below": -1.0, "on top": 60.0})
    await sweep(runtime, lost_hint_s=60).tick()
    with unscoped("test"):
        assert await db.fetchval("SELECT payload ->> 'key' FROM inbox") == "below"


async def wait_for(talk: Conversation, event: str, keys: dict[str, float]) -> None:
    """One frame for each key, the last on top; seconds until its deadline."""
    frames = ", ".join(
        f"""{{"flow": "f", "step": "s", "wait": {{"event": "{event}", "key": "{key}", "until": "' || now() + interval '{seconds} s' || '"}}}}"""
        for key, seconds in keys.items()
    )
    top = [*keys][-1]
    await sql(
        f"UPDATE sessions SET phase = 'WAITING', revision = 7, wait_until = now() + interval '{min(keys.values())} s', state = ("
        f""" '{{"pending": {{"kind": "event", "flow": "f", "step": "s", "event": "{event}", "key": "{top}"}}, "stack": [{frames}]}}')::jsonb"""
        " WHERE id = $1",
        talk.session_id,
    )


async def test_a_wait_that_is_not_over_yet_goes_on(runtime: Runtime) -> None:
    await wait_for(await world.new_conversation(), "e", {"k": 60.0})
    await sweep(runtime).tick()
    assert recorded(runtime).hints == []


@pytest.fixture
def nothing_read_yet() -> None:
    _read_again.clear()


async def put_delivery(outcome: str, *, age_s: float = 60.0, attempts: int = 0) -> UUID:
    delivery_id = uuid7()
    await sql(
        "INSERT INTO webhook_deliveries (id, received_at, sealed_body, size_bytes, outcome, detail, attempts)"
        " VALUES ($1, now() - make_interval(secs => $2), ''::bytea, 0, $3, '', $4)",
        delivery_id,
        age_s,
        outcome,
        attempts,
    )
    return delivery_id


@pytest.mark.usefixtures("nothing_read_yet")
async def test_deliveries_that_could_not_be_read_are_read_again_one_failure_stopping_no_other(runtime: Runtime) -> None:
    first, second = await put_delivery("unparsed", age_s=70), await put_delivery("unparsed")
    await put_delivery("accepted")
    await put_delivery("unparsed", attempts=6, age_s=100_000)

    sweeping = sweep(runtime)
    await sweeping.reparse()
    await sweeping.reparse()

    assert sorted(_read_again[:2]) == sorted([first, second])
    assert {*_read_again} == {first, second}


async def test_retention_removes_what_is_done_and_old_and_nothing_else(runtime: Runtime) -> None:
    organization_id = await world.new_organization()
    old, young, dead = [await world.put_job(organization_id, "probe.note") for _ in range(3)]
    await sql("UPDATE jobs SET state = 'done', finished_at = now() - interval '40 days' WHERE id = $1", old)
    await sql("UPDATE jobs SET state = 'done', finished_at = now() - interval '1 day' WHERE id = $1", young)
    await sql("UPDATE jobs SET state = 'dead', finished_at = now() - interval '400 days' WHERE id = $1", dead)
    ancient, recent = await put_delivery("accepted", age_s=40 * 86_400), await put_delivery("accepted")

    for days in (13, 15):
        await sql(
            "INSERT INTO turn_traces (id, organization_id, at, session_id, inbox_id, sealed)"
            " VALUES (gen_random_uuid(), $1, now() - make_interval(days => $2), gen_random_uuid(), gen_random_uuid(), '')",
            organization_id,
            days,
        )

    for days in (399, 401):
        await sql(
            "INSERT INTO usage_facts (id, organization_id, at, kind, purpose, model, attempt, outcome, tokens_in, tokens_out, is_estimated,"
            " size_bytes, ms) VALUES (gen_random_uuid(), $1, now() - make_interval(days => $2), 'chat', '', '', 1, 'ok', 0, 0, false, 0, 0)",
            organization_id,
            days,
        )

    await purge(ClockSettings())

    with unscoped("test"):
        assert await db.fetchval("SELECT count(*) FROM turn_traces") == 1
        assert await db.fetchval("SELECT count(*) FROM usage_facts WHERE at > now() - interval '400 days'") == 1
        assert await db.fetchval("SELECT count(*) FROM usage_facts") == 1
    assert await world.row("jobs", old) is None
    assert await world.row("webhook_deliveries", ancient) is None
    for table, kept in (("jobs", young), ("jobs", dead), ("webhook_deliveries", recent)):
        assert await world.row(table, kept) is not None
