"""Media: up, down, links of five minutes, what does not fit its kind."""

import base64
import hashlib
from typing import Any

import aiohttp
import pytest

from channels.emulator.fixture import RunningEmulator
from tests.channels.emulator.bot import ASHA, NUMBER, OTHER_NUMBER, PNG, Bot, code_of


def multipart(content: bytes, mime_type: str, **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in {"messaging_product": "whatsapp", "type": mime_type, **fields}.items():
        form.add_field(name, value)
    form.add_field("file", content, filename="picture.png", content_type=mime_type)
    return form


async def upload(bot: Bot, content: bytes = PNG, mime_type: str = "image/png") -> tuple[int, Any]:
    url = f"{bot.graph_url}/v25.0/{NUMBER}/media"
    headers = {"Authorization": "Bearer access-token-1"}
    async with bot._session.post(url, data=multipart(content, mime_type), headers=headers) as response:
        return response.status, await response.json()


async def test_a_picture_goes_up_out_and_down_again(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    media_id = (await upload(bot))[1]["id"]
    assert (await bot.send({"type": "image", "image": {"id": media_id, "caption": "your ticket"}}))[0] == 200
    (message,) = await emulator.client.wait_for_reply(ASHA, contains="ticket")
    assert await emulator.client.media(message["content"]["id"]) == PNG
    _, found = await bot.call("GET", f"{media_id}?phone_number_id={NUMBER}")
    assert (found["sha256"], found["file_size"], found["mime_type"]) == (
        hashlib.sha256(PNG).hexdigest(),
        len(PNG),
        "image/png",
    )
    assert (await bot.call("GET", found["url"]))[1] == PNG


async def test_a_link_needs_the_token_and_lives_five_minutes(emulator: RunningEmulator, bot: Bot) -> None:
    media_id = (await upload(bot))[1]["id"]
    url = (await bot.call("GET", media_id))[1]["url"]
    assert (await bot.call("GET", url, token=None))[0] == 401
    await emulator.client.shift_clock(299)
    assert (await bot.call("GET", url))[0] == 200
    await emulator.client.shift_clock(3)
    assert (await bot.call("GET", url))[0] == 404
    fresh = (await bot.call("GET", media_id))[1]["url"]
    assert (await bot.call("GET", fresh.replace("ext=", "ext=9")))[0] == 404


async def test_media_of_a_person_reaches_the_bot_with_its_hash_in_base64(emulator: RunningEmulator, bot: Bot) -> None:
    media_id = await emulator.client.upload(PNG, "image/png", "me.png")
    await emulator.client.send(ASHA, media={"id": media_id, "caption": "me"})
    await emulator.client.send(
        ASHA, media={"content": base64.b64encode(b"OggS..").decode(), "mime_type": "audio/ogg", "voice": True}
    )
    await emulator.client.send(ASHA, media={"id": media_id, "kind": "document", "filename": "../x.png"})
    await emulator.client.wait_until_idle()
    by_type = {m["type"]: m[m["type"]] for m in bot.messages}
    assert by_type["image"]["sha256"] == base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    assert (by_type["audio"]["voice"], by_type["audio"]["mime_type"]) == (True, "audio/ogg; codecs=opus")
    assert by_type["document"]["filename"] == "me.png"
    url = (await bot.call("GET", by_type["image"]["id"]))[1]["url"]
    assert (await bot.call("GET", url))[1] == PNG


async def test_uploads_expire_after_thirty_days(emulator: RunningEmulator, bot: Bot) -> None:
    media_id = (await upload(bot))[1]["id"]
    await emulator.client.shift_clock("+29d")
    assert (await bot.call("GET", media_id))[0] == 200
    await emulator.client.shift_clock("+2d")
    status, answer = await bot.call("GET", media_id)
    assert (status, code_of(answer), answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_an_upload_belongs_to_its_number(emulator: RunningEmulator, bot: Bot) -> None:
    media_id = (await upload(bot))[1]["id"]
    assert code_of((await bot.call("GET", media_id, token="access-token-2"))[1]) == 100
    await emulator.client.text(ASHA, "hi", phone_number_id=OTHER_NUMBER)
    assert code_of((await bot.send({"type": "image", "image": {"id": media_id}}, number=OTHER_NUMBER))[1]) == 100
    assert (await bot.call("DELETE", media_id))[1] == {"success": True}
    assert code_of((await bot.call("GET", media_id))[1]) == 100


@pytest.mark.parametrize(
    ("content", "mime_type", "code"),
    [
        (PNG, "image/tiff", 100),
        (b"", "image/png", 100),
        (b"GIF89a", "image/png", 131053),
        (b"\xff\xd8\xff" + b"x" * (5 * 1024 * 1024), "image/jpeg", 131053),
    ],
)
async def test_files_that_meta_does_not_take_are_refused(
    emulator: RunningEmulator, bot: Bot, content: bytes, mime_type: str, code: int
) -> None:
    assert code_of((await upload(bot, content, mime_type))[1]) == code


async def test_a_file_of_another_kind_fails_afterwards(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    media_id = (await upload(bot))[1]["id"]
    _, answer = await bot.send({"type": "audio", "audio": {"id": media_id}})
    await emulator.client.wait_until_idle()
    assert bot.ladder(answer["messages"][0]["id"]) == ["failed"]
    assert bot.statuses[-1]["errors"][0]["code"] == 131053


async def test_a_link_is_downloaded_and_one_that_leads_nowhere_fails(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    await bot.send({"type": "image", "image": {"link": bot.url.replace("/hook", "/picture.png")}})
    (message,) = await emulator.client.wait_for_reply(ASHA)
    assert await emulator.client.media(message["content"]["_media_id"]) == PNG
    _, answer = await bot.send({"type": "image", "image": {"link": bot.url.replace("/hook", "/nothing.png")}})
    await emulator.client.wait_until_idle()
    assert bot.ladder(answer["messages"][0]["id"]) == ["failed"]


async def test_media_calls_can_be_made_to_fail(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.set_fault("media_500", next_n=1)
    assert (await upload(bot))[0] == 500
    assert (await upload(bot))[0] == 200
