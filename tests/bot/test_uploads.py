"""Files that we send reach the provider before the message that shows them is tried; the conversation's order holds meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from bot.messages import MediaKind, MediaOut
from bot.ports import Lane
from tests.bot.test_delivery import ASHA, BRIAN, Desk, desk, png
from tests.support.clockwork import rows, tick, until, value

__all__ = ["desk"]

OUT = "SELECT count(*) FROM media_files WHERE direction = 'out'"
NOT_SENT = "I wanted to send you a file, but it could not be sent. Please ask again later."


async def picture(desk: Desk, gray: bytes = b"\x00", **changes: Any) -> MediaOut:
    blob = await desk.world.runtime.blobs.put(desk.organization_id, png(gray), "image/png")
    return MediaOut(**{"kind": MediaKind.IMAGE, "blob": blob, "mime_type": "image/png", "caption": "look", **changes})


async def uploads(desk: Desk) -> int:
    wire = await desk.world.client.wire(limit=1000)
    paths = [str(entry["url"]).partition("?")[0] for entry in wire]
    return sum(path.endswith("/media") for path in paths)


async def test_the_message_and_what_stands_behind_it_wait_for_the_upload(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    before, look, after = await desk.put("before", await picture(desk), "after")
    for _ in range(2):
        await desk.deliver()
    assert (await desk.fate(before))["status"] != "queued"
    waiting = await desk.fate(look)
    assert (waiting["status"], waiting["state"]) == ("queued", "upload")
    assert waiting["last_error"] == "its file is on the way to the provider"
    assert await desk.deliver() == 0, "order: nothing may pass it"
    assert (await desk.fate(after))["state"] == "ready"
    assert await uploads(desk) == 0, "nothing is uploaded while a message is leased"
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == ["before", "look", "after"]
    assert await uploads(desk) == 1


async def test_many_messages_with_one_file_make_one_upload(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    look = await picture(desk)
    await desk.put(look, lane=Lane.BULK)
    await desk.put(look, to=BRIAN, lane=Lane.BULK)
    await desk.put(look, to=BRIAN)
    await desk.deliver(Lane.BULK)
    await desk.deliver()
    assert await value(desk.world, "SELECT count(*) FROM jobs WHERE name = 'core.upload_media'") == 1
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert (await desk.seen(), await desk.seen(BRIAN)) == (["look"], ["look", "look"])
    assert await value(desk.world, OUT) == 1


@pytest.mark.parametrize("forgotten", ["by the provider", "by us"])
async def test_a_file_that_is_forgotten_is_uploaded_again(desk: Desk, forgotten: str) -> None:
    look = await picture(desk)
    await desk.put(look)
    await desk.all_gone()
    if forgotten == "by us":
        await rows(desk.world, "UPDATE media_files SET expires_at = now()")
    else:
        await rows(desk.world, "UPDATE media_files SET external_id = '999999999999999' WHERE direction = 'out'")
    await desk.put(look, "after")
    await desk.all_gone()
    assert await desk.seen() == ["look", "look", "after"]
    assert await value(desk.world, OUT) == 2


async def test_a_file_that_the_provider_never_takes_is_not_uploaded_for_ever(desk: Desk) -> None:
    await desk.world.client.set_fault("error", probability=1.0, params={"code": 131053})
    [key] = await desk.put(await picture(desk))
    await desk.all_gone()
    found = await desk.fate(key)
    assert (found["status"], found["state"]) == ("failed", "dead")
    assert await value(desk.world, OUT) <= 8


async def test_an_upload_that_fails_for_good_is_said_once_and_the_conversation_goes_on(desk: Desk) -> None:
    look, after = await desk.put(await picture(desk, mime_type="image/gif"), "after")
    await desk.all_gone()
    found = await desk.fate(look)
    assert (found["status"], found["state"]) == ("failed", "dead")
    assert "its file cannot be uploaded: image must be one of" in found["last_error"]
    assert found["reason"] == found["last_error"]
    assert await desk.seen() == ["after", NOT_SENT]
    assert (await desk.fate(after))["state"] is None


async def test_a_broadcast_whose_file_fails_says_nothing_to_people_who_wait_for_nothing(desk: Desk) -> None:
    await rows(desk.world, "UPDATE contacts SET opted_in_at = now()")
    [look] = await desk.put(await picture(desk, mime_type="image/gif"), lane=Lane.BULK)
    await desk.all_gone()
    assert (await desk.fate(look))["state"] == "dead"
    assert await desk.seen() == []


async def test_a_message_that_comes_to_wait_when_the_job_is_over_is_not_forgotten(desk: Desk) -> None:
    desk.world.dispatcher.lost = True
    [look] = await desk.put(await picture(desk))
    await desk.deliver()
    await rows(desk.world, "UPDATE jobs SET state = 'done' WHERE name = 'core.upload_media'")
    desk.world.dispatcher.lost = False
    await desk.all_gone()
    assert await desk.seen() == ["look"]
    assert (await desk.fate(look))["state"] is None


async def test_an_upload_with_a_dead_token_stops_the_number_and_the_file_comes_when_it_goes_on(desk: Desk) -> None:
    number = desk.world.people[0].phone_number_id
    await desk.world.client.change_business_number(number, token_problem=463)
    look, after = await desk.put(await picture(desk), "after")

    async def held() -> bool:
        return {(await desk.fate(key))["state"] for key in (look, after)} == {"held"}

    await until(desk.world, held, "both wait for the number")
    assert await value(desk.world, "SELECT state FROM channel_accounts WHERE id = $1", desk.account_id) == "stopped"
    await desk.world.client.change_business_number(number, token_problem=None)
    await rows(desk.world, "UPDATE channel_accounts SET probe_at = now() WHERE id = $1", desk.account_id)
    await desk.all_gone()
    await tick(desk.world)
    assert await desk.seen(ASHA) == ["look", "after"]
