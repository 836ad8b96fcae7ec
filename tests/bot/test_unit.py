"""A unit of work: rows and what follows from them, together or not at all, and hints only after the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bot.errors import Refused
from bot.messages import Text
from bot.ports import Lane
from bot.skill import Job
from bot.unit import open_unit
from tests.support.clockwork import rows, value
from tests.support.world import World

ASHA = "254711000001"


class Once(Job):
    name = "assistant.once"

    def key(self) -> str | None:
        return "only-once"


class Often(Job):
    name = "assistant.often"


@dataclass
class Told:
    """A dispatcher that looks, at each hint, whether what it hints at is committed."""

    world: World
    committed: list[bool] = field(default_factory=list)

    async def hint(self, organization_id: UUID, session_id: UUID, *, attempt: str) -> None:
        self.committed.append(await value(self.world, "SELECT count(*) FROM inbox WHERE kind = 'event'") == 1)

    async def kick(self, organization_id: UUID, job_id: UUID, *, queue: str, attempt: int) -> None:
        self.committed.append(await value(self.world, "SELECT count(*) FROM jobs WHERE id = $1", job_id) == 1)

    async def deliver(self, organization_id: UUID, *, lane: Lane, attempt: str) -> None:
        self.committed.append(await value(self.world, "SELECT count(*) FROM outbox") > 0)


async def conversation(world: World) -> Any:
    await world.client.text(ASHA, "hi")
    await world.client.wait_for_reply(ASHA, timeout_s=20)
    await world.dispatcher.settle()
    [row] = await rows(world, "SELECT id, contact_id, account_id FROM sessions")
    return row


async def everything(world: World, session: Any, told: Told) -> None:
    world.runtime.dispatcher = told
    async with open_unit(world.runtime, world.people[0].id, actor="job:1") as work:
        await work.tx.execute("UPDATE contacts SET country = 'UG'")
        work.enqueue(Often())
        work.charge("assistant.thing", 2, key="c1")
        work.audit("thing.done", subject="x", before={"a": 1}, after={"a": 2})
        work.resume(session["id"], "assistant.happened", key="1")
        work.send(session["contact_id"], session["account_id"], Text(text="news"), key="s1")
        if told.committed == [False]:
            raise RuntimeError("after all this")


COUNTS = (
    "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM charges WHERE key = 'c1'), (SELECT count(*) FROM audit_entries),"
    " (SELECT count(*) FROM inbox WHERE kind = 'event'), (SELECT count(*) FROM messages WHERE key = 's1:0'), (SELECT country FROM contacts)"
)


async def test_everything_is_written_together_and_hinted_after_the_commit(world: World) -> None:
    session, told = await conversation(world), Told(world)
    await everything(world, session, told)
    assert tuple((await rows(world, COUNTS))[0]) == (1, 1, 1, 1, 1, "UG")
    assert told.committed == [True, True, True]
    [audit] = await rows(world, "SELECT actor, action, before::text, after::text FROM audit_entries")
    assert (audit["actor"], audit["action"]) == ("job:1", "thing.done")


async def test_nothing_is_written_or_hinted_when_it_fails(world: World) -> None:
    session = await conversation(world)
    country = await value(world, "SELECT country FROM contacts")
    told = Told(world, committed=[False])
    with pytest.raises(RuntimeError):
        await everything(world, session, told)
    assert tuple((await rows(world, COUNTS))[0]) == (0, 0, 0, 0, 0, country)
    assert told.committed == [False]


async def test_keys_make_things_happen_once(world: World) -> None:
    session = await conversation(world)
    world.dispatcher.lost = True
    for _ in range(2):
        async with open_unit(world.runtime, world.people[0].id, actor="test") as work:
            work.enqueue(Once())
            work.enqueue(Often())
            work.charge("assistant.thing", key="c1")
            work.resume(session["id"], "assistant.happened", key="1")
            work.send(session["contact_id"], session["account_id"], Text(text="news"), key="s1")
    assert await value(world, "SELECT count(*) FROM jobs WHERE name = 'assistant.once'") == 1
    assert await value(world, "SELECT count(*) FROM jobs WHERE name = 'assistant.often'") == 2
    assert tuple((await rows(world, COUNTS))[0])[1:5] == (1, 0, 1, 1)


async def test_a_job_for_later_is_not_started_now(world: World) -> None:
    told = Told(world)
    world.runtime.dispatcher = told
    async with open_unit(world.runtime, world.people[0].id, actor="test") as work:
        work.enqueue(Often(), at=datetime.now(UTC) + timedelta(hours=1))
    assert told.committed == []
    assert await value(world, "SELECT run_at > now() + interval '50 minutes' FROM jobs") is True


async def test_a_charge_of_nothing_is_a_programmers_error(world: World) -> None:
    with pytest.raises(ValueError, match="a charge of 0"):
        async with open_unit(world.runtime, world.people[0].id, actor="test") as work:
            work.charge("assistant.thing", 0, key="k")


async def test_only_a_skill_that_says_so_sends_by_itself(world: World) -> None:
    session = await conversation(world)
    for skill in ("events", "assistant"):
        async with open_unit(world.runtime, world.people[0].id, actor="test", skill=skill) as work:
            if skill == "assistant":
                with pytest.raises(Refused, match=r"the skill assistant sends .* capabilities\.send_proactive"):
                    work.send(session["contact_id"], session["account_id"], Text(text="news"), key=skill)
            else:
                work.send(session["contact_id"], session["account_id"], Text(text="news"), key=skill)
    assert await value(world, "SELECT string_agg(key, ' ') FROM messages WHERE key IS NOT NULL") == "events:0"
