"""Who is told of what: in the bell, by e-mail, or not at all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bot.conversations import assign, take_over
from bot.identity.roles import Role
from bot.notifications import notify
from bot.testing.people import enrol
from bot.unit import open_unit
from store import people
from store.notifications import Board, Notice
from store.tenancy import organization_scope
from tests.bot.conversations.conftest import Room


async def told(room: Room, user_id: UUID, organization_id: UUID | None = None) -> list[Notice]:
    return list(await Board(organization_id or room.stage.organization_id).latest(user_id))


def letters(room: Room) -> list[Any]:
    return list(room.stage.runtime.notifier.letters)  # type: ignore[attr-defined]


async def test_who_is_given_a_conversation_is_told_and_who_takes_it_is_not(room: Room) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    assert ann.session_id is not None
    async with room.work() as work:
        await assign(work, room.wanja, ann.session_id, room.otieno.id)
    [notice] = await told(room, room.otieno.id)
    assert notice.kind == "conversation.assigned"
    assert notice.subject["en"] == "Wanja Kamau gave you the conversation with Ann Njeri"  # type: ignore[index]
    assert notice.link == f"/inbox?c={ann.session_id}"
    async with room.work() as work:
        await assign(work, room.wanja, ann.session_id, room.wanja.id)
    assert await told(room, room.wanja.id) == []


async def test_a_call_for_a_person_is_told_to_all_who_answer_or_to_whose_conversation_it_is(room: Room) -> None:
    viewer = await enrol(room.stage.runtime, room.stage.organization_id, "v@savanna.example", Role.VIEWER)
    ann, bob = room.stage.person("Ann Njeri"), room.stage.person("Bob")
    await ann.say("agent")
    for who in (room.wanja, room.otieno):
        [notice] = await told(room, who.id)
        assert (notice.kind, notice.times) == ("conversation.waiting", 1)
        assert notice.subject["sw"] == "Ann Njeri anataka kuzungumza na mtu"  # type: ignore[index]
    assert await told(room, viewer) == []
    await bob.say("hi")
    assert bob.session_id is not None
    async with room.work() as work:
        await assign(work, room.wanja, bob.session_id, room.otieno.id)
    await bob.say("agent")
    assert [each.kind for each in await told(room, room.otieno.id)][:2].count("conversation.waiting") == 1
    assert len(await told(room, room.wanja.id)) == 1


async def test_the_same_again_stands_once_until_it_is_read(room: Room) -> None:
    async def ring() -> None:
        async with room.work() as work:
            await notify(
                work, "failing", "The endpoint is away", "/webhooks", permission="webhooks.manage", key="endpoint:1"
            )

    await ring()
    await ring()
    board = Board(room.stage.organization_id)
    [notice] = await told(room, room.wanja.id)
    assert (notice.times, (await board.tallies([room.wanja.id]))[room.wanja.id].unread) == (2, 1)
    assert await board.mark_read(room.otieno.id, notice.id, room.stage.clock.now()) == 0  # another's
    assert await board.mark_read(room.wanja.id, notice.id, room.stage.clock.now()) == 1
    await ring()
    assert [each.times for each in await told(room, room.wanja.id)] == [1, 2]


async def test_everybody_chooses_bell_letter_or_neither(room: Room) -> None:
    await people.put_notify_by(room.wanja.id, {"failing": ["email"]})
    await people.put_notify_by(room.otieno.id, {"failing": []})
    subject = {"en": "The endpoint\nis away", "sw": "Kiungo hakijibu"}
    for who in (room.wanja, room.otieno):
        async with room.work() as work:
            await notify(work, "failing", subject, "/webhooks", user_id=who.id)
        assert await told(room, who.id) == []
    [letter] = letters(room)
    assert (letter.to, letter.subject) == ("wanja@savanna.example", "Savanna Events: The endpoint is away")
    assert "http://127.0.0.1:3000/webhooks" in letter.text


async def test_what_is_rolled_back_is_told_to_nobody(room: Room) -> None:
    try:
        async with open_unit(room.stage.runtime, room.stage.organization_id, actor="user:x") as work:
            await notify(work, "failing", "The endpoint is away", "/webhooks", permission="webhooks.manage")
            raise LookupError
    except LookupError:
        pass
    await room.stage.settle()
    assert await told(room, room.wanja.id) == []
    assert letters(room) == []


async def test_one_organization_sees_nothing_of_anothers(room: Room) -> None:
    from bot.testing.stage import found_organization

    other_id, _ = await found_organization("Pwani Makers", "sw", ("assistant",))
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    assert ann.session_id is not None
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
        await assign(work, room.wanja, ann.session_id, room.otieno.id)
    assert await told(room, room.otieno.id, other_id) == []
    with organization_scope(other_id):
        from store.db import fetch

        assert await fetch("SELECT id FROM notifications") == []


async def test_who_brought_a_file_is_told_what_became_of_it(room: Room) -> None:
    from bot.contacts.importing.draft import start, upload
    from tests.bot.contacts.book import guests

    bad = {3: ({"Phone": "0712"}, "Phone", "too few digits")}
    async with room.work() as work:
        view = await upload(work, guests(5, bad), "guests.csv", country="KE")
        await start(work, room.wanja, view.id, view.plan, country="KE")
    [notice] = await told(room, room.wanja.id)
    assert notice.subject["en"] == "guests.csv: 4 contacts imported, 1 rows left out"  # type: ignore[index]
    assert notice.link == f"/contacts/import/{view.id}"
    assert await told(room, room.otieno.id) == []
