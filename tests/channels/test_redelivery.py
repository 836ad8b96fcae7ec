"""The same news again, and much of it at once: one turn each, whatever came with it (R4, R5). Each promise with its guard taken out as well."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import orjson
import pytest

from scheduler.settings import ClockSettings
from scheduler.sweep import purge
from tests.channels.posts import delivery, item, post, status
from tests.support.clockwork import rows, tick, until, value
from tests.support.guards import without
from tests.support.world import World

ASHA = "254711000001"
INCOMING = "SELECT count(*) FROM messages WHERE direction = 'in'"
OUTGOING = "SELECT count(*) FROM messages WHERE direction = 'out'"
DEDUPE = " ON CONFLICT (organization_id, account_id, external_id) DO NOTHING RETURNING id"
UNIQUE = """
SELECT conname::text AS name FROM pg_constraint WHERE conrelid = 'messages'::regclass AND contype = 'u'
AND pg_get_constraintdef(oid) = 'UNIQUE (organization_id, account_id, external_id)'
"""


async def quiet(world: World) -> None:
    async def nothing_waits() -> bool:
        left = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox WHERE state <> 'dead')"
        return bool(await value(world, left) == 0)

    await until(world, nothing_waits, "all handled and sent")


@pytest.mark.parametrize("guarded", [True, False], ids=["with the key", "without it"])
async def test_what_comes_again_after_eight_days_is_no_second_turn(world: World, guarded: bool) -> None:
    body = delivery((world.people[0], {"messages": [item("hi")]}))
    assert await post(world, body) == 200
    await quiet(world)
    await _grow_old(world)
    async with AsyncExitStack() as off:
        if not guarded:
            await off.enter_async_context(
                without(world.database.superuser_dsn, "cn_accept", (DEDUPE, " RETURNING id")),
            )
            [unique] = await rows(world, UNIQUE)
            await rows(world, f'ALTER TABLE messages DROP CONSTRAINT "{unique["name"]}"')
        assert await post(world, body) == 200
        await quiet(world)
    turns = 1 if guarded else 2
    assert (await value(world, INCOMING), await value(world, OUTGOING)) == (turns, turns)


async def _grow_old(world: World) -> None:
    """Eight days pass, and whatever retention takes away is gone; raw deliveries too."""
    columns = await rows(
        world,
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND udt_name = 'timestamptz'"
        " AND table_name IN ('messages', 'webhook_deliveries', 'sessions', 'jobs', 'contacts')",
    )
    for each in columns:
        await rows(world, f"UPDATE {each['t']} SET {each['c']} = {each['c']} - interval '8 days'")
    assert await purge(ClockSettings(deliveries_days=7, done_jobs_days=7)) >= 1


async def test_of_a_thousand_changes_in_one_post_one_is_bad_and_999_are_done(world: World) -> None:
    """One entry, as Meta batches; the bad one is parked with its bytes and done when the cause is gone."""
    first = world.people[0]
    world.dispatcher.lost = True
    await rows(world, "ALTER TABLE messages ADD CONSTRAINT no_poison CHECK (external_id <> 'wamid.poison')")
    items = [item(f"n-{n}", phone=f"25471{n:07d}") for n in range(1000)]
    items[617] = item("poison", id="wamid.poison")
    whole = orjson.loads(delivery(*((first, {"messages": [each]}) for each in items)))
    changes = [change for entry in whole["entry"] for change in entry["changes"]]
    body = orjson.dumps({**whole, "entry": [{"id": first.waba_id, "changes": changes}]})

    assert await post(world, body) == 200
    assert await value(world, INCOMING) == 999
    assert await value(world, "SELECT count(*) FROM inbox") == 999
    [kept] = await rows(world, "SELECT id, outcome FROM webhook_deliveries")
    assert kept["outcome"] == "unparsed"

    with pytest.raises(asyncpg.CheckViolationError):  # the control: it is the item that the database refuses
        await world.runtime.reparse(kept["id"])
    await rows(world, "ALTER TABLE messages DROP CONSTRAINT no_poison")
    await world.runtime.reparse(kept["id"])
    assert await value(world, INCOMING) == 1000
    assert await value(world, "SELECT count(*) FROM inbox") == 1000


# -- statuses

LADDER = "CASE WHEN cn_rank(g.best) > cn_rank(m.status) THEN g.best ELSE m.status END"
PARKED = "AND s.received_at < clock_timestamp() - p_keep"


@pytest.mark.parametrize("guarded", [True, False], ids=["as a ladder", "as assignments"])
async def test_only_the_ladder_keeps_a_state_from_going_back(world: World, guarded: bool) -> None:
    message = await _sent_message(world)
    async with AsyncExitStack() as off:
        if not guarded:
            await off.enter_async_context(
                without(world.database.superuser_dsn, "cn_apply_statuses", (LADDER, "g.best"))
            )
        for each in ("read", "delivered", "sent"):
            await _tell(world, status(message["external_id"], each))
    found = await value(world, "SELECT status FROM messages WHERE direction = 'out'")
    assert found == ("read" if guarded else "sent")


@pytest.mark.parametrize("guarded", [True, False], ids=["parked", "dropped"])
async def test_only_parking_saves_a_status_that_is_earlier_than_its_message(world: World, guarded: bool) -> None:
    async with AsyncExitStack() as off:
        if not guarded:
            await off.enter_async_context(without(world.database.superuser_dsn, "cn_apply_statuses", (PARKED, "")))
        await _tell(world, status("wamid.early", "read"))
        message = await _sent_message(world)
        await rows(world, "UPDATE messages SET external_id = 'wamid.early' WHERE id = $1", message["id"])
        await rows(world, "UPDATE message_statuses SET next_attempt_at = now()")
        await tick(world)
    found = await value(world, "SELECT status FROM messages WHERE direction = 'out'")
    assert found == ("read" if guarded else "accepted")


async def _sent_message(world: World) -> Any:
    await world.client.set_fault("no_status", probability=1.0)
    await world.client.text(ASHA, "hi")
    await world.client.wait_for_reply(ASHA, timeout_s=20)
    await world.dispatcher.settle()
    [row] = await rows(world, "SELECT id, external_id FROM messages WHERE direction = 'out'")
    return row


async def _tell(world: World, *items: dict[str, Any]) -> None:
    assert await post(world, delivery((world.people[0], {"statuses": list(items)}))) == 200
    await tick(world)


# -- clocks


class Leaping:
    """The wall clock of the processes; the database has its own."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        now: datetime = self._real.now()
        return now + self.ahead


async def test_processes_whose_clock_leaps_answer_everything_once_and_in_order(world: World) -> None:
    """R9: an hour ahead, two back, between and during the messages of one person."""
    clock = Leaping(world.runtime.clock)
    world.runtime.clock = clock
    for n, hours in enumerate((0, 1, -1, 1, 0), start=1):
        clock.ahead = timedelta(hours=hours)
        await asyncio.gather(*(world.client.text(ASHA, "menu") for _ in range(2)))
        clock.ahead = timedelta(hours=-hours)
        assert await until(world, partial(_arrived, world, 2 * n), f"{hours} h")
        await quiet(world)
        assert await value(world, OUTGOING) == 2 * n
    assert await value(world, "SELECT count(*) FROM messages WHERE status IN ('refused', 'failed')") == 0


async def _arrived(world: World, count: int) -> bool:
    return bool(await value(world, INCOMING) == count)


async def test_a_database_clock_that_leapt_back_holds_a_conversation_up_for_a_lease_at_most(world: World) -> None:
    """R9: a worker died with the conversation in hand, then the server's clock was set back: its lease ends in an hour."""
    await world.client.text(ASHA, "hi")
    await world.client.wait_for_reply(ASHA, timeout_s=20)
    await quiet(world)
    await rows(
        world,
        "UPDATE sessions SET lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 hour'",
    )
    await world.client.text(ASHA, "menu")
    await asyncio.sleep(world.runtime.turn.lease_s)
    for _ in range(5):
        await tick(world)
    assert len(await world.client.messages(ASHA, direction="out")) == 2
