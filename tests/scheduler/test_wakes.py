"""A person who writes is never waited with; a flood of one person costs few hints, and its last message is followed by one."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from scheduler.wakes import PAUSE_MAX_S, Wakes

ORGANIZATION = uuid4()


class Told(list[tuple[UUID, str]]):
    async def __call__(self, organization_id: UUID, session_id: UUID, attempt: str) -> None:
        assert organization_id == ORGANIZATION
        self.append((session_id, attempt))


async def test_the_first_is_told_at_once_and_what_follows_together() -> None:
    told = Told()
    wakes = Wakes(told)
    one, other = uuid4(), uuid4()
    for n in range(5):
        await wakes.wake(ORGANIZATION, one, f"{n}")
    await wakes.wake(ORGANIZATION, other, "x")
    assert told == [(one, "0"), (other, "x")]
    async with asyncio.timeout(2):
        while len(told) < 3:  # noqa: ASYNC110  # a timer of the loop does it
            await asyncio.sleep(0.01)
    assert told[2] == (one, "4")
    await wakes.close()


async def test_a_flood_costs_few_hints_and_the_last_message_is_followed_by_one() -> None:
    told = Told()
    wakes = Wakes(told)
    session = uuid4()
    for n in range(200):
        await wakes.wake(ORGANIZATION, session, f"{n}")
        await asyncio.sleep(0.005)
    assert len(told) < 8
    async with asyncio.timeout(2 * PAUSE_MAX_S):
        while told[-1] != (session, "199"):  # noqa: ASYNC110  # a timer of the loop does it
            await asyncio.sleep(0.01)
    await wakes.close()


async def test_closing_tells_what_was_still_to_be_told() -> None:
    told = Told()
    wakes = Wakes(told)
    session = uuid4()
    await wakes.wake(ORGANIZATION, session, "0")
    await wakes.wake(ORGANIZATION, session, "1")
    await wakes.close()
    assert told == [(session, "0"), (session, "1")]
