"""R5: the ladder of a message's states, whatever order its statuses come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from scheduler.statuses import StatusLadder
from store import db
from store.ids import uuid7
from store.tenancy import unscoped
from tests.scheduler import world
from tests.scheduler.world import Conversation
from tests.support.database import Database

SENT_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
MOMENTS = {"sent": SENT_AT, "delivered": SENT_AT + timedelta(seconds=5), "read": SENT_AT + timedelta(seconds=9)}


async def report(
    talk: Conversation, external_id: str, status: str, *, message_id: UUID | None = None, detail: str | None = None
) -> None:
    with unscoped("test"):
        await db.execute(
            "INSERT INTO message_statuses (id, organization_id, account_id, external_id, status, participant, message_id, at,"
            " detail, received_at, next_attempt_at, attempts)"
            " VALUES ($1, $2, $3, $4, $5, '', $6, $7, $8::jsonb, now(), now(), 0)",
            uuid7(),
            talk.organization_id,
            talk.account_id,
            external_id,
            status,
            message_id,
            MOMENTS.get(status, SENT_AT),
            detail,
        )


async def count(table: str) -> int:
    with unscoped("test"):
        found: int = await db.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def make_due() -> None:
    with unscoped("test"):
        await db.execute("UPDATE message_statuses SET next_attempt_at = now()")


def ladder() -> StatusLadder:
    return StatusLadder(keep=timedelta(days=7))


@pytest.mark.parametrize("order", list(permutations(MOMENTS)), ids="-".join)
async def test_statuses_in_any_order_end_at_read_each_with_its_own_time(
    database: Database, order: tuple[str, ...]
) -> None:
    talk = await world.new_conversation()
    message_id = await world.put_message(talk, "out", status="accepted", external_id="wamid.1")
    seen: list[str] = []
    for status in order:
        await report(talk, "wamid.1", status)
        await ladder().tick()
        seen.append((await world.row("messages", message_id))["status"])

    message = await world.row("messages", message_id)
    assert seen == sorted(seen, key=list(MOMENTS).index)
    assert message["status"] == "read"
    assert {name: message[f"{name}_at"] for name in MOMENTS} == MOMENTS
    assert await count("message_statuses") == 0


async def test_a_status_that_comes_before_our_own_commit_waits_for_it(database: Database) -> None:
    talk = await world.new_conversation()
    await report(talk, "wamid.1", "delivered")
    await ladder().tick()
    assert await count("message_statuses") == 1

    message_id = await world.put_message(talk, "out", status="accepted", external_id="wamid.1")
    await make_due()
    await ladder().tick()

    assert (await world.row("messages", message_id))["status"] == "delivered"
    assert await count("message_statuses") == 0


async def test_a_status_with_our_id_settles_a_send_of_unknown_fate(database: Database) -> None:
    talk = await world.new_conversation()
    _, message_id = await world.put_outbox(talk, state="unknown")
    await report(talk, "wamid.9", "sent", message_id=message_id)

    await ladder().tick()

    message = await world.row("messages", message_id)
    assert (message["status"], message["external_id"]) == ("sent", "wamid.9")
    assert await count("outbox") == 0
    assert await count("charges") == 1


async def test_a_status_with_our_id_settles_a_send_even_under_an_id_that_the_provider_gave_out_before(
    database: Database,
) -> None:
    talk = await world.new_conversation()
    await world.put_message(talk, "out", status="read", external_id="wamid.9")
    _, message_id = await world.put_outbox(talk, state="unknown")
    await report(talk, "wamid.9", "sent", message_id=message_id)

    await ladder().tick()

    message = await world.row("messages", message_id)
    assert (message["status"], message["external_id"]) == ("sent", None)
    assert await count("outbox") == 0


async def test_a_status_cannot_touch_the_message_of_another_account(database: Database) -> None:
    talk, stranger = await world.new_conversation(), await world.new_conversation()
    _, message_id = await world.put_outbox(talk, state="unknown")
    await report(stranger, "wamid.9", "read", message_id=message_id)
    await ladder().tick()
    assert (await world.row("messages", message_id))["status"] == "queued"


async def test_a_failure_is_kept_with_its_reason_unless_it_was_delivered_after_all(database: Database) -> None:
    talk = await world.new_conversation()
    message_id = await world.put_message(talk, "out", status="accepted", external_id="wamid.1")
    await report(talk, "wamid.1", "failed", detail='{"errors": [{"code": 131026}]}')
    await ladder().tick()
    failed = await world.row("messages", message_id)
    await report(talk, "wamid.1", "delivered")
    await ladder().tick()

    assert (failed["status"], failed["error"]) == ("failed", '[{"code": 131026}]')
    assert (await world.row("messages", message_id))["status"] == "delivered"


async def test_one_status_that_cannot_be_applied_holds_up_no_other(database: Database) -> None:
    talk = await world.new_conversation()
    message_ids = []
    for number in range(20):
        message_ids.append(await world.put_message(talk, "out", status="accepted", external_id=f"wamid.{number}"))
        await report(talk, f"wamid.{number}", "read")
    poison = await world.put_message(talk, "out", status="accepted", external_id="wamid.bad")
    await spoil(database, poison)
    await report(talk, "wamid.bad", "read")
    climbing = ladder()
    for _ in range(6):
        await climbing.tick()

    rows = [await world.row("messages", message_id) for message_id in message_ids]
    assert {row["status"] for row in rows} == {"read"}
    assert (await world.row("messages", poison))["status"] == "accepted"


async def spoil(database: Database, message_id: UUID) -> None:
    """Makes any change of this one message fail, as a bug in a trigger or a broken page would."""
    import asyncpg

    connection: Any = await asyncpg.connect(database.superuser_dsn)
    await connection.execute(
        "CREATE FUNCTION spoilt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'spoilt'; END $$;"
        " CREATE TRIGGER spoilt BEFORE UPDATE ON messages FOR EACH ROW"
        f" WHEN (OLD.id = '{message_id}') EXECUTE FUNCTION spoilt()"
    )
    await connection.close()
