"""The emulator's own plug-in, and a small bot for it to talk to."""

from collections.abc import AsyncIterator

import pytest

from channels.emulator.fixture import RunningEmulator, StartEmulator, whatsapp
from tests.channels.emulator.bot import Bot

__all__ = ["whatsapp"]


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    bot = Bot()
    await bot.start()
    yield bot
    await bot.close()


@pytest.fixture
async def emulator(bot: Bot, whatsapp: StartEmulator) -> RunningEmulator:
    """An emulator whose webhooks go to `bot`, and whose API `bot` calls."""
    running = await whatsapp(bot.url)
    bot.graph_url = running.base_url
    return running
