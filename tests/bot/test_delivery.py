"""From a committed row to the phone: the gate, the limits, what each answer of the provider leads to, and that a person sees each message once."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bot.delivery import deliver_due
from bot.messages import MediaKind, MediaOut, Outbound, Text
from bot.ports import Lane
from bot.unit import open_unit
from tests.support.clockwork import rows, tick, until, value
from tests.support.database import Cluster
from tests.support.world import World, open_world

ASHA, BRIAN = "254711000001", "254711000002"
GRACE_S = 1.0


@dataclass
class Desk:
    """Says things to people who have written, as the first organization."""

    world: World
    contacts: dict[str, UUID]
    account_id: UUID
    sent: int = 0

    @property
    def organization_id(self) -> UUID:
        return self.world.people[0].id

    async def put(self, *parts: Outbound | str, to: str = ASHA, lane: Lane = Lane.REPLY) -> list[str]:
        """Writes the rows; returns their keys. Nothing is sent yet."""
        keys = []
        async with open_unit(self.world.runtime, self.organization_id, actor="test") as work:
            for part in parts:
                self.sent += 1
                keys.append(f"k{self.sent}")
                work.send(
                    self.contacts[to],
                    self.account_id,
                    Text(text=part) if isinstance(part, str) else part,
                    key=keys[-1],
                    lane=lane,
                )
        return keys

    async def deliver(self, lane: Lane = Lane.REPLY) -> int:
        return await deliver_due(self.world.runtime, self.organization_id, lane)

    async def all_gone(self) -> None:
        async def gone() -> Any:
            return await value(self.world, "SELECT count(*) FROM outbox WHERE state <> 'dead'") == 0

        await until(self.world, gone, "the outbox is empty")
        await self.world.client.wait_until_idle(20)
        await tick(self.world)

    async def seen(self, person: str = ASHA) -> list[str]:
        """What came after the greeting."""
        report = await self.world.client.ledger()
        return [each["text"] for each in report["users"][person]["seen"]][1:]

    async def fate(self, key: str) -> dict[str, Any]:
        [row] = await rows(
            self.world,
            "SELECT m.status, m.error #>> '{reason}' AS reason, o.state, o.attempts, o.last_error FROM messages m"
            " LEFT JOIN outbox o ON o.message_id = m.id WHERE m.key = $1",
            f"{key}:0",
        )
        return dict(row)


@pytest.fixture
async def desk(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_world(cluster, tmp_path, TURN__UNKNOWN_GRACE_S=str(GRACE_S)) as world:
        for person in (ASHA, BRIAN):
            await world.client.text(person, "hi")
            await world.client.wait_for_reply(person, timeout_s=20)
        await world.dispatcher.settle()
        world.dispatcher.lost = True  # the test says when something is delivered
        await world.client.wait_until_idle(20)
        await tick(world)
        found = await rows(
            world, "SELECT c.id, c.name FROM contacts c JOIN sessions s ON s.contact_id = c.id ORDER BY c.name"
        )
        contacts = {ASHA: found[0]["id"], BRIAN: found[1]["id"]}
        account_id = UUID(world.people[0].account_id)
        world.dispatcher.lost = False
        yield Desk(world, contacts, account_id)


# -- the gate


async def test_the_gate_refuses_with_its_reason_and_lets_the_rest_pass(desk: Desk) -> None:
    async def outcome(lane: Lane) -> tuple[str, str | None]:
        [key] = await desk.put("hello", lane=lane)
        await desk.deliver(lane)
        found = await desk.fate(key)
        assert found["state"] is None, "a refused message does not stay in the outbox"
        return found["status"], found["reason"]

    desk.world.dispatcher.lost = True
    assert await outcome(Lane.BULK) == ("refused", "no_opt_in")
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    assert (await outcome(Lane.BULK))[0] != "refused"
    await rows(desk.world, "UPDATE contacts SET opted_out_at = now(), opted_in_at = NULL")
    assert await outcome(Lane.BULK) == ("refused", "opted_out")
    assert (await outcome(Lane.REPLY))[0] != "refused"
    await rows(desk.world, "UPDATE sessions SET last_user_at = now() - interval '25 hours'")
    assert await outcome(Lane.REPLY) == ("refused", "window_closed")
    await rows(desk.world, "UPDATE sessions SET last_user_at = now()")
    for state, reason in (("paused", "account_paused"), ("disconnected", "account_disconnected")):
        await rows(desk.world, "UPDATE channel_accounts SET state = $1", state)
        desk.world.runtime.directory.forget()
        assert await outcome(Lane.REPLY) == ("refused", reason)
    await rows(desk.world, "UPDATE channel_accounts SET state = 'connected'")
    desk.world.runtime.directory.forget()
    await rows(desk.world, "UPDATE contact_identities SET valid_to = now()")
    assert await outcome(Lane.REPLY) == ("refused", "unreachable")
    assert await value(desk.world, "SELECT count(*) FROM charges WHERE meter = 'message.out'") == 2 + 2


# -- what the provider answers


@pytest.mark.parametrize("code", [130429, 131056])
async def test_throttling_waits_and_is_no_fault_of_the_message(desk: Desk, code: int) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=1, params={"code": code})
    one, two = await desk.put("one", "two")
    await desk.deliver()
    found = await desk.fate(one)
    assert (found["status"], found["state"], found["attempts"]) == ("queued", "ready", 0)
    assert await desk.deliver() == 0, "neither it nor what stands behind it may be tried before its time"
    await rows(desk.world, "UPDATE outbox SET next_attempt_at = now()")
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == ["one", "two"]
    assert (await desk.fate(two))["status"] in ("accepted", "sent", "delivered", "read")


async def test_a_gateway_page_means_unknown_and_is_sent_again_only_after_the_grace(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("html_5xx", next_n=1)
    [key] = await desk.put("one")
    await desk.deliver()
    assert (await desk.fate(key))["state"] == "unknown"
    assert await desk.deliver() == 0, "within the grace nobody may send it again"
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == ["one"]


async def test_a_reset_after_accepting_is_settled_by_the_status_and_seen_once(desk: Desk) -> None:
    await desk.world.client.set_fault("accept_then_reset", next_n=1)
    desk.world.dispatcher.lost = True
    one, _ = await desk.put("one", "two")
    await desk.deliver()
    assert (await desk.fate(one))["state"] == "unknown"
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == ["one", "two"]
    assert (await desk.world.client.ledger())["duplicates"] == []
    assert (await desk.fate(one))["status"] in ("sent", "delivered", "read")
    assert await value(desk.world, "SELECT count(*) FROM charges WHERE meter = 'message.out'") == 2 + 2


async def test_without_any_status_an_unknown_send_is_repeated(desk: Desk) -> None:
    """The control of the two above, and the promise: at least once if WhatsApp never reports on it."""
    await desk.world.client.set_fault("accept_then_reset", next_n=1)
    await desk.world.client.set_fault("no_status", next_n=1)
    await desk.put("one")
    await desk.all_gone()
    assert await desk.seen() == ["one", "one"]
    assert len((await desk.world.client.ledger())["duplicates"]) == 1


async def test_a_reply_in_a_turn_survives_a_reset_as_well(desk: Desk) -> None:
    await desk.world.client.set_fault("accept_then_reset", next_n=1)
    await desk.world.client.text(ASHA, "menu")
    await desk.world.client.wait_for_reply(ASHA, count=2, timeout_s=20)
    await desk.all_gone()
    assert len(await desk.seen()) == 1
    assert (await desk.world.client.ledger())["duplicates"] == []


async def test_a_definite_no_is_a_dead_letter_with_its_reason_and_the_next_goes_on(desk: Desk) -> None:
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131026})
    one, two = await desk.put("one", "two")
    await desk.all_gone()
    found = await desk.fate(one)
    assert (found["status"], found["state"]) == ("failed", "dead")
    assert found["reason"]
    assert found["last_error"] == found["reason"]
    assert await desk.seen() == ["two"]
    assert (await desk.fate(two))["state"] is None


async def test_a_transient_error_is_tried_again(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131000})
    [key] = await desk.put("one")
    await desk.deliver()
    found = await desk.fate(key)
    assert (found["state"], found["attempts"]) == ("ready", 1)
    await rows(desk.world, "UPDATE outbox SET next_attempt_at = now()")
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == ["one"]


async def test_a_message_that_always_fails_is_given_up(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await desk.world.client.set_fault("error", next_n=1, params={"code": 131000})
    [key] = await desk.put("one")
    await rows(desk.world, "UPDATE outbox SET attempts = 7")
    await desk.deliver()
    found = await desk.fate(key)
    assert (found["status"], found["state"]) == ("failed", "dead")


# -- order, competition, poison


async def test_messages_of_a_conversation_keep_their_order_whatever_fails(desk: Desk) -> None:
    await desk.world.client.set_fault("html_5xx", script=[False, True, False, False, True])
    await desk.world.client.set_fault("accept_then_reset", script=[False, False, True, False, False, False])
    await desk.put(*[f"n-{n}" for n in range(8)])
    await desk.put("brian", to=BRIAN)
    await desk.all_gone()
    assert await desk.seen() == [f"n-{n}" for n in range(8)]
    assert await desk.seen(BRIAN) == ["brian"]


async def test_competing_senders_send_each_message_once(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    for n in range(5):
        await desk.put(f"a-{n}")
        await desk.put(f"b-{n}", to=BRIAN)
    for _ in range(6):
        await asyncio.gather(*(desk.deliver() for _ in range(4)))
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == [f"a-{n}" for n in range(5)]
    assert await desk.seen(BRIAN) == [f"b-{n}" for n in range(5)]


async def test_a_row_that_cannot_be_read_is_dead_and_takes_no_other_along(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    [broken] = await desk.put("one")
    await desk.put("two", to=BRIAN)
    await rows(desk.world, "UPDATE messages SET body = '\\x0001' WHERE key = $1", f"{broken}:0")
    await desk.deliver()
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    found = await desk.fate(broken)
    assert (found["status"], found["state"]) == ("failed", "dead")
    assert "unreadable" in found["reason"]
    assert await desk.seen(BRIAN) == ["two"]


async def test_a_key_is_sent_once_ever(desk: Desk) -> None:
    for _ in range(2):
        desk.sent = 0
        await desk.put("one")
        await desk.all_gone()
    assert await desk.seen() == ["one"]


# -- long texts and files


def png(gray: bytes) -> bytes:
    """A picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (1).to_bytes(4) + (1).to_bytes(4) + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" + gray))
        + chunk(b"IEND", b"")
    )


async def test_a_long_text_arrives_whole_in_several_messages_in_order(desk: Desk) -> None:
    text = " ".join(f"word{n}" for n in range(1500))
    await desk.put(text, "end")
    await desk.all_gone()
    *pieces, end = await desk.seen()
    assert len(pieces) > 2
    assert " ".join(" ".join(pieces).split()) == text
    assert end == "end"


async def test_a_file_is_uploaded_once_and_sent_often(desk: Desk) -> None:
    blob = await desk.world.runtime.blobs.put(desk.organization_id, png(b"\x00"), "image/png")
    picture = MediaOut(kind=MediaKind.IMAGE, blob=blob, mime_type="image/png", caption="look")
    for to in (ASHA, BRIAN, ASHA):
        await desk.put(picture, to=to)
        await desk.all_gone()
    assert await value(desk.world, "SELECT count(*) FROM media_files WHERE direction = 'out'") == 1
    assert await desk.seen() == ["look", "look"]
    await rows(desk.world, "UPDATE media_files SET expires_at = now()")
    await desk.put(picture)
    await desk.all_gone()
    assert await value(desk.world, "SELECT count(*) FROM media_files WHERE direction = 'out'") == 2


async def test_an_upload_that_fails_for_a_moment_is_repeated(desk: Desk) -> None:
    blob = await desk.world.runtime.blobs.put(desk.organization_id, png(b"\xff"), "image/png")
    await desk.world.client.set_fault("media_500", next_n=1)
    await desk.put(MediaOut(kind=MediaKind.IMAGE, blob=blob, mime_type="image/png", caption="look"))
    await desk.all_gone()
    assert await desk.seen() == ["look"]


async def test_a_file_that_is_gone_is_a_dead_letter(desk: Desk) -> None:
    [key] = await desk.put(MediaOut(kind=MediaKind.IMAGE, blob="0" * 64, mime_type="image/png"))
    await desk.all_gone()
    assert (await desk.fate(key))["state"] == "dead"
