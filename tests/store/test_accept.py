"""T0 as rows: order, dedupe and what an accepted message leaves behind."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import asyncpg
import pytest

from tests.channels.posts import delivery, item, post
from tests.support.clockwork import rows, until, value
from tests.support.world import World

IN_ORDER = """
SELECT m.external_id FROM inbox i JOIN messages m ON m.id = i.message_id ORDER BY i.seq
"""


async def test_a_batch_enters_the_inbox_in_the_order_in_which_it_came(world: World) -> None:
    world.dispatcher.lost = True
    wamids = [f"wamid.{n * 7919 % 101:03d}" for n in range(1, 60)]
    items = [item(id=wamid, phone=f"2547110000{n % 7:02d}") for n, wamid in enumerate(wamids)]
    assert await post(world, delivery((world.people[0], {"messages": items}))) == 200
    assert [row[0] for row in await rows(world, IN_ORDER)] == wamids
    written = [row[0] for row in await rows(world, "SELECT external_id FROM messages ORDER BY created_at")]
    assert written == wamids, "the chat is shown by created_at"


async def test_the_order_of_handling_is_the_providers_time_and_then_the_arrival(world: World) -> None:
    world.dispatcher.lost = True
    now = int(time.time())
    texts = [("third", now), ("first", now - 5), ("fourth", now), ("second", now - 4)]
    items = [item(text, id=f"wamid.{text}", timestamp=str(at)) for text, at in texts]
    assert await post(world, delivery((world.people[0], {"messages": items}))) == 200
    ordered = "SELECT m.external_id FROM inbox i JOIN messages m ON m.id = i.message_id ORDER BY i.provider_at, i.seq"
    assert [row[0] for row in await rows(world, ordered)] == [
        f"wamid.{n}" for n in ("first", "second", "third", "fourth")
    ]


async def test_while_one_commit_is_held_up_others_are_accepted_and_nobody_overtakes_himself(world: World) -> None:
    world.dispatcher.lost = True
    ann, person = "254711000001", world.people[0]
    renamed = [{"wa_id": ann, "profile": {"name": "Ann of the new name"}}]

    async def say(number: str, wamid: str, contacts: list[dict[str, Any]] | None = None) -> int:
        return await post(world, delivery((person, {"messages": [item(id=wamid, phone=number)]}), contacts=contacts))

    assert await say(ann, "wamid.known") == 200
    keeper = await asyncpg.connect(world.database.superuser_dsn)
    try:
        held = keeper.transaction()
        await held.start()
        await keeper.execute("UPDATE contacts SET country = country")  # whoever renames her waits
        first = asyncio.create_task(say(ann, "wamid.first", renamed))
        await until(world, lambda: _one_waits(world), ticking=False, settling=False, sweeping=False)
        later = asyncio.create_task(say(ann, "wamid.later"))
        others = [asyncio.create_task(say(f"2547220000{n:02d}", f"wamid.other.{n}")) for n in range(40)]
        async with asyncio.timeout(10):
            for accepted in itertools.islice(asyncio.as_completed(others), 12):
                assert await accepted == 200
        assert not first.done()
        assert not later.done()
        await held.rollback()
    finally:
        await keeper.close()
    assert await asyncio.gather(first, later, *others) == [200] * 42
    order = [row[0] for row in await rows(world, IN_ORDER)]
    assert order.index("wamid.first") < order.index("wamid.later")


PHONE, ID, BOTH = (
    {"phone": "254711000001"},
    {"phone": None, "user_id": "KE.ann"},
    {"phone": "254711000001", "user_id": "KE.ann"},
)


@pytest.mark.parametrize(("first_by", "later_by"), [(PHONE, ID), (ID, PHONE), (BOTH, ID), (BOTH, PHONE), (PHONE, BOTH)])
async def test_nobody_overtakes_himself_by_being_named_in_another_way(
    world: World, first_by: dict[str, Any], later_by: dict[str, Any]
) -> None:
    """Only the database knows that the two are one; people who are named alike are not held up meanwhile."""
    world.dispatcher.lost = True
    person = world.people[0]

    async def say(wamid: str, **by: Any) -> int:
        return await post(world, delivery((person, {"messages": [item(id=wamid, **by)]})))

    assert await say("wamid.known", **BOTH) == 200
    keeper = await asyncpg.connect(world.database.superuser_dsn)
    try:
        held = keeper.transaction()
        await held.start()
        # Whoever adds this message waits; the others do not.
        await keeper.execute(
            "INSERT INTO messages SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'external_id', 'wamid.first'))).*"
            " FROM messages m WHERE external_id = 'wamid.known'"
        )
        first = asyncio.create_task(say("wamid.first", **first_by))
        await until(world, lambda: _one_waits(world), ticking=False, settling=False, sweeping=False)
        alike = "phone" if first_by["phone"] else "user_id"
        others = [
            asyncio.create_task(say(f"wamid.other.{n}", **{"phone": None, alike: f"2547220000{n:02d}"}))
            for n in range(40)
        ]
        async with asyncio.timeout(10):
            for accepted in itertools.islice(asyncio.as_completed(others), 12):
                assert await accepted == 200
        later = asyncio.create_task(say("wamid.later", **later_by))
        more = [  # worth a commit of their own
            asyncio.create_task(say(f"wamid.more.{n}", **{"phone": None, alike: f"2547330000{n:02d}"}))
            for n in range(40)
        ]
        await asyncio.sleep(1)  # time enough to overtake
        assert not first.done()
        assert not later.done()
        await held.rollback()
    finally:
        await keeper.close()
    assert {*await asyncio.gather(first, later, *others, *more)} == {200}
    order = [row[0] for row in await rows(world, IN_ORDER)]
    assert order.index("wamid.first") < order.index("wamid.later")


async def _one_waits(world: World) -> bool:
    return bool(await value(world, "SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_the_same_id_means_one_message_per_account_and_nothing_across_them(world: World) -> None:
    world.dispatcher.lost = True
    for person in world.people:
        body = delivery((person, {"messages": [item(id="wamid.same")]}))
        for _ in range(2):
            assert await post(world, body, secret=person.app_secret) == 200
    counted = await rows(world, "SELECT organization_id, count(*) FROM messages GROUP BY 1")
    assert sorted(counted) == sorted((person.id, 1) for person in world.people)


async def test_a_message_that_comes_again_after_eight_days_is_no_new_one(world: World) -> None:
    body = delivery((world.people[0], {"messages": [item("hi")]}))
    assert await post(world, body) == 200
    await world.dispatcher.settle()
    await rows(
        world,
        "UPDATE messages SET created_at = created_at - interval '8 days', provider_at = provider_at - interval '8 days'",
    )
    assert await value(world, "SELECT count(*) FROM inbox") == 0
    assert await post(world, body) == 200
    assert await value(world, "SELECT count(*) FROM messages WHERE direction = 'in'") == 1
    assert await value(world, "SELECT count(*) FROM inbox") == 0


async def test_one_delivery_may_name_a_message_twice(world: World) -> None:
    world.dispatcher.lost = True
    twice = item(id="wamid.twice")
    assert await post(world, delivery((world.people[0], {"messages": [twice, item(), twice]}))) == 200
    assert await value(world, "SELECT count(*) FROM messages") == 2
    assert await value(world, "SELECT count(*) FROM inbox") == 2


async def test_a_file_makes_a_job_that_fetches_it_once(world: World) -> None:
    world.dispatcher.lost = True
    photo = item(type="image", text=None, image={"id": "999", "mime_type": "image/jpeg", "sha256": ""})
    body = delivery((world.people[0], {"messages": [photo, item("no file")]}))
    await asyncio.gather(*(post(world, body) for _ in range(3)))
    assert await value(world, "SELECT count(*) FROM jobs WHERE name = 'core.fetch_media'") == 1


async def test_bodies_and_identities_are_sealed(world: World) -> None:
    world.dispatcher.lost = True
    await post(world, delivery((world.people[0], {"messages": [item("my secret", user_id="KE.visible")]})))
    assert b"secret" not in await value(world, "SELECT body FROM messages")
    for row in await rows(world, "SELECT value_sealed, value_index, value_masked FROM contact_identities"):
        for column in row:
            assert "visible" not in str(column)
            assert "711000001" not in str(column)
