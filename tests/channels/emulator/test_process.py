"""The emulator as a process of its own: one line when ready, a clean and quick end."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from channels.emulator.client import EmulatorClient
from tests.channels.emulator.bot import ASHA, Bot

pytestmark = pytest.mark.slow

CONFIG = {
    "numbers": [
        {
            "phone_number_id": "106540352242921",
            "waba_id": "102290129340391",
            "display_phone_number": "+254 700 000 001",
            "name": "One",
            "app_id": "1",
            "app_secret": "app-secret-1",
            "verify_token": "v",
            "access_token": "access-token-1",
        }
    ],
    "users": [{"wa_id": ASHA, "name": "Asha"}],
    "retry_schedule_s": [0.1, 0.2],
}


async def start(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    """The process and the address from its one line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "channels.emulator",
        "--port",
        "0",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    assert "ready: http://127.0.0.1:" in line, line
    return process, line.split("ready: ")[1].split(" ")[0]


async def test_it_serves_and_ends_within_two_seconds_even_while_a_page_watches(bot: Bot, tmp_path: Path) -> None:
    config = tmp_path / "emulator.json"
    config.write_text(json.dumps({**CONFIG, "webhook_url": bot.url}))
    process, url = await start("--config", str(config))
    try:
        async with EmulatorClient(url) as client:
            await client.text(ASHA, "hi")
            await client.wait_until_idle()
            async with client._open().get(url + "/control/stream") as stream:
                await stream.content.readline()
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 2) == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert [m["text"]["body"] for m in bot.messages] == ["hi"]


async def test_killed_and_started_again_it_still_knows_the_chats(bot: Bot, tmp_path: Path) -> None:
    config = tmp_path / "emulator.json"
    config.write_text(json.dumps({**CONFIG, "webhook_url": "http://127.0.0.1:9/"}))
    arguments = ("--config", str(config), "--data", str(tmp_path / "data"))
    process, url = await start(*arguments)
    async with EmulatorClient(url) as client:
        await client.text(ASHA, "are you there")
        await asyncio.sleep(0.3)  # longer than the journal takes
    process.kill()
    await process.wait()
    process, url = await start(*arguments, "--webhook-url", bot.url)
    try:
        async with EmulatorClient(url) as client:
            await client.wait_until_idle()
            assert [m["text"] for m in await client.messages(ASHA)] == ["are you there"]
        assert [m["text"]["body"] for m in bot.messages] == ["are you there"]
    finally:
        process.terminate()
        await process.wait()


async def test_a_broken_configuration_is_one_clear_line(tmp_path: Path) -> None:
    config = tmp_path / "emulator.json"
    config.write_text('{"numbers": [{"phone_number_id": "1"}]}')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "channels.emulator", "--config", str(config), stderr=asyncio.subprocess.PIPE
    )
    _, error = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert b"app_secret" in error
    assert b"Traceback" not in error
