"""What the provider says of a person takes effect, and no more than that."""

from __future__ import annotations

import asyncpg

from tests.support.world import World

ASHA = "254711000001"
NEW_NUMBER = "254711000999"


async def rows(world: World, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(world.database.superuser_dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def run_jobs(world: World) -> None:
    """The relay's part, by hand: this world has no clock."""
    await world.client.wait_until_idle()
    await world.dispatcher.settle()
    for row in await rows(world, "SELECT organization_id, id, queue FROM jobs WHERE state = 'ready'"):
        await world.dispatcher.kick(row["organization_id"], row["id"], queue=row["queue"], attempt=1)
    await world.dispatcher.settle()


async def test_a_person_who_changes_the_number_stays_the_same_contact(world: World) -> None:
    await world.client.ask(ASHA, "hi")
    before = await rows(world, "SELECT id FROM contacts")
    await world.client.change_number(ASHA, NEW_NUMBER)
    await run_jobs(world)
    await world.client.ask(NEW_NUMBER, "hi")
    assert await rows(world, "SELECT id FROM contacts") == before
    live = await rows(world, "SELECT kind FROM contact_identities WHERE valid_to IS NULL ORDER BY kind")
    assert [row["kind"] for row in live] == ["bsuid", "phone"]
    assert await rows(world, "SELECT 1 FROM contact_merge_proposals") == []


async def test_marketing_stopped_in_whatsapp_is_an_opt_out_with_its_source(world: World) -> None:
    await world.client.ask(ASHA, "hi")
    number = world.people[0].phone_number_id
    await world.client.set_marketing(ASHA, number, stop=True)
    await run_jobs(world)
    assert (await rows(world, "SELECT opted_out_at FROM contacts"))[0]["opted_out_at"] is not None
    assert [tuple(row) for row in await rows(world, "SELECT state, source FROM consents")] == [
        ("withdrawn", "provider")
    ]
    await world.client.set_marketing(ASHA, number, stop=False)
    await run_jobs(world)
    assert (await rows(world, "SELECT opted_out_at FROM contacts"))[0]["opted_out_at"] is None
