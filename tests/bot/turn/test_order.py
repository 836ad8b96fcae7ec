"""Order per contact and once-only, with workers that compete, and with workers that die between any two of their steps (R4, R6, R10)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Generator
from typing import Any
from uuid import UUID

from bot.turn.runner import process_session
from tests.bot.turn.conftest import ProbeWorld
from tests.bot.turn.hand import Hand
from tests.support.clockwork import rows, tick, until, value
from tests.support.world import InlineDispatcher, World

WORKERS = 3


class Crowd(InlineDispatcher):
    """Every hint reaches several workers at once."""

    async def hint(self, organization_id: UUID, session_id: UUID, *, attempt: str) -> None:
        for _ in range(WORKERS):
            await super().hint(organization_id, session_id, attempt=attempt)


async def acks(world: World, count: int) -> bool:
    return bool(await value(world, "SELECT count(*) FROM messages WHERE accepted_at IS NOT NULL") == count)


async def test_five_quick_messages_of_forty_people_are_answered_in_order_by_competing_workers(
    world: World, hand: Hand
) -> None:
    crowd = Crowd()
    crowd.runtime = world.runtime
    world.runtime.dispatcher = crowd
    chance = random.Random(7)

    async def dawdle() -> None:
        await asyncio.sleep(chance.random() * 0.01)

    hand.next("probe_answer", *[dawdle] * 200)
    people = [f"25472{n:07d}" for n in range(40)]
    await world.client.add_users([{"wa_id": each} for each in people])
    await world.client.bulk(wa_ids=people, text="echo", wait=True)
    await until(world, lambda: acks(world, 40), "forty times asked for a line")
    await world.client.set_pace(ordered_per_user=True)
    await world.client.bulk(wa_ids=people, text="n-{i}", messages_each=5, wait=True)
    await until(world, lambda: acks(world, 40 + 400), "all answered")
    await world.client.wait_until_idle(30)

    report = await world.client.analyse(reply_pattern=r"ack n-(\d+)")
    assert report["clean"], report["threads"][:2]
    assert (report["asked"], report["answered"]) == (200, 200)
    assert hand.calls.count("probe_answer") == 200, "every worker but one must leave a conversation alone"
    await crowd.settle()


class KilledAfter:
    """Awaits `work` and ends it at its n-th suspension. Its `finally` blocks run: they give back connections, as a process's death does."""

    def __init__(self, work: Any, n: int) -> None:
        self._work, self._left = work, n

    def __await__(self) -> Generator[Any, Any, bool]:
        task = asyncio.current_task()
        assert task is not None
        steps = self._work.__await__()
        try:
            waiting = steps.send(None)
            while True:
                if self._left == 0:
                    task.cancel()
                self._left -= 1
                try:
                    sent = yield waiting
                except BaseException as e:
                    waiting = steps.throw(e)
                else:
                    waiting = steps.send(sent)
        except StopIteration:
            return True


async def killed_after(work: Any, n: int) -> bool:
    """Whether it came to its end."""

    async def life() -> bool:
        return await KilledAfter(work, n)

    [end] = await asyncio.gather(asyncio.ensure_future(life()), return_exceptions=True)
    assert isinstance(end, bool | asyncio.CancelledError), repr(end)
    return end is True


async def test_a_worker_that_dies_between_any_two_steps_loses_and_doubles_nothing(
    probe_world: ProbeWorld, hand: Hand
) -> None:
    world = await probe_world(TURN__LEASE_S="1", TURN__RENEW_S="30", TURN__UNKNOWN_GRACE_S="6")
    organization = world.people[0].id
    people = [f"25473{n:07d}" for n in range(45)]
    await world.client.add_users([{"wa_id": each} for each in people])
    world.dispatcher.lost = True
    await world.client.bulk(wa_ids=people, text="segments", wait=True)
    await world.client.wait_until_idle(30)
    sessions = [row["id"] for row in await rows(world, "SELECT id FROM sessions ORDER BY id")]
    assert len(sessions) == len(people)

    ended = [
        await killed_after(process_session(world.runtime, organization, session_id), n)
        for n, session_id in enumerate(sessions)
    ]
    assert not any(ended[:20]), "the control: the early deaths came before the end"
    assert any(ended), "the control: the last ones lived to the end, so every step was tried"

    world.dispatcher.lost = False

    async def over() -> Any:
        return (
            await value(world, "SELECT count(*) FROM inbox WHERE kind = 'message'") == 0
            and await value(world, "SELECT count(*) FROM outbox") == 0
        )

    await until(world, over, "all turns finished and all replies settled")
    await world.client.wait_until_idle(30)
    report = await world.client.ledger()
    for person in people:
        seen = [each["text"] for each in report["users"][person]["seen"]]
        assert seen == ["before", "called for segments", "after"], (people.index(person), seen)
    assert await value(world, "SELECT count(*) FROM charges WHERE meter = 'probe.step'") == 2 * len(people)
    assert await value(world, "SELECT count(*) FROM jobs WHERE name = 'probe.note'") == len(people)
    assert hand.calls.count("probe_before") >= len(people)
    await tick(world)
