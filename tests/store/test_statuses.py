"""Statuses are a ladder: whatever their order, each keeps its time, the best one names the message, and none is lost (R5)."""

from __future__ import annotations

import itertools
import time
from typing import Any

from tests.channels.posts import delivery, post, status
from tests.support.clockwork import rows, tick, until, value
from tests.support.world import World

ASHA = "254711000001"
WAITING = "SELECT count(*) FROM message_statuses"


async def sent_message(world: World) -> Any:
    """A greeting that was accepted, and of which no status ever came."""
    await world.client.set_fault("no_status", probability=1.0)
    await world.client.text(ASHA, "hi")
    await world.client.wait_for_reply(ASHA, timeout_s=20)
    await world.dispatcher.settle()
    [row] = await rows(world, "SELECT id, external_id, status FROM messages WHERE direction = 'out'")
    assert row["status"] == "accepted"
    return row


async def tell(world: World, *items: dict[str, Any], organization: int = 0) -> None:
    person = world.people[organization]
    assert await post(world, delivery((person, {"statuses": list(items)})), secret=person.app_secret) == 200
    await tick(world)


async def state(world: World) -> dict[str, Any]:
    [row] = await rows(world, "SELECT * FROM messages WHERE direction = 'out'")
    return dict(row)


async def test_in_every_order_the_best_status_stands_and_each_keeps_its_time(world: World) -> None:
    message = await sent_message(world)
    now = int(time.time())
    times = {"sent": now + 1, "delivered": now + 2, "read": now + 3}
    for order in itertools.permutations(times):
        await rows(
            world,
            "UPDATE messages SET status = 'accepted', sent_at = NULL, delivered_at = NULL, read_at = NULL WHERE id = $1",
            message["id"],
        )
        best = -1
        for each in order:
            await tell(world, status(message["external_id"], each, at=times[each]))
            best = max(best, list(times).index(each))
            assert (await state(world))["status"] == list(times)[best], order
        found = await state(world)
        assert {each: int(found[f"{each}_at"].timestamp()) for each in times} == times
    assert await value(world, WAITING) == 0


async def test_a_batch_in_one_delivery_and_repeated_ones_change_nothing_more(world: World) -> None:
    message = await sent_message(world)
    batch = [status(message["external_id"], each) for each in ("read", "sent", "delivered", "sent", "read")]
    for _ in range(2):
        await tell(world, *batch)
    assert (await state(world))["status"] == "read"
    assert await value(world, WAITING) == 0
    assert await value(world, "SELECT count(*) FROM charges WHERE meter = 'message.out'") == 1


async def test_failed_is_the_end_unless_a_later_status_proves_otherwise(world: World) -> None:
    message = await sent_message(world)
    errors = [{"code": 131026, "title": "Message undeliverable"}]
    await tell(world, status(message["external_id"], "failed", errors=errors))
    found = await state(world)
    assert found["status"] == "failed"
    assert "131026" in found["error"]
    await tell(world, status(message["external_id"], "sent"))
    assert (await state(world))["status"] == "failed"
    await tell(world, status(message["external_id"], "delivered"))
    assert (await state(world))["status"] == "delivered"


async def test_a_status_nobody_knows_is_taken_without_moving_the_ladder(world: World) -> None:
    message = await sent_message(world)
    await tell(world, status(message["external_id"], "warning"), status(message["external_id"], "x" * 60))
    assert (await state(world))["status"] == "accepted"
    assert await value(world, WAITING) == 0


async def test_a_status_of_an_unknown_message_is_parked_and_joined_when_it_turns_up(world: World) -> None:
    await tell(world, status("wamid.early", "read"))
    assert await value(world, WAITING) == 1
    message = await sent_message(world)
    await rows(world, "UPDATE messages SET external_id = 'wamid.early' WHERE id = $1", message["id"])
    await rows(world, "UPDATE message_statuses SET next_attempt_at = now()")
    await tick(world)
    assert (await state(world))["status"] == "read"
    assert await value(world, WAITING) == 0


async def test_a_status_that_beats_the_answer_to_the_send_is_not_lost(world: World) -> None:
    await world.client.set_fault("status_before_response", probability=1.0)
    await world.client.text(ASHA, "hi")
    await world.client.wait_for_reply(ASHA, timeout_s=20)

    async def read() -> bool:
        return bool(await value(world, "SELECT status FROM messages WHERE direction = 'out'") == "read")

    await until(world, read, "the ladder was climbed to the end")
    assert await value(world, "SELECT count(*) FROM messages WHERE direction = 'out'") == 1


async def test_statuses_of_another_organization_move_nothing(world: World) -> None:
    """Neither by the provider's id nor by ours in the callback data."""
    message = await sent_message(world)
    stolen = status(message["external_id"], "read", opaque=message["id"].hex)
    await tell(world, stolen, organization=1)
    assert (await state(world))["status"] == "accepted"
    await tell(world, stolen)
    assert (await state(world))["status"] == "read"


async def test_all_of_the_emulators_disorder_ends_at_read(world: World) -> None:
    await world.client.set_fault("statuses_reversed", probability=0.5)
    await world.client.set_fault("duplicate", probability=0.5, on="statuses")
    await world.client.set_fault("drop_ack", probability=0.3)
    for _ in range(5):
        await world.client.text(ASHA, "menu")
    await world.client.wait_for_reply(ASHA, count=5, timeout_s=20)

    async def all_read() -> bool:
        found = await rows(world, "SELECT status, count(*) FROM messages WHERE direction = 'out' GROUP BY 1")
        return [tuple(row) for row in found] == [("read", 5)]

    await until(world, all_read)
