"""The crowd: as many as were asked for, the same again, gone without a trace, and nobody else touched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from bot.demo.crowd.cast import Cast
from bot.demo.crowd.load import Wanted, put_crowd, remove_crowd
from bot.demo.load import create
from bot.errors import Permanent
from store.crypto import keyring
from tests.support.clockwork import rows, value
from tests.support.world import World

WANTED = Wanted(conversations=12, messages=500, seed=7)
TABLES = ("contacts", "contact_identities", "consents", "sessions", "messages", "conversations", "conversation_notes")


async def counts(world: World) -> dict[str, int]:
    return {table: await value(world, f'SELECT count(*) FROM "{table}"') for table in TABLES}


async def test_a_crowd_is_put_once_goes_on_where_it_was_and_is_taken_away(world: World, tmp_path: Path) -> None:
    for person in world.people:
        await create(person, world.runtime.master)
    slug, said = world.people[0].slug, list[str]()

    async def put(wanted: Wanted = WANTED) -> None:
        await put_crowd(slug, wanted, data=tmp_path, owner_dsn=None, tell=said.append)

    before = await counts(world)
    await put()
    whole = await counts(world)
    assert (whole["messages"] - before["messages"], whole["conversations"] - before["conversations"]) == (500, 12)
    assert await value(world, "SELECT count(*) FROM conversations WHERE last_message_id IS NULL") == 0
    assert await value(world, "SELECT count(*) FROM inbox") == 0
    names = await rows(world, "SELECT name FROM contacts ORDER BY id")

    await put()
    assert "has this crowd already" in said[-1]
    with pytest.raises(Permanent, match="12 conversations and 500 messages"):
        await put(Wanted(conversations=13, messages=500, seed=7))

    await rows(world, "DELETE FROM contacts WHERE id IN (SELECT contact_id FROM sessions ORDER BY id LIMIT 5)")
    await put()
    assert any(each.startswith("going on behind") for each in said)
    assert await counts(world) == whole
    assert await rows(world, "SELECT name FROM contacts ORDER BY id") == names

    await remove_crowd(slug, data=tmp_path, owner_dsn=None, tell=said.append)
    assert await counts(world) == before
    assert json.loads((tmp_path / "crowd.json").read_text()) == {}


async def test_the_same_seed_makes_the_same_crowd(world: World) -> None:
    await create(world.people[0], world.runtime.master)
    keys = await keyring().keys(world.people[0].id)

    def made(seed: int) -> list[tuple[object, ...]]:
        cast = Cast(world.people[0].id, UUID(int=1), seed, 20, 900, datetime(2026, 11, 25, tzinfo=UTC), (UUID(int=2),))
        found = cast.rows(list(enumerate(cast.lengths())), keys)
        assert len(found.tables["messages"]) == 900
        assert max(row[12] for row in found.tables["messages"]) < cast.until
        return [
            (*row[:3], *row[5:8], *row[9:]) for row in found.tables["messages"]
        ]  # a sealed body is never twice the same

    assert made(1) == made(1)
    assert made(1) != made(2)
    with pytest.raises(Permanent, match="at least two messages for each"):
        Cast(world.people[0].id, UUID(int=1), 1, 20, 30, datetime(2026, 11, 25, tzinfo=UTC), ()).lengths()
