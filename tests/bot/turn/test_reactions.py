"""A reaction belongs to the message that it is on: joined in the rows, also when it comes first, and an answer only on the question itself."""

from __future__ import annotations

from typing import Any

from tests.bot.turn.test_turn import ASHA, idle, said
from tests.support.clockwork import rows, until, value
from tests.support.world import World

JOINED = (
    "SELECT t.id, t.direction FROM messages r LEFT JOIN messages t ON t.organization_id = r.organization_id"
    " AND t.account_id = r.account_id AND t.external_id = r.reply_to WHERE r.type = 'reaction'"
)


async def question(world: World) -> Any:
    await world.client.text(ASHA, "sure")
    [asked] = await world.client.wait_for_reply(ASHA)
    return asked


async def thumb(world: World, message: Any) -> None:
    await world.client.send(ASHA, reaction={"message_id": message["id"], "emoji": "👍"})


async def test_a_thumb_on_the_question_answers_it_and_is_joined_to_it(world: World) -> None:
    await thumb(world, await question(world))
    assert (await said(world, ASHA, 2))[1].lower() == "sure: true."
    [row] = await rows(world, JOINED)
    assert row["direction"] == "out"


async def test_a_thumb_on_an_older_message_answers_nothing(world: World) -> None:
    await world.client.text(ASHA, "count")
    [old] = await world.client.wait_for_reply(ASHA)
    await world.client.text(ASHA, "2")
    await said(world, ASHA, 2)
    await world.client.text(ASHA, "sure")
    await said(world, ASHA, 3)
    await thumb(world, old)
    await idle(world)
    assert len(await said(world, ASHA, 3)) == 3
    [row] = await rows(world, JOINED)
    assert row["direction"] == "out", "it is kept and joined all the same"
    await world.client.text(ASHA, "yes")
    assert (await said(world, ASHA, 4))[3].lower() == "sure: true."


async def test_a_reaction_that_comes_before_its_message_is_joined_when_that_comes(world: World) -> None:
    await world.client.set_fault("early", next_n=1, params={"kind": "reaction", "after_s": 0.5})
    await world.client.text(ASHA, "count")

    async def is_here() -> bool:
        return bool(await value(world, "SELECT count(*) FROM messages WHERE type = 'reaction'"))

    await until(world, is_here, "the reaction came")
    [early] = await rows(world, JOINED)
    await said(world, ASHA, 1)
    [later] = await rows(world, JOINED)
    assert (early["id"], later["direction"]) == (None, "in")


async def test_a_thumb_on_a_question_whose_fate_is_unknown_waits_until_it_is_known(world: World) -> None:
    """The send ended in a reset, so nobody knows the question's id before its status is applied."""
    await world.client.set_fault("accept_then_reset", next_n=1)
    asked = await question(world)
    await thumb(world, asked)
    await world.client.wait_until_idle(20)
    await world.dispatcher.settle()
    assert await value(world, "SELECT attempts FROM inbox") == 1, "it waits"
    assert (await said(world, ASHA, 2))[1].lower() == "sure: true."
    await idle(world)
    assert await value(world, "SELECT count(*) FROM inbox") == 0
