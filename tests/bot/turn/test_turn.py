"""One turn: what it says, writes and charges, together and once."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.errors import Permanent, Retryable, UserFacing
from tests.bot.turn.conftest import ProbeWorld
from tests.bot.turn.hand import Hand
from tests.support.clockwork import rows, tick, until, value
from tests.support.world import World

ASHA, BRIAN = "254711000001", "254711000002"


async def said(world: World, person: str, count: int) -> list[str]:
    """What the person has been told, once there is so much of it. The relay works meanwhile, the sweep does not."""

    async def told() -> list[str]:
        texts = [each["text"] for each in await world.client.messages(person, direction="out") if each["visible_at"]]
        return texts if len(texts) >= count else []

    found: list[str] = await until(world, told, f"{count} messages for {person}", settling=False, sweeping=False)
    return found


async def idle(world: World) -> None:
    async def done() -> Any:
        return await value(world, "SELECT count(*) FROM inbox WHERE state = 'ready'") == 0

    await until(world, done, "all inbox rows handled")


async def charges(world: World) -> int:
    found: int = await value(world, "SELECT count(*) FROM charges WHERE meter = 'probe.step'")
    return found


async def test_segments_say_charge_and_enqueue_once(world: World, hand: Hand) -> None:
    await world.client.text(ASHA, "segments")
    assert await said(world, ASHA, 3) == ["before", "called for segments", "after"]
    await idle(world)
    await world.dispatcher.settle()
    assert sorted(hand.calls) == ["note", "probe_after", "probe_before", "probe_call"]
    assert await charges(world) == 2
    assert await value(world, "SELECT count(*) FROM jobs WHERE name = 'probe.note'") == 1
    assert await value(world, "SELECT count(*) FROM audit_entries WHERE action = 'probe.before'") == 1


async def test_an_action_that_raises_leaves_no_trace_but_a_kind_sentence_and_can_be_tried_again(
    world: World, hand: Hand
) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug in a skill")

    hand.next("probe_risk", fail)
    await world.client.text(ASHA, "risky")
    await said(world, ASHA, 1)
    await world.client.text(ASHA, "7")
    question, kind = await said(world, ASHA, 2)
    assert question == "How many?"
    assert "something went wrong on our side" in kind
    assert await charges(world) == 0
    assert await value(world, "SELECT count(*) FROM inbox") == 0

    await world.client.tap(ASHA, "Try again")
    assert (await said(world, ASHA, 4))[2:] == ["tried", "Counted 7."]
    assert await charges(world) == 1


async def test_an_online_action_that_raises_is_told_kindly_too(world: World, hand: Hand) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug in a skill")

    hand.next("probe_call", fail)
    await world.client.text(ASHA, "segments")
    before, kind = await said(world, ASHA, 2)
    assert before == "before"
    assert "something went wrong on our side" in kind
    await world.client.tap(ASHA, "Try again")
    assert (await said(world, ASHA, 4))[3] == "after"
    assert await charges(world) == 2
    assert hand.calls.count("probe_before") == 1


async def test_what_is_user_facing_is_said_and_the_turn_goes_on(world: World, hand: Hand) -> None:
    async def refuse() -> None:
        raise UserFacing("utter_probe_sold_out", what="Gold")

    hand.next("probe_risk", refuse)
    await world.client.text(ASHA, "risky")
    await said(world, ASHA, 1)
    await world.client.text(ASHA, "3")
    assert (await said(world, ASHA, 3))[1:] == ["Sold out: Gold.", "Counted 3."]
    assert await charges(world) == 0, "what the action did before it refused is rolled back"

    hand.next("probe_call", refuse)
    await world.client.text(ASHA, "segments")
    assert (await said(world, ASHA, 6))[3:] == ["before", "Sold out: Gold.", "after"]


async def test_a_permanent_error_of_an_action_is_told_and_not_tried_again(world: World, hand: Hand) -> None:
    async def give_up() -> None:
        raise Permanent("gone for good")

    hand.next("probe_before", give_up)
    await world.client.text(ASHA, "segments")
    assert "something went wrong" in (await said(world, ASHA, 1))[0]
    await idle(world)
    assert hand.calls == ["probe_before"]


async def test_what_is_retryable_keeps_its_place_before_later_messages(world: World, hand: Hand) -> None:
    async def away() -> None:
        raise Retryable("the world is away", after_s=0.05)

    await world.client.text(ASHA, "echo")
    await said(world, ASHA, 1)
    hand.next("probe_answer", away, away)
    await world.client.text(ASHA, "n-1")
    await world.client.text(ASHA, "n-2")
    await said(world, ASHA, 5)
    texts = [text for text in await said(world, ASHA, 5) if text.startswith("ack")]
    assert texts == ["ack n-1", "ack n-2"]
    assert hand.calls == ["probe_answer"] * 4


async def test_a_row_that_never_succeeds_is_dead_with_its_reason_and_the_next_ones_go_on(
    world: World, hand: Hand
) -> None:
    async def away() -> None:
        raise Retryable("the world is away for good", after_s=0.02)

    await world.client.text(ASHA, "echo")
    await said(world, ASHA, 1)
    hand.next("probe_answer", *[away] * 5)
    await world.client.text(ASHA, "n-1")

    async def dead() -> bool:
        return bool(await value(world, "SELECT count(*) FROM inbox WHERE state = 'dead'"))

    await until(world, dead)
    [row] = await rows(world, "SELECT attempts, last_error FROM inbox")
    assert tuple(row) == (5, "the world is away for good")
    await world.client.text(ASHA, "n-2")
    assert "ack n-2" in await said(world, ASHA, 3)
    await tick(world)
    assert len([call for call in hand.calls if call == "probe_answer"]) == 6


async def test_a_message_behind_a_poisonous_one_does_not_wait_for_the_sweep(world: World, hand: Hand) -> None:
    async def poison() -> None:
        await world.client.text(ASHA, "count")  # comes while the first is handled

        async def arrived() -> Any:
            return await value(world, "SELECT count(*) FROM inbox WHERE kind = 'message'") == 2

        await until(world, arrived, ticking=False)
        raise Retryable("poison", after_s=0.02)

    async def again() -> None:
        raise Retryable("poison", after_s=0.02)

    hand.next("probe_call", poison, *[again] * 4)
    await world.client.text(ASHA, "segments")
    texts = await said(world, ASHA, 3)
    assert texts[0] == "before"
    assert "something went wrong" in texts[1]
    assert texts[2] == "How many?"
    assert await value(world, "SELECT last_error FROM inbox WHERE state = 'dead'") == "poison"


async def test_a_conversation_whose_begun_row_died_answers_the_next_message(world: World, hand: Hand) -> None:
    """The pending action of the dead row must not swallow the message."""

    async def away() -> None:
        raise Retryable("away", after_s=0.02)

    hand.next("probe_call", *[away] * 5)
    await world.client.text(ASHA, "segments")

    async def dead() -> bool:
        return bool(await value(world, "SELECT count(*) FROM inbox WHERE state = 'dead'"))

    await until(world, dead)
    world.dispatcher.lost = True
    await world.client.text(ASHA, "count")
    await until(world, lambda: value(world, "SELECT count(*) FROM inbox WHERE state = 'ready'"), ticking=False)
    # Its own first try failed before it committed anything: that does not make the action its own.
    await rows(world, "UPDATE inbox SET attempts = 1 WHERE state = 'ready'")
    world.dispatcher.lost = False
    await idle(world)
    texts = await said(world, ASHA, 3)
    assert texts[-1] == "How many?"
    await world.client.text(ASHA, "4")
    assert "Counted 4." in await said(world, ASHA, 4)


async def test_a_row_that_was_begun_goes_on_before_one_that_says_it_is_older(world: World, hand: Hand) -> None:
    async def away() -> None:
        await rows(world, "UPDATE inbox SET provider_at = provider_at + interval '1 hour'")
        await world.client.text(ASHA, "count")
        raise Retryable("away", after_s=0.05)

    hand.next("probe_call", away)
    await world.client.text(ASHA, "segments")
    assert (await said(world, ASHA, 4)) == ["before", "called for segments", "after", "How many?"]


async def test_a_worker_without_a_lease_changes_nothing_any_more(probe_world: ProbeWorld, hand: Hand) -> None:
    world = await probe_world(TURN__LEASE_S="0.6", TURN__RENEW_S="60")
    gate, held = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        held.set()
        await gate.wait()

    hand.next("probe_call", hang)
    await world.client.text(ASHA, "segments")
    await asyncio.wait_for(held.wait(), 20)

    async def over() -> bool:
        await world.runtime.dispatcher.hint(
            world.people[0].id, await value(world, "SELECT id FROM sessions"), attempt="again"
        )
        return hand.calls.count("probe_after") == 1

    await until(world, over, "another worker has done it", ticking=False)
    gate.set()  # the first worker wakes up and commits, too late
    await world.dispatcher.settle()
    assert await said(world, ASHA, 3) == ["before", "called for segments", "after"]
    await idle(world)
    await tick(world)
    assert await value(world, "SELECT count(*) FROM messages WHERE direction = 'out'") == 3
    assert await charges(world) == 2
    assert hand.calls.count("probe_call") == 2, "the control: both workers were at it"


async def test_a_lease_that_is_over_harms_nobody_while_nobody_else_took_the_conversation(
    probe_world: ProbeWorld, hand: Hand
) -> None:
    world = await probe_world(TURN__LEASE_S="0.3", TURN__RENEW_S="60")

    async def take_long() -> None:
        await asyncio.sleep(0.6)

    hand.next("probe_call", take_long)
    await world.client.text(ASHA, "segments")
    assert await said(world, ASHA, 3) == ["before", "called for segments", "after"]
    assert hand.calls.count("probe_call") == 1


async def test_a_lease_is_renewed_while_an_action_takes_long(probe_world: ProbeWorld, hand: Hand) -> None:
    world = await probe_world(TURN__LEASE_S="4", TURN__RENEW_S="0.1")
    gate, held = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        held.set()
        await gate.wait()

    hand.next("probe_call", hang)
    await world.client.text(ASHA, "segments")
    await asyncio.wait_for(held.wait(), 20)
    first = await value(world, "SELECT lease_until FROM sessions")

    async def renewed() -> bool:
        return bool(
            await value(world, "SELECT lease_until > $1::timestamptz + interval '0.3 seconds' FROM sessions", first)
        )

    await until(world, renewed, "renewed more than once", ticking=False)
    gate.set()
    assert await said(world, ASHA, 3) == ["before", "called for segments", "after"]
    assert hand.calls.count("probe_call") == 1


async def test_a_message_whose_hint_is_lost_is_found_by_the_sweep(world: World) -> None:
    world.dispatcher.lost = True
    await world.client.text(ASHA, "count")
    await world.client.wait_until_idle(20)
    await world.dispatcher.settle()
    assert await value(world, "SELECT count(*) FROM inbox") == 1, "the control: nobody was told"
    world.dispatcher.lost = False
    await idle(world)
    assert await said(world, ASHA, 1) == ["How many?"]
