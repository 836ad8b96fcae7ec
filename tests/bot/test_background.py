"""Tasks end when they are asked to, also those whose library raised something else in the place of CancelledError."""

from __future__ import annotations

import asyncio

from bot import background


async def _sleep_long() -> None:
    await asyncio.sleep(60)


async def _outlive_errors(swallowed: list[str]) -> None:
    """As a clock's loop: the first cancellation ends in a clean-up that fails."""
    while True:
        try:
            try:
                await asyncio.sleep(60)
            finally:
                if not swallowed:
                    swallowed.append("the rollback failed")
                    raise ConnectionError
        except ConnectionError:
            continue


async def test_every_task_has_ended_also_one_that_goes_on_after_its_first_cancellation() -> None:
    swallowed: list[str] = []
    tasks = [asyncio.create_task(_sleep_long()), asyncio.create_task(_outlive_errors(swallowed))]
    await asyncio.sleep(0)
    await background.end(tasks, again_s=0.01)
    assert swallowed == ["the rollback failed"]
    assert all(each.cancelled() for each in tasks)


async def test_what_a_task_raises_on_its_way_is_its_own() -> None:
    async def fail() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ConnectionError

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await background.end([task])
    assert isinstance(task.exception(), ConnectionError)
    await background.end([task])  # and what has ended stays so
