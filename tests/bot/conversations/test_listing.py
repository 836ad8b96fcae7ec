"""The list: views, search and pages; and the small verbs around a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from bot.conversations import (
    NotValid,
    Page,
    Said,
    View,
    assign,
    canned_replies,
    close,
    conversation,
    conversations,
    counts,
    mark_read,
    mark_unread,
    pulse,
    put_canned_reply,
    put_labels,
    remove_canned_reply,
    take_over,
    write_note,
)
from bot.identity import NotAllowed
from bot.identity.roles import Role
from store.ids import uuid7
from store.tenancy import organization_scope
from tests.bot.conversations.conftest import Room, principal

NAMES = ("Ann Njeri", "Bob Otieno", "Cynthia Achieng", "David 100% Kariuki", "Esther Njeri")


async def listed(room: Room, view: View = View.OPEN, **how: Any) -> Page:
    with organization_scope(room.stage.organization_id):
        return await conversations(view, me=room.wanja.id, keys=room.keys, **how)


async def names(room: Room, view: View = View.OPEN, **how: Any) -> list[str]:
    return [each.name for each in (await listed(room, view, **how)).rows]


@pytest.fixture
async def everybody(room: Room) -> list[Any]:
    found = [room.stage.person(name) for name in NAMES]
    for each in found:
        await each.say("hi")
    return found


async def test_pages_follow_each_other_with_the_latest_first(room: Room, everybody: list[Any]) -> None:
    seen: list[str] = []
    after = None
    for _ in range(3):
        page = await listed(room, limit=2, after=after)
        seen += [each.name for each in page.rows]
        after = page.after
    assert seen == list(reversed(NAMES))
    assert after is None
    await everybody[0].say("hello again")
    top = (await listed(room)).rows[0]
    assert (top.name, top.unread, top.direction) == ("Ann Njeri", 2, "out")


async def test_people_are_found_by_name_masked_and_whole_number(room: Room, everybody: list[Any]) -> None:
    assert await names(room, find="njeri") == ["Esther Njeri", "Ann Njeri"]
    assert await names(room, find="100%") == ["David 100% Kariuki"]
    assert await names(room, find=everybody[1].phone) == ["Bob Otieno"]
    assert await names(room, find=everybody[1].phone[-3:]) == ["Bob Otieno"]
    assert await names(room, find="nobody") == []


async def test_views_hold_what_their_names_say(room: Room, everybody: list[Any]) -> None:
    ann, bob, cynthia, *_ = everybody
    async with room.work() as work:
        await assign(work, room.wanja, ann.session_id, room.wanja.id)
        await mark_read(work, room.wanja, ann.session_id)
        await close(work, room.wanja, bob.session_id)
    await cynthia.say("talk to a person")
    assert await names(room, View.MINE) == ["Ann Njeri"]
    assert await names(room, View.CLOSED) == ["Bob Otieno"]
    assert await names(room, View.WAITING) == ["Cynthia Achieng"]
    assert "Ann Njeri" not in await names(room, View.UNREAD)
    assert "Ann Njeri" not in await names(room, View.UNASSIGNED)
    with organization_scope(room.stage.organization_id):
        found = await counts(room.stage.organization_id, room.wanja.id)
    assert (found.open, found.mine, found.waiting, found.unassigned, found.unread) == (4, 1, 1, 3, 3)
    async with room.work() as work:
        await mark_unread(work, room.wanja, ann.session_id)
    assert "Ann Njeri" in await names(room, View.UNREAD)


async def test_only_those_who_may_give_conversations_to_others(room: Room, everybody: list[Any]) -> None:
    ann = everybody[0]
    async with room.work() as work:
        assert await assign(work, room.otieno, ann.session_id, room.otieno.id)
    with pytest.raises(NotAllowed):
        async with room.work() as work:
            await assign(work, room.otieno, ann.session_id, room.wanja.id)
    with pytest.raises(NotValid, match="belongs to this organization"):
        async with room.work() as work:
            await assign(work, room.wanja, ann.session_id, uuid7())
    async with room.work() as work:
        assert await assign(work, room.wanja, ann.session_id, None)
        assert not await assign(work, room.wanja, ann.session_id, None)


async def test_labels_and_notes_are_kept_audited_and_sealed(room: Room, everybody: list[Any]) -> None:
    ann = everybody[0]
    async with room.work() as work:
        await put_labels(work, room.wanja, ann.session_id, [" vip ", "refund", "vip"])
        await write_note(work, room.wanja, ann.session_id, "pays by cheque")
    with organization_scope(room.stage.organization_id):
        assert (await conversation(ann.session_id, room.keys)).labels == ("vip", "refund")
    [note] = [each for each in (await room.thread(ann.session_id)).items if not isinstance(each, Said)]
    assert (note.kind, note.text, note.author) == ("note", "pays by cheque", "Wanja Kamau")
    [row] = await room.stage.rows("SELECT sealed_body FROM conversation_notes")
    assert b"cheque" not in row["sealed_body"]
    assert not [each for each in ann.heard if "cheque" in each.text]
    for labels in (["x" * 41], [str(number) for number in range(21)]):
        with pytest.raises(NotValid):
            async with room.work() as work:
                await put_labels(work, room.wanja, ann.session_id, labels)
    with pytest.raises(NotValid):
        async with room.work() as work:
            await write_note(work, room.wanja, ann.session_id, "  ")


async def test_a_thread_is_read_page_by_page(room: Room) -> None:
    ann = room.stage.person("Ann Njeri")
    for number in range(5):
        await ann.say(f"question {number}")
    whole = (await room.thread(ann.session_id)).items  # type: ignore[arg-type]
    latest = await room.thread(ann.session_id, limit=4)  # type: ignore[arg-type]
    earlier = await room.thread(ann.session_id, limit=100, before=latest.before)  # type: ignore[arg-type]
    assert [each.id for each in (*earlier.items, *latest.items)] == [each.id for each in whole]
    assert earlier.before is None


async def test_canned_replies_have_names_of_their_own(room: Room) -> None:
    async with room.work() as work:
        await put_canned_reply(work, room.wanja, "/Parking", "Dear {name}, it is free.")
        await put_canned_reply(work, room.wanja, "parking", "{name}, parking is free.")
    with organization_scope(room.stage.organization_id):
        [found] = await canned_replies(room.stage.organization_id)
    assert (found.shortcut, found.for_person("Ann Njeri")) == ("parking", "Ann, parking is free.")
    with pytest.raises(NotValid) as refused:
        async with room.work() as work:
            await put_canned_reply(work, room.wanja, "two words", "text")
    assert refused.value.field == "shortcut"
    async with room.work() as work:
        await remove_canned_reply(work, room.wanja, "parking")
    with organization_scope(room.stage.organization_id):
        assert await canned_replies(room.stage.organization_id) == []


async def test_a_watcher_sees_every_change_by_its_version(room: Room, everybody: list[Any]) -> None:
    ann = everybody[0]

    async def look() -> tuple[int, Any]:
        with organization_scope(room.stage.organization_id):
            found = await pulse(room.stage.organization_id, [ann.session_id])
        return found.versions[ann.session_id], found.prints[ann.session_id]

    version, print_ = await look()
    assert await look() == (version, print_)
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
    taken = await look()
    assert taken[0] > version
    await room.stage.rows("UPDATE messages SET status = 'read' WHERE direction = 'out'")
    read = await look()
    assert (read[0], read[1] != taken[1]) == (taken[0], True)


async def test_an_exhibitor_has_no_inbox(room: Room, everybody: list[Any]) -> None:
    booth = await principal(room.stage, "booth@savanna.example", "Booth", Role.EXHIBITOR_STAFF)
    with pytest.raises(NotAllowed):
        async with room.work() as work:
            await take_over(work, booth, everybody[0].session_id)
