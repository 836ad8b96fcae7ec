"""A person in place of the bot: it is silent, nothing is lost, and it goes on where it was."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from bot.conversations import (
    CannotSend,
    Noted,
    close,
    conversation,
    give_back,
    mark_unread,
    send,
    take_over,
)
from bot.identity import NotAllowed
from bot.messages import Choices, Option, Template, Text
from bot.policy import Reason
from bot.testing import Stage
from bot.testing.stage import Person
from bot.unit import open_unit
from store.ids import uuid7
from store.tenancy import organization_scope
from tests.bot.conversations.conftest import Room

TOLD = "👋 Wanja Kamau of Savanna Events is with you now and answers in person."
BACK = "🤖 The assistant answers again from here."


async def at_the_language_question(stage: Stage) -> Person:
    ann = stage.person("Ann Njeri")
    await ann.say("language")
    assert ann.heard[-1].options
    return ann


async def test_the_bot_is_silent_the_person_is_told_once_and_the_messages_stand_in_the_inbox(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    async with room.work() as work:
        assert await take_over(work, room.wanja, ann.session_id)
    assert [each.text for each in ann.heard[-1:]] == [TOLD]
    async with room.work() as work:
        assert not await take_over(work, room.wanja, ann.session_id)
    for text in ("English", "events", "what about parking?"):
        assert await ann.say(text) == []
    assert [part for direction, part in await room.said(ann.session_id) if direction == "in"][-3:] == [
        Text(text="English"),
        Text(text="events"),
        Text(text="what about parking?"),
    ]
    assert await room.stage.rows("SELECT id FROM inbox") == []
    [row] = await room.stage.rows("SELECT unread, assignee_id, taken_over_by FROM conversations")
    assert (row["unread"], row["assignee_id"], row["taken_over_by"]) == (4, room.wanja.id, room.wanja.id)


async def test_giving_back_goes_on_with_the_question_that_was_open(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    asked, before = ann.heard[-1], await ann.state()
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
    await ann.say("is somebody there?")
    assert (await ann.state()).stack == before.stack
    heard = len(ann.heard)
    async with room.work() as work:
        assert await give_back(work, room.wanja, ann.session_id)
    assert [each.text for each in ann.heard[heard:]] == [BACK, asked.text]
    assert ann.heard[-1].titles == asked.titles
    [answered, *_] = await ann.tap("English")
    assert "English" in answered.text
    async with room.work() as work:
        assert not await give_back(work, room.wanja, ann.session_id)


async def test_stop_is_obeyed_whoever_answers(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
    [confirmed] = await ann.say("STOP")
    assert "no more messages" in confirmed.text
    assert await room.stage.rows("SELECT 1 FROM contacts WHERE opted_out_at IS NOT NULL")
    assert await ann.say("and now?") == []


async def test_an_outside_event_waits_until_the_bot_answers_again(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
    for _ in range(2):  # the same event, reported twice
        async with room.work() as work:
            work.resume(ann.session_id, "payment", key="p1", slots={})
    rows = await room.stage.rows("SELECT state, key FROM inbox")
    assert [(row["state"], row["key"]) for row in rows] == [("held", "event:payment:p1")]
    async with room.work() as work:
        await give_back(work, room.wanja, ann.session_id)
    assert await room.stage.rows("SELECT 1 FROM inbox") == []


async def test_buttons_of_a_person_come_back_as_what_they_say(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    part = Choices(
        text="Which day suits you?", options=tuple(Option(title=t, payload=t) for t in ("Friday", "Saturday"))
    )
    async with room.work() as work:
        await send(work, room.wanja, ann.session_id, part, key="k1")
    assert [each.text for each in ann.heard[-2:]] == [TOLD, "Which day suits you?"]
    assert ann.heard[-1].titles == ("Friday", "Saturday")
    async with room.work() as work:
        await send(work, room.wanja, ann.session_id, part, key="k1")
    assert len([each for each in ann.heard if each.titles == ("Friday", "Saturday")]) == 1
    assert await ann.tap("Saturday") == []
    [tapped] = [part for direction, part in await room.said(ann.session_id) if direction == "in"][-1:]
    assert getattr(tapped, "title", "") == "Saturday"
    actions = [row["action"] for row in await room.stage.rows("SELECT action FROM audit_entries ORDER BY at, id")]
    assert actions.count("conversation.answered") == 2
    assert "conversation.taken_over" in actions


async def test_after_a_day_free_text_is_refused_with_the_reason_and_a_template_needs_consent(room: Room) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    assert ann.session_id is not None
    await room.a_day_later()
    heard = len(ann.heard)
    with pytest.raises(CannotSend, match="more than 24 hours old") as refused:
        async with room.work() as work:
            await send(work, room.wanja, ann.session_id, Text(text="Still there?"), key="a")
    assert refused.value.reason is Reason.WINDOW_CLOSED
    template = Template(name="hello_again", language="en")
    with pytest.raises(CannotSend, match="nobody recorded"):
        async with room.work() as work:
            await send(work, room.wanja, ann.session_id, template, key="b")
    assert len(ann.heard) == heard
    assert not await room.stage.rows("SELECT 1 FROM conversations WHERE taken_over_at IS NOT NULL")
    await room.stage.rows("UPDATE contacts SET opted_in_at = now()")
    async with room.work() as work:
        await send(work, room.wanja, ann.session_id, template, key="c")
    assert ann.heard[-1].part == template


async def test_a_closed_conversation_opens_with_the_next_message_and_the_bot_answers_it(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
    async with room.work() as work:
        assert await close(work, room.wanja, ann.session_id)
    [row] = await room.stage.rows("SELECT closed_at, taken_over_at, unread FROM conversations")
    assert row["closed_at"] is not None
    assert (row["taken_over_at"], row["unread"]) == (None, 0)
    assert await ann.say("English") != []
    [row] = await room.stage.rows("SELECT closed_at, unread FROM conversations")
    assert (row["closed_at"], row["unread"]) == (None, 1)


async def test_calling_a_person_puts_the_conversation_into_the_queue_with_what_is_known(room: Room) -> None:
    ann = await at_the_language_question(room.stage)
    assert ann.session_id is not None
    await ann.say("talk to a person")
    with organization_scope(room.stage.organization_id):
        found = await conversation(ann.session_id, room.keys)
    assert found.waiting_at is not None
    assert found.summary is not None
    assert (found.summary.reason, found.summary.flows, found.summary.said) == (
        "asked",
        ("language",),
        "talk to a person",
    )
    assert found.summary.understood == ("HandOff",)
    kinds = [each.kind for each in (await room.thread(ann.session_id)).items if isinstance(each, Noted)]
    assert kinds == ["called"]
    async with room.work() as work:
        await take_over(work, room.wanja, ann.session_id)
    [row] = await room.stage.rows("SELECT waiting_at FROM conversations")
    assert row["waiting_at"] is None
    assert b"talk to a person" not in (await room.stage.rows("SELECT sealed_summary FROM conversations"))[0][0]


async def test_another_organization_finds_and_changes_nothing(room: Room) -> None:
    from bot.conversations import NoConversation, View, conversations, thread
    from bot.testing.stage import found_organization
    from store.crypto import keyring

    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    assert ann.session_id is not None
    other_id, _ = await found_organization("Pwani", "sw", ("assistant",))
    keys = await keyring().keys(other_id)
    with organization_scope(other_id):
        assert (await conversations(View.OPEN, me=uuid4(), keys=keys)).rows == []
        assert (await thread(ann.session_id, keys)).items == []
        with pytest.raises(NoConversation):
            await conversation(ann.session_id, keys)
    for verb in (take_over, give_back, close, mark_unread):
        with pytest.raises(NoConversation):
            async with open_unit(room.stage.runtime, other_id, actor="test") as work:
                await verb(work, room.wanja, ann.session_id)
    with pytest.raises(NoConversation):
        async with open_unit(room.stage.runtime, other_id, actor="test") as work:
            await send(work, room.wanja, ann.session_id, Text(text="hello"), key=uuid7().hex)
    [row] = await room.stage.rows("SELECT taken_over_at, closed_at FROM conversations")
    assert (row["taken_over_at"], row["closed_at"]) == (None, None)


async def test_who_may_not_reply_does_not(room: Room) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    assert ann.session_id is not None
    viewer = room.otieno.allowed(room.otieno.permissions - {"inbox.reply"})
    for verb in (take_over, give_back, close, mark_unread):
        with pytest.raises(NotAllowed):
            async with room.work() as work:
                await verb(work, viewer, ann.session_id)
    await room.stage.move(timedelta(minutes=1))
