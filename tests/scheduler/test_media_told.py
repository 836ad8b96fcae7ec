"""A file that cannot be fetched is said to the person; one that can be is kept without a word about it."""

from __future__ import annotations

import base64

import asyncpg

from tests.support.world import World

ASHA = "254711000001"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def media_rows(world: World) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(world.database.superuser_dsn)
    try:
        rows = await connection.fetch("SELECT state, reason FROM media_files WHERE direction = 'in'")
        return [(row["state"], row["reason"]) for row in rows]
    finally:
        await connection.close()


async def run_jobs(world: World) -> None:
    await world.client.wait_until_idle()
    await world.dispatcher.settle()
    connection = await asyncpg.connect(world.database.superuser_dsn)
    try:
        rows = await connection.fetch("SELECT organization_id, id, queue FROM jobs WHERE state = 'ready'")
    finally:
        await connection.close()
    for row in rows:
        await world.dispatcher.kick(row["organization_id"], row["id"], queue=row["queue"], attempt=1)
    await world.dispatcher.settle()


async def texts(world: World) -> list[str]:
    return [message["text"] for message in await world.client.messages(ASHA) if message["direction"] == "out"]


async def test_a_file_that_is_gone_is_said_and_its_row_stays(world: World) -> None:
    await world.client.send(ASHA, raw={"type": "image", "image": {"id": "999999999999999", "mime_type": "image/png"}})
    await run_jobs(world)
    await run_jobs(world)
    ((state, reason),) = await media_rows(world)
    assert state == "failed"
    assert reason
    assert sum("could not open the file" in text for text in await texts(world)) == 1


async def test_a_file_that_arrives_is_stored_and_not_complained_about(world: World) -> None:
    content = base64.b64encode(PICTURE).decode()
    await world.client.send(ASHA, media={"content": content, "mime_type": "image/png", "kind": "image"})
    await run_jobs(world)
    assert [state for state, _ in await media_rows(world)] == ["stored"]
    assert not any("could not open the file" in text for text in await texts(world))
