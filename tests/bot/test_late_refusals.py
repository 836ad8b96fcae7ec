"""A provider that says yes and later, by a status, no: what a no at the send would have stopped stops all the same, once."""

from __future__ import annotations

from typing import Any

import pytest

from bot.messages import MediaKind, MediaOut, Template
from bot.ports import Lane
from tests.bot.test_delivery import ASHA, BRIAN, Desk, desk, png
from tests.bot.test_standing import account, actions, make_probe_due, seen, set_token, tries
from tests.channels.posts import delivery, post, status
from tests.support.clockwork import rows, tick, until, value

__all__ = ["desk"]

STOPPING = [190, 131031, 131042, 133010, 10, 368]


async def fail_late(desk: Desk, code: int) -> None:
    await desk.world.client.set_fault("failed_after_sent", probability=1.0, params={"code": code})


async def applied(desk: Desk) -> None:
    """Until no status waits any more, and none has an effect that is still to come."""

    async def over() -> Any:
        left = "SELECT (SELECT count(*) FROM message_statuses) + (SELECT count(*) FROM jobs WHERE state IN ('ready', 'running'))"
        return await value(desk.world, left) == 0

    await until(desk.world, over, "all statuses are applied")


async def stands(desk: Desk, state: str, probes: int | None = 0) -> None:
    async def so() -> bool:
        found = await account(desk)
        return (found["state"], found["probe_steps"]) == (state, probes)

    await until(desk.world, so, f"the number is {state}")


async def silent(desk: Desk) -> None:
    """From now on statuses come by the test's hand alone."""
    await desk.world.client.set_fault("no_status", probability=1.0)


async def say_failed(desk: Desk, *keys: str, code: int) -> None:
    ids = "SELECT array_agg(external_id) FROM messages WHERE key = ANY($1::text[])"

    async def accepted() -> list[str] | None:
        found = await value(desk.world, ids, [f"{key}:0" for key in keys])
        return None if None in found else found

    found = await until(desk.world, accepted, "they were accepted")
    errors = [{"code": code, "title": "no", "message": "no"}]
    said = [status(wamid, "failed", errors=errors) for wamid in found]
    assert await post(desk.world, delivery((desk.world.people[0], {"statuses": said}))) == 200
    await applied(desk)


async def jobs(desk: Desk) -> int:
    found: int = await value(desk.world, "SELECT count(*) FROM jobs WHERE name = 'core.apply_refusal'")
    return found


@pytest.mark.parametrize("code", STOPPING)
async def test_a_number_stops_and_only_a_delivered_message_lets_it_go_on(desk: Desk, code: int) -> None:
    await fail_late(desk, code)
    [lost] = await desk.put("lost")
    await desk.deliver()
    await stands(desk, "stopped")
    assert str(code) in (await account(desk))["state_reason"]
    assert (await desk.fate(lost))["status"] == "failed"
    desk.world.dispatcher.lost = True
    keys = await desk.put("probe", "one", "two")
    await desk.deliver()
    assert [(await desk.fate(key))["state"] for key in keys] == ["held"] * 3
    desk.world.dispatcher.lost = False

    before = await tries(desk)
    await make_probe_due(desk)
    await stands(desk, "stopped", 1)
    assert await tries(desk) == before + 1, "one probe, not all, though it was accepted"
    assert [(await desk.fate(key))["state"] for key in keys[1:]] == ["held"] * 2

    await desk.world.client.clear_faults()
    await make_probe_due(desk)
    await stands(desk, "connected", None)
    await desk.all_gone()
    assert (await seen(desk))[-2:] == ["one", "two"]
    assert await actions(desk) == ["channel_account.stopped", "channel_account.resumed"]


async def test_many_that_fail_together_stop_it_once(desk: Desk) -> None:
    await silent(desk)
    keys = [*await desk.put("one", "two", "three"), *await desk.put("brian", to=BRIAN)]
    for _ in range(3):
        await desk.deliver()
    await say_failed(desk, *keys, code=131042)
    assert (await account(desk))["state"] == "stopped"
    assert await jobs(desk) == 1
    assert await actions(desk) == ["channel_account.stopped"]
    await say_failed(desk, *keys, code=131042)
    assert await jobs(desk) == 1, "the same statuses again are nothing new"


async def test_what_went_before_the_number_went_on_does_not_stop_it_again(desk: Desk) -> None:
    await silent(desk)
    early, old = await desk.put("early", "old")
    await desk.deliver()
    await desk.deliver()
    await say_failed(desk, early, code=190)
    await stands(desk, "stopped")
    await set_token(desk, desk.world.people[0].access_token)  # sealed anew
    await tick(desk.world)
    assert (await account(desk))["state"] == "connected"
    await say_failed(desk, old, code=190)
    assert (await account(desk))["state"] == "connected"
    desk.world.runtime.directory.forget()
    [new] = await desk.put("new")
    await desk.deliver()
    await say_failed(desk, new, code=190)
    assert (await account(desk))["state"] == "stopped", "the control: what was sent since does"


@pytest.mark.parametrize("code", [131026, 131049, 130472, 999])
async def test_a_late_no_to_one_person_stops_nobody_else(desk: Desk, code: int) -> None:
    await silent(desk)
    [key] = await desk.put("one")
    await desk.deliver()
    await say_failed(desk, key, code=code)
    assert (await desk.fate(key))["status"] == "failed"
    assert ((await account(desk))["state"], await jobs(desk)) == ("connected", 0)


async def test_a_message_that_was_delivered_after_all_stops_nothing(desk: Desk) -> None:
    [key] = await desk.put("one")
    await desk.all_gone()
    assert await seen(desk) == ["one"]
    await say_failed(desk, key, code=131042)
    assert ((await account(desk))["state"], await jobs(desk)) == ("connected", 0)


async def test_whoever_stopped_marketing_gets_none_any_more(desk: Desk) -> None:
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await silent(desk)
    [key] = await desk.put("news", lane=Lane.BULK)
    await desk.deliver(Lane.BULK)
    await say_failed(desk, key, code=131050)
    [second] = await desk.put("more news", lane=Lane.BULK)
    [other] = await desk.put("news", to=BRIAN, lane=Lane.BULK)

    async def decided() -> str | None:
        await desk.deliver(Lane.BULK)  # a row waits until the one before it is marked
        reason: str | None = (await desk.fate(second))["reason"]
        return reason

    assert await until(desk.world, decided, "the second is decided") == "opted_out"
    assert (await desk.fate(other))["status"] == "accepted"
    found = await rows(desk.world, "SELECT state FROM consents WHERE source = 'provider'")
    assert [row["state"] for row in found] == ["withdrawn"]


async def test_a_consent_that_was_given_since_counts_more(desk: Desk) -> None:
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await silent(desk)
    [key] = await desk.put("news", lane=Lane.BULK)
    await desk.deliver(Lane.BULK)
    await rows(desk.world, "UPDATE contacts SET opted_in_at = clock_timestamp() + interval '5 s'")
    await say_failed(desk, key, code=131050)
    assert await jobs(desk) == 1
    assert await value(desk.world, "SELECT count(*) FROM contacts WHERE opted_out_at IS NOT NULL") == 0


async def test_a_file_that_turned_out_unusable_is_uploaded_again(desk: Desk) -> None:
    blob = await desk.world.runtime.blobs.put(desk.organization_id, png(b"\x00"), "image/png")
    look = MediaOut(kind=MediaKind.IMAGE, blob=blob, mime_type="image/png", caption="look")
    await silent(desk)
    uploaded = "SELECT count(*) FROM media_files WHERE direction = 'out'"

    async def show() -> str:
        [key] = await desk.put(look)
        await desk.all_gone()
        return key

    await show()
    first = await show()
    assert await value(desk.world, uploaded) == 1, "the control: what the provider has is not brought again"
    await say_failed(desk, first, code=131053)
    await show()
    assert await value(desk.world, uploaded) == 2
    assert (await account(desk))["state"] == "connected"


async def test_a_template_that_was_paused_meanwhile_is_held(desk: Desk) -> None:
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    await silent(desk)
    sale = Template(name="sale", language="en", category="marketing")
    [key] = await desk.put(sale, lane=Lane.BULK)
    await rows(
        desk.world,
        "UPDATE messages SET external_id = 'wamid.sale', status = 'accepted', accepted_at = clock_timestamp() WHERE key = $1",
        f"{key}:0",
    )
    await rows(desk.world, "DELETE FROM outbox")
    await say_failed(desk, key, code=132015)
    desk.world.dispatcher.lost = True  # nobody else takes the row
    [held] = await desk.put(sale, to=BRIAN, lane=Lane.BULK)
    await desk.deliver(Lane.BULK)
    fate: dict[str, Any] = await desk.fate(held)
    assert "template sale is held" in fate["last_error"]
    assert ASHA not in fate["last_error"]
