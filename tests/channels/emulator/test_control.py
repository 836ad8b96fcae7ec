"""The control API as a whole: page, stream, waiting, mistakes, restart with a data folder."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from pydantic import ValidationError

from channels.emulator.app import PAGE
from channels.emulator.client import EmulatorRefused
from channels.emulator.fixture import RunningEmulator, StartEmulator, running, test_settings
from channels.emulator.settings import CONFIG_ENV, EmulatorSettings, load_settings
from tests.channels.emulator.bot import ASHA, BRIAN, NUMBER, PNG, Bot


async def test_the_page_and_all_its_parts_are_served(emulator: RunningEmulator) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(emulator.base_url + "/") as response:
            text = await response.text()
            assert response.status == 200
            assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        for part in PAGE.iterdir():
            async with session.get(f"{emulator.base_url}/page/{part.name}") as response:
                assert response.status == 200
    assert all(name in text for name in ("wire-pane", "clock-plus-25h", "user-add"))


async def test_no_part_of_the_page_comes_from_elsewhere() -> None:
    for part in PAGE.glob("*.*"):
        content = part.read_text()
        assert 'src="http' not in content
        assert "import(" not in content
        assert "innerHTML" not in content.replace("without innerHTML", "")


async def test_other_sites_cannot_drive_the_emulator(emulator: RunningEmulator) -> None:
    async with aiohttp.ClientSession() as session:
        url = emulator.base_url + "/control/reset"
        async with session.post(url, headers={"Origin": "https://evil.example"}) as response:
            assert response.status == 403
        async with session.post(url, headers={"Host": "evil.example"}) as response:
            assert response.status == 403
        async with session.post(url, headers={"Origin": emulator.base_url}) as response:
            assert response.status == 200


async def test_secrets_are_nowhere_in_the_state_or_on_the_wire(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    await bot.text("hello")
    await emulator.client.wait_until_idle()
    shown = str(await emulator.client.state()) + str(await emulator.client.wire())
    assert "app-secret" not in shown
    assert "access-token" not in shown


async def test_mistakes_are_said(emulator: RunningEmulator) -> None:
    client = emulator.client
    with pytest.raises(EmulatorRefused, match=r"404.*25400"):
        await client.text("25400", "hi")
    with pytest.raises(EmulatorRefused, match="no option"):
        await client.tap(ASHA, 0)
    with pytest.raises(EmulatorRefused, match="nothing to send"):
        await client.send(ASHA)
    with pytest.raises(EmulatorRefused, match="colour"):
        await client.send(ASHA, colour="red")
    with pytest.raises(EmulatorRefused, match="not a duration"):
        await client.shift_clock("tomorrow")
    with pytest.raises(EmulatorRefused, match="pattern"):
        await client.analyse("n-(")
    with pytest.raises(EmulatorRefused, match="enforce_gravity"):
        await client.set_limits(enforce_gravity=True)


async def test_waiting_ends_when_the_reply_is_there_or_the_time_is_up(emulator: RunningEmulator, bot: Bot) -> None:
    await emulator.client.text(ASHA, "hi")
    with pytest.raises(TimeoutError, match="0 of 1"):
        await emulator.client.wait_for_reply(ASHA, timeout_s=0.1)
    waiting = asyncio.create_task(emulator.client.wait_for_reply(ASHA, contains="HELLO", timeout_s=5))
    await bot.text("something else")
    await bot.text("hello there")
    assert [m["text"] for m in await waiting] == ["hello there"]


async def test_the_stream_tells_what_happens(emulator: RunningEmulator) -> None:
    async with aiohttp.ClientSession() as session, session.get(emulator.base_url + "/control/stream") as stream:
        assert await stream.content.readline() == b": connected\n"
        await emulator.client.text(ASHA, "hi there")
        lines = b""
        async with asyncio.timeout(5):
            while b"event: wire" not in lines:
                lines += await stream.content.readline()
    assert b"event: message" in lines
    assert b"hi there" in lines


async def test_reset_forgets_chats_and_knobs_but_not_people(emulator: RunningEmulator, bot: Bot) -> None:
    client = emulator.client
    await client.add_user("254711000003", "Chela")
    await client.text(ASHA, "hi")
    await client.shift_clock("+25h")
    await client.set_fault("drop_ack", probability=1.0)
    await client.set_limits(enforce_window=False)
    await client.reset()
    state = await client.state()
    assert (state["messages"], state["faults"], state["clock"]["shift_s"], state["limits"]["enforce_window"]) == (
        {},
        [],
        0.0,
        True,
    )
    assert len(state["users"]) == 3
    await client.reset(keep_users=False)
    assert len((await client.state())["users"]) == 2


async def test_a_restart_keeps_chats_and_delivers_what_was_open(bot: Bot, tmp_path: Path) -> None:
    settings = test_settings(bot.url, data=tmp_path / "emulator")
    async with running(settings) as first:
        bot.graph_url = first.base_url
        await first.client.add_user("254711000003", "Chela")
        media_id = await first.client.upload(PNG, "image/png")
        await first.client.send(ASHA, media={"id": media_id})
        await bot.text("your ticket")
        await first.client.wait_until_idle()
        await first.client.shift_clock("+1h")
        await first.client.change_business_number(NUMBER, webhook_url="http://127.0.0.1:9/")
        await first.client.text(BRIAN, "did you get this")
        first.emulator.touch("user", first.emulator.world.users[ASHA])
        before = await first.client.ledger()
    # A torn last line, as a kill may leave it.
    with (tmp_path / "emulator" / "emulator.jsonl").open("ab") as file:
        file.write(b'{"k":"message","v":{"id":"wam')
    async with running(settings) as second:
        bot.graph_url = second.base_url
        await second.client.wait_until_idle()
        assert [m["text"]["body"] for m in bot.messages if m["type"] == "text"] == ["did you get this"]
        after = await second.client.ledger()
        assert (after["inbound"], after["outbound"], after["unacked"]) == (2, 1, [])
        assert after["users"][ASHA]["seen"] == before["users"][ASHA]["seen"]
        assert await second.client.media(media_id) == PNG
        assert (await second.client.state())["clock"]["shift_s"] == 3600.0
        assert "254711000003" in [u["wa_id"] for u in (await second.client.state())["users"]]
        await bot.text("and the window is still open")


async def test_after_a_restart_the_statuses_that_nobody_heard_of_are_told(bot: Bot, tmp_path: Path) -> None:
    settings = test_settings(bot.url, data=tmp_path / "emulator")
    async with running(settings) as first:
        bot.graph_url = first.base_url
        await first.client.text(ASHA, "hi")
        heard = await bot.text("heard")
        await first.client.wait_until_idle()
        await first.client.change_business_number(NUMBER, webhook_url="http://127.0.0.1:9/")
        unheard = await bot.text("your ticket")
        async with asyncio.timeout(5):
            while first.emulator.world.messages[unheard].status != "read":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    told = len(bot.ladder(heard))
    async with running(settings) as second:
        await second.client.wait_until_idle()
        assert bot.ladder(unheard) == ["sent", "delivered", "read"]
        assert len(bot.ladder(heard)) == told


async def test_no_id_comes_again_after_a_restart(bot: Bot, tmp_path: Path) -> None:
    settings = test_settings(bot.url, data=tmp_path / "emulator")
    ids: list[str] = []
    for _ in range(3):
        async with running(settings) as emulator:
            bot.graph_url = emulator.base_url
            ids.append((await emulator.client.text(ASHA, "hi"))["id"])
            ids.append(await bot.text("hello"))
    assert len(set(ids)) == 6


async def test_two_emulators_do_not_mix(bot: Bot, whatsapp: StartEmulator) -> None:
    one, two = await whatsapp(bot.url), await whatsapp(bot.url)
    await one.client.text(ASHA, "hi")
    assert await two.client.messages(ASHA) == []


def test_the_configuration_is_read_from_the_file_named_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "emulator.json"
    file.write_text('{"webhook_url": "http://127.0.0.1:1/x", "users": [{"wa_id": "1", "nmae": "A"}], "colour": 1}')
    monkeypatch.setenv(CONFIG_ENV, str(file))
    settings = load_settings(None)
    assert settings.webhook_url == "http://127.0.0.1:1/x"
    assert settings.unknown_keys() == ["colour", "users[0].nmae"]


def test_a_number_without_its_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="app_secret"):
        EmulatorSettings.model_validate({"numbers": [{"phone_number_id": "1", "waba_id": "2"}]})
