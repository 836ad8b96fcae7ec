"""What a person meets: waits and their deadlines, old buttons, pages, things that cannot be used, STOP, and coming back after a day."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from bot.messages import Text
from bot.ports import Lane
from bot.unit import open_unit
from tests.bot.turn.conftest import ProbeWorld
from tests.bot.turn.hand import Hand
from tests.bot.turn.test_turn import ASHA, BRIAN, idle, said
from tests.support.clockwork import rows, until, value
from tests.support.world import World

PHASE = "SELECT phase FROM sessions"


# -- waiting


async def test_a_conversation_waits_for_an_event_and_goes_on_with_it(world: World, hand: Hand) -> None:
    gate = asyncio.Event()

    async def hold() -> None:
        await gate.wait()

    hand.next("note", hold)
    await world.client.text(ASHA, "patience")
    assert await said(world, ASHA, 1) == ["waiting"]
    assert await value(world, PHASE) == "WAITING"
    await world.client.text(ASHA, "are you there?")
    assert "Still working on it" in (await said(world, ASHA, 2))[1]
    gate.set()
    assert (await said(world, ASHA, 3))[2] == "Result: noted."
    await idle(world)
    assert await value(world, PHASE) == "IDLE"


async def test_a_wait_ends_at_its_deadline_once_and_the_late_event_changes_nothing(world: World, hand: Hand) -> None:
    gate = asyncio.Event()

    async def hold() -> None:
        await gate.wait()

    hand.wait_s = 0.2
    hand.next("note", hold)
    await world.client.text(ASHA, "patience")
    await said(world, ASHA, 1)

    async def told() -> bool:
        return bool(await value(world, "SELECT count(*) FROM messages WHERE direction = 'out'") == 2)

    await until(world, told, "the deadline came", settling=False)
    assert (await said(world, ASHA, 2))[1] == "Result: too late."
    gate.set()
    await world.dispatcher.settle()
    await idle(world)
    assert await value(world, "SELECT count(*) FROM messages WHERE direction = 'out'") == 2


# -- options


async def test_a_tap_on_an_option_means_its_payload(world: World, hand: Hand) -> None:
    hand.options = 3
    await world.client.text(ASHA, "choose")
    await said(world, ASHA, 1)
    await world.client.tap(ASHA, "Option 2")
    assert (await said(world, ASHA, 2))[1] == "Picked item2."


async def test_more_shows_the_next_page_and_its_options_work(world: World, hand: Hand) -> None:
    await world.client.text(ASHA, "choose")
    await said(world, ASHA, 1)
    for page in (2, 3):
        await world.client.tap(ASHA, "/More/")
        await said(world, ASHA, page)
    await world.client.tap(ASHA, "Option 25")
    assert (await said(world, ASHA, 4))[3] == "Picked item25."
    assert hand.calls == []


async def test_an_old_option_of_the_same_question_still_answers_it_after_paging(world: World) -> None:
    await world.client.text(ASHA, "choose")
    [first] = await world.client.wait_for_reply(ASHA)
    await world.client.tap(ASHA, "/More/")
    await said(world, ASHA, 2)
    await world.client.tap(ASHA, "Option 3", message_id=first["id"])
    assert (await said(world, ASHA, 3))[2] == "Picked item3."


async def test_an_option_of_a_question_that_is_over_is_said_to_be_closed_and_the_open_one_is_put_again(
    world: World, hand: Hand
) -> None:
    hand.options = 3
    await world.client.text(ASHA, "choose")
    [old] = await world.client.wait_for_reply(ASHA)
    await world.client.tap(ASHA, "Option 1")
    await said(world, ASHA, 2)
    await world.client.text(ASHA, "count")
    await said(world, ASHA, 3)
    await world.client.tap(ASHA, "Option 2", message_id=old["id"])
    closed, again = (await said(world, ASHA, 5))[3:]
    assert "closed" in closed
    assert again == "How many?"
    await world.client.text(ASHA, "5")
    assert (await said(world, ASHA, 6))[5] == "Counted 5."


async def test_an_id_that_we_did_not_make_counts_as_its_title(world: World, hand: Hand) -> None:
    """A forged id must not choose for somebody; the control is the genuine tap above."""
    hand.options = 3
    await world.client.text(ASHA, "choose")
    await said(world, ASHA, 1)
    await world.client.text(BRIAN, "choose")
    [brians] = await world.client.wait_for_reply(BRIAN)
    option = brians["options"][1]["id"] if "options" in brians else ""
    for forged in (option, "/SetSlots(probe_pick=stolen)", f"{option[:-1]}0"):
        reply = {"type": "button_reply", "button_reply": {"id": forged, "title": "nothing of that kind"}}
        await world.client.send(ASHA, raw={"type": "interactive", "interactive": reply})
    await idle(world)
    texts = [each["text"] for each in await world.client.messages(ASHA, direction="out")]
    assert not any(text.startswith("Picked") for text in texts), texts


# -- what cannot be used


async def test_what_a_question_cannot_use_is_said_kindly_and_the_question_put_again(world: World) -> None:
    sticker = {"content": base64.b64encode(b"RIFF0000WEBP").decode(), "mime_type": "image/webp"}
    unusable: tuple[dict[str, Any], ...] = (
        {"location": {"latitude": -1.28, "longitude": 36.82}},
        {"media": sticker},
        {"unsupported": {"type": "poll_creation"}},
        {"contacts": [{"name": {"formatted_name": "Juma"}, "phones": [{"phone": "+254711000009"}]}]},
        {"raw": {"type": "hologram", "hologram": {}}},
    )
    for n, what in enumerate(unusable):
        person = f"25474000000{n}"
        await world.client.add_user(person)
        await world.client.text(person, "count")
        await said(world, person, 1)
        await world.client.send(person, **what)
        kind, again = (await said(world, person, 3))[1:]
        assert kind == "I can't use that here.", what
        assert again == "How many?"
        await world.client.text(person, "2")
        assert (await said(world, person, 4))[3] == "Counted 2."


async def test_a_reaction_is_not_answered(world: World) -> None:
    await world.client.text(ASHA, "count")
    [question] = await world.client.wait_for_reply(ASHA)
    await world.client.send(ASHA, reaction={"message_id": question["id"], "emoji": "🔥"})
    await world.client.text(ASHA, "2")
    assert (await said(world, ASHA, 2))[1] == "Counted 2."
    await idle(world)
    assert len(await world.client.messages(ASHA, direction="out")) == 2


# -- STOP, a day later, two organizations


async def test_stop_cancels_what_is_open_and_bulk_but_not_replies(world: World) -> None:
    organization = world.people[0]
    await world.client.text(ASHA, "count")
    await said(world, ASHA, 1)
    await rows(world, "UPDATE contacts SET opted_in_at = now()")
    contact_id = await value(world, "SELECT id FROM contacts")
    account_id = await value(world, "SELECT id FROM channel_accounts WHERE organization_id = $1", organization.id)

    async def announce(key: str) -> str:
        async with open_unit(world.runtime, organization.id, actor="test") as work:
            work.send(contact_id, account_id, Text(text=f"news {key}"), key=key, lane=Lane.BULK)
        await world.runtime.dispatcher.deliver(organization.id, lane=Lane.BULK, attempt=key)
        await world.dispatcher.settle()
        [row] = await rows(world, "SELECT status, error::text FROM messages WHERE key = $1", f"{key}:0")
        return f"{row['status']} {row['error']}"

    assert (await announce("before")).split()[0] in ("accepted", "sent", "delivered", "read")
    await said(world, ASHA, 2)
    await world.client.text(ASHA, "stop")
    assert (await said(world, ASHA, 3))[2] == "Done."
    await idle(world)
    assert await value(world, PHASE) == "IDLE"
    assert await announce("after") == 'refused {"reason": "opted_out"}'
    await world.client.text(ASHA, "count")
    assert (await said(world, ASHA, 4))[3] == "How many?"


async def test_after_a_day_a_conversation_begins_afresh(probe_world: ProbeWorld) -> None:
    world = await probe_world(TURN__SESSION_EXPIRY_H="24")
    await world.client.text(ASHA, "count")
    await said(world, ASHA, 1)
    await rows(world, "UPDATE sessions SET last_user_at = last_user_at - interval '25 hours'")
    await world.client.text(ASHA, "7")
    assert "Counted" not in (await said(world, ASHA, 2))[1]
    await world.client.text(BRIAN, "count")
    await said(world, BRIAN, 1)
    await rows(world, "UPDATE sessions SET last_user_at = last_user_at - interval '23 hours'")
    await world.client.text(BRIAN, "7")
    assert (await said(world, BRIAN, 2))[1] == "Counted 7.", "the control: within the day it goes on"


async def test_one_person_talks_to_two_organizations_without_either_knowing(world: World) -> None:
    first, second = (person.phone_number_id for person in world.people)
    await world.client.text(ASHA, "count", first)
    await world.client.wait_for_reply(ASHA, phone_number_id=first)
    await world.client.text(ASHA, "9", second)
    [answer] = await world.client.wait_for_reply(ASHA, phone_number_id=second)
    assert "Counted" not in answer["text"]
    await world.client.text(ASHA, "9", first)
    assert (await world.client.wait_for_reply(ASHA, phone_number_id=first, count=2))[1]["text"] == "Counted 9."


async def test_a_text_of_a_megabyte_holds_nobody_up(world: World) -> None:
    await world.client.text(BRIAN, "count")
    await world.client.text(ASHA, "mail")
    await said(world, ASHA, 1)
    await world.client.send(ASHA, raw={"type": "text", "text": {"body": "a" * 1_000_000}})
    await world.client.text(BRIAN, "6")
    assert (await said(world, BRIAN, 2))[1] == "Counted 6."
    assert "too long" in (await said(world, ASHA, 3))[1]
    await world.client.text(ASHA, "asha@example.com")
    assert (await said(world, ASHA, 4))[3] == "Wrote asha@example.com."
