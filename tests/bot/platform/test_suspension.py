"""A suspended organization: nobody gets in, the bot says one kind sentence, and nothing that came in is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Refused
from bot.identity import NotAllowed, Principal
from bot.identity.access import principal_of_session, sign_in
from bot.identity.api_keys import create_key, principal_of_key
from bot.identity.errors import NotPossible, OrganizationSuspended
from bot.messages import Text
from bot.platform import resume, resume_due, suspend
from bot.ports import Lane
from bot.testing.people import enrol
from store import platform
from store.jsonb import from_jsonb
from tests.bot.conversations.conftest import Room

WHY = "Reports of spam from this number"
SAYS = {"en": "We are away for a while and read you later.", "sw": "Hatupo kwa muda, tutakusoma baadaye."}


async def stop(room: Room, root: Principal, **more: Any) -> None:
    given = {"reason": WHY, "says": SAYS, **more}
    await suspend(room.stage.runtime, root, room.stage.organization_id, **given)


async def audited(room: Room) -> list[Any]:
    rows = await room.stage.rows(
        "SELECT actor, action, before, after FROM audit_entries WHERE action LIKE 'organization.%' ORDER BY at"
    )
    return [dict(row) for row in rows]


async def test_the_bot_says_one_kind_sentence_and_answers_again_afterwards(room: Room, root: Principal) -> None:
    ann, zuri = room.stage.person("Ann Njeri"), room.stage.person("Zuri")
    await ann.say("language")
    await zuri.say("hi")
    await stop(room, root)
    assert [each.text for each in await ann.say("English")] == [SAYS["en"]]
    assert await ann.say("are you there?") == []
    assert [each.text for each in await zuri.say("habari")] in ([SAYS["en"]], [SAYS["sw"]])
    assert ann.session_id is not None
    came_in = [part for direction, part in await room.said(ann.session_id) if direction == "in"]
    assert came_in[-2:] == [Text(text="English"), Text(text="are you there?")]
    [row] = await room.stage.rows("SELECT unread FROM conversations WHERE id = $1", ann.session_id)
    assert row["unread"] == 3
    assert await resume(room.stage.runtime, root, room.stage.organization_id, note="Talked to the owner")
    assert await ann.say("English") != []
    assert not await resume(room.stage.runtime, root, room.stage.organization_id)


async def test_without_a_sentence_it_is_silent_and_stop_is_obeyed_all_the_same(room: Room, root: Principal) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    await stop(room, root, says=None)
    assert await ann.say("hi") == []
    assert await ann.say("STOP") != []
    [row] = await room.stage.rows("SELECT opted_out_at FROM contacts WHERE name = 'Ann Njeri'")
    assert row["opted_out_at"] is not None


async def test_outside_events_wait_and_go_on(room: Room, root: Principal) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    assert ann.session_id is not None
    await stop(room, root, says=None)
    async with room.work() as work:
        work.resume(ann.session_id, "events.paid", key="order-1")
    [row] = await room.stage.rows("SELECT state, payload FROM inbox")
    assert (row["state"], from_jsonb(row["payload"])["event"]) == ("held", "events.paid")
    await resume(room.stage.runtime, root, room.stage.organization_id)
    await room.stage.settle()
    assert await room.stage.rows("SELECT id FROM inbox") == []


async def test_what_the_organization_starts_waits_in_the_outbox(room: Room, root: Principal) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    await room.stage.rows("UPDATE contacts SET opted_in_at = now() RETURNING id")
    [row] = await room.stage.rows("SELECT contact_id, account_id FROM sessions")
    await stop(room, root)
    before = len(ann.heard)
    async with room.work() as work:
        work.send(row["contact_id"], row["account_id"], Text(text="News!"), key="news:1", lane=Lane.BULK)
    assert len(ann.heard) == before
    assert [each["state"] for each in await room.stage.rows("SELECT state FROM outbox")] == ["ready"]
    await resume(room.stage.runtime, root, room.stage.organization_id)
    await room.stage.settle()
    assert [each.text for each in ann.heard[before:]] == ["News!"]


async def test_signing_in_and_keys_are_refused_with_the_reason(room: Room, root: Principal) -> None:
    stage, password = room.stage, "giraffe under seven clouds"
    await enrol(stage.runtime, stage.organization_id, "jane@savanna.example", "owner", password=password)
    signed_in = await sign_in(stage.runtime, "jane@savanna.example", password, ip="203.0.113.9", user_agent="x")
    jane = await principal_of_session(stage.runtime, signed_in.session_id, stage.organization_id)
    made = await create_key(stage.runtime, jane, name="crm", scopes=["contacts.view"])
    until = stage.clock.now() + timedelta(days=2)
    await stop(room, root, until=until)
    with pytest.raises(OrganizationSuspended, match=WHY) as refused:
        await principal_of_session(stage.runtime, signed_in.session_id, stage.organization_id)
    assert f"{until:%d %b %Y}" in str(refused.value)
    with pytest.raises(OrganizationSuspended, match=WHY):
        await principal_of_key(stage.runtime, made.secret, ip="203.0.113.9")
    with pytest.raises(NotAllowed):
        await resume(stage.runtime, jane, stage.organization_id)
    await resume(stage.runtime, root, stage.organization_id)
    await principal_of_session(stage.runtime, signed_in.session_id, stage.organization_id)


async def test_who_why_and_until_when_are_in_the_audit_and_the_clock_ends_it(room: Room, root: Principal) -> None:
    stage = room.stage
    until = stage.clock.now() + timedelta(hours=2)
    await stop(room, root, until=until)
    assert await resume_due(stage.runtime) == 0
    stage.clock.move(timedelta(hours=3))
    assert await resume_due(stage.runtime) == 1
    first, last = await audited(room)
    assert (first["actor"], first["action"]) == (f"user:{root.id}", "organization.suspended")
    told = from_jsonb(first["after"])
    assert (told["reason"], told["until"]) == (WHY, until.isoformat())
    assert (last["actor"], last["action"]) == ("clock", "organization.resumed")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"reason": "no"}, "reason"), ({"until": "yesterday"}, "until"), ({"says": {"en": "x" * 601}}, "says")],
)
async def test_what_is_wrong_names_its_field(room: Room, root: Principal, wrong: dict[str, Any], field: str) -> None:
    if "until" in wrong:
        wrong = {"until": room.stage.clock.now() - timedelta(days=1)}
    with pytest.raises(NotPossible) as refused:
        await stop(room, root, **wrong)
    assert refused.value.field == field
    with pytest.raises(Refused):
        await suspend(room.stage.runtime, room.wanja, room.stage.organization_id, reason=WHY)


async def test_organizations_are_listed_with_what_they_use(room: Room, root: Principal) -> None:
    from bot.testing.stage import found_organization

    other_id, _ = await found_organization("Pwani 100% Makers", "sw", ("assistant",))
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    await room.stage.rows(
        "INSERT INTO usage_facts (id, organization_id, at, kind, purpose, model, attempt, outcome, tokens_in, tokens_out, is_estimated, size_bytes, ms)"
        " VALUES (gen_random_uuid(), $1, $2, 'chat', 'x', 'm', 1, 'ok', 100, 20, false, 0, 1) RETURNING id",
        room.stage.organization_id,
        room.stage.clock.now(),
    )
    now = room.stage.clock.now()
    for sort in ("today", "month", "tokens"):
        found, total = await platform.organizations(now, sort=sort)
        assert (total, [each.name for each in found]) == (2, ["Savanna Events", "Pwani 100% Makers"])
    used = found[0].month
    assert (used.conversations, used.tokens) == (1, 120)
    assert used.messages == len(await room.stage.rows("SELECT id FROM messages"))
    assert found[0].today == used
    assert [each.name for each in (await platform.organizations(now, find="100%"))[0]] == ["Pwani 100% Makers"]
    page, total = await platform.organizations(now, sort="name", descending=False, limit=1, offset=1)
    assert (total, page[0].name) == (2, "Savanna Events")
    await suspend(room.stage.runtime, root, other_id, reason=WHY)
    assert [each.id for each in (await platform.organizations(now, state="suspended"))[0]] == [other_id]
    looked = await platform.organization(room.stage.organization_id, now)
    assert looked is not None
    assert {each.email for each in looked.members} == {"wanja@savanna.example", "otieno@savanna.example"}
