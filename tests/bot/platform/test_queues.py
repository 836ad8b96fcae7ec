"""What the queues gave up: seen with why, tried again or dropped, and in the organization's audit log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from bot.identity import NotAllowed, Principal
from bot.messages import Text
from bot.platform import drop, try_again, try_all_again
from bot.ports import Lane
from store import platform
from tests.bot.conversations.conftest import Room

_DIE = "UPDATE {} SET state = 'dead', attempts = 5, last_error = '{}' RETURNING id"


async def a_dead_job(room: Room) -> UUID:
    from bot.notifications import MailNotification

    async with room.work() as work:
        room.stage.hold_jobs = True
        work.enqueue(MailNotification(user_id=room.wanja.id, subject="Hello", link="/"))
    [row] = await room.stage.rows(_DIE.format("jobs", "the mail server is away"))
    room.stage.hold_jobs = False
    found: UUID = row["id"]
    return found


async def audited(room: Room) -> list[tuple[str, str, str]]:
    rows = await room.stage.rows(
        "SELECT actor, action, subject FROM audit_entries WHERE action LIKE 'queue.%' ORDER BY at"
    )
    return [(row["actor"], row["action"], row["subject"]) for row in rows]


async def test_a_dead_job_is_seen_with_why_and_done_after_another_try(room: Room, root: Principal) -> None:
    job_id = await a_dead_job(room)
    [found], total = await platform.dead_rows()
    assert (total, found.queue, found.id, found.organization) == (1, "jobs", job_id, "Savanna Events")
    assert (found.what, found.attempts, found.error) == ("core.mail_notification", 5, "the mail server is away")
    assert {each.queue: each.dead for each in await platform.depths()} == {"inbox": 0, "outbox": 0, "jobs": 1}
    assert (await platform.dead_rows(queue="outbox"))[1] == (await platform.dead_rows(find="of no such kind"))[1] == 0
    with pytest.raises(NotAllowed):
        await try_again(room.stage.runtime, room.wanja, "jobs", job_id)
    assert await try_again(room.stage.runtime, root, "jobs", job_id)
    assert not await try_again(room.stage.runtime, root, "jobs", job_id)
    await room.stage.settle()
    [row] = await room.stage.rows("SELECT state FROM jobs WHERE id = $1", job_id)
    assert row["state"] == "done"
    assert await audited(room) == [(f"user:{root.id}", "queue.retried", f"jobs:{job_id}")]


async def test_a_dead_message_goes_out_after_another_try(room: Room, root: Principal) -> None:
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    [row] = await room.stage.rows("SELECT contact_id, account_id FROM sessions")
    await room.stage.rows("UPDATE organizations SET suspended_at = now() RETURNING id")  # so that it waits
    await room.stage.rows("UPDATE contacts SET opted_in_at = now() RETURNING id")
    async with room.work() as work:
        work.send(row["contact_id"], row["account_id"], Text(text="News!"), key="news:1", lane=Lane.BULK)
    await room.stage.rows("UPDATE organizations SET suspended_at = NULL RETURNING id")
    [dead] = await room.stage.rows(_DIE.format("outbox", "unknown error"))
    await room.stage.rows(
        "UPDATE messages SET status = 'failed', failed_at = now() WHERE key LIKE 'news:1%' RETURNING id"
    )
    heard = len(ann.heard)
    assert await try_all_again(room.stage.runtime, root, queue="outbox") == 1
    await room.stage.settle()
    assert [each.text for each in ann.heard[heard:]] == ["News!"]
    [message] = await room.stage.rows("SELECT status FROM messages WHERE key LIKE 'news:1%'")
    assert message["status"] == "accepted"
    assert await audited(room) == [(f"user:{root.id}", "queue.retried", f"outbox:{dead['id']}")]


async def test_what_is_dropped_is_gone_and_a_message_stays_in_its_conversation(room: Room, root: Principal) -> None:
    job_id = await a_dead_job(room)
    ann = room.stage.person("Ann Njeri")
    await ann.say("hi")
    await room.stage.rows(
        "INSERT INTO inbox (id, organization_id, session_id, message_id, kind, provider_at, state, attempts, next_attempt_at, last_error)"
        " SELECT cn_uuid7(), organization_id, session_id, id, 'message', now(), 'dead', 5, now(), 'ValueError' FROM messages"
        " WHERE direction = 'in' LIMIT 1 RETURNING id"
    )
    for each in (await platform.dead_rows())[0]:
        assert await drop(room.stage.runtime, root, each.queue, each.id)
    assert (await platform.dead_rows())[1] == 0
    [job] = await room.stage.rows("SELECT state FROM jobs WHERE id = $1", job_id)
    assert job["state"] == "done"
    [said] = await room.stage.rows("SELECT count(*) FROM messages WHERE direction = 'in'")
    assert said["count"] == 1
    assert {action for _, action, _ in await audited(room)} == {"queue.dropped"}


async def test_incidents_open_are_told_looked_after_and_end(room: Room, root: Principal, tmp_path: Any) -> None:
    from datetime import timedelta

    from bot.platform import acknowledge, resolve, write_note
    from bot.platform.incidents import Lasting, observe, title_of
    from store.notifications import Board
    from store.platform import Finding

    runtime, clock = room.stage.runtime, room.stage.clock
    dead = Finding("dead", "dead:jobs", "warning", {"queue": "jobs", "rows": 3})
    assert Lasting({"dead": 60}).through([dead]) == []
    assert Lasting({}).through([dead]) == [dead]
    [opened] = await observe(runtime, [dead])
    assert await observe(runtime, [Finding("dead", "dead:jobs", "warning", {"queue": "jobs", "rows": 4})]) == []
    [notice] = await Board(None).latest(root.id)
    assert notice.subject["en"] == "3 rows of jobs were given up"  # type: ignore[index]
    assert notice.link == f"/platform/incidents/{opened.id}"
    assert [each.to for each in runtime.notifier.letters] == ["root@chatnation.example"]  # type: ignore[attr-defined]
    with pytest.raises(NotAllowed):
        await acknowledge(runtime, room.wanja, opened.id)
    assert await acknowledge(runtime, root, opened.id)
    assert not await acknowledge(runtime, root, opened.id)
    await write_note(runtime, root, opened.id, "The mail server is away, asked its people")
    [now] = (await platform.incidents(state="unresolved"))[0]
    assert (now.state, now.acknowledged_by, title_of(now)["en"]) == (
        "acknowledged",
        "Rosa Root",
        "4 rows of jobs were given up",
    )  # type: ignore[index]
    clock.move(timedelta(minutes=1))
    assert (await observe(runtime, []), (await platform.incidents(state="unresolved"))[1]) == (
        [],
        1,
    )  # it may come and go
    clock.move(timedelta(minutes=5))
    await observe(runtime, [])
    [over] = (await platform.incidents())[0]
    assert (over.state, over.resolved_by) == ("resolved", "")
    assert [each.kind for each in await platform.notes_of(opened.id)] == ["acknowledged", "note", "over"]
    [again] = await observe(runtime, [dead])
    assert again.id != opened.id
    assert await resolve(runtime, root, again.id)
    assert not await resolve(runtime, root, again.id)
