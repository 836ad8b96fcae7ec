"""An organization whose people all write at once waits for itself (reliability R15)."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from bot.turn.places import Place, Places

LARGE, SMALL = uuid4(), uuid4()


async def test_a_large_organization_leaves_room_for_a_small_one() -> None:
    places, working, most = Places(2), 0, 0
    done: list[str] = []

    async def turn(organization: object, name: str) -> None:
        nonlocal working, most
        async with places.of(organization):  # type: ignore[arg-type]
            working += organization is LARGE
            most = max(most, working)
            await asyncio.sleep(0.01)
            working -= organization is LARGE
            done.append(name)

    crowd = [asyncio.create_task(turn(LARGE, f"large {n}")) for n in range(20)]
    await asyncio.sleep(0)
    await turn(SMALL, "small")
    assert done.index("small") <= 2
    await asyncio.gather(*crowd)
    assert most == 2
    assert [name for name in done if name != "small"] == [f"large {n}" for n in range(20)]


async def test_who_waits_for_something_outside_lets_others_work() -> None:
    places = Places(1)
    answered = asyncio.Event()

    async def asks_a_model() -> None:
        async with places.of(LARGE) as place, place.left():
            await answered.wait()

    asking = asyncio.create_task(asks_a_model())
    await asyncio.sleep(0)
    async with asyncio.timeout(1), places.of(LARGE):
        answered.set()
    await asking


async def test_between_two_rows_of_a_conversation_another_conversation_has_its_turn() -> None:
    places, order = Places(1), []

    async def drain(name: str, place: Place, rows: int) -> None:
        for row in range(rows):
            order.append(f"{name}{row}")
            await asyncio.sleep(0)
            await place.pass_on()

    async def conversation(name: str) -> None:
        async with places.of(LARGE) as place:
            await drain(name, place, 3)

    await asyncio.gather(conversation("a"), conversation("b"))
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]


@pytest.mark.parametrize("moment", ["while waiting", "while outside"])
async def test_a_turn_that_is_cut_off_gives_its_place_back(moment: str) -> None:
    places = Places(1)

    async def turn() -> None:
        async with places.of(LARGE) as place, place.left():
            await asyncio.sleep(60)

    async with places.of(LARGE):
        cut = asyncio.create_task(turn())
        await asyncio.sleep(0.01)
        if moment == "while waiting":
            cut.cancel()
    await asyncio.sleep(0.01)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    async with asyncio.timeout(1), places.of(LARGE):
        pass
