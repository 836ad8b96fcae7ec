"""The emulator's own plug-in, and a small bot for it to talk to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.emulator.fixture import RunningEmulator, StartEmulator, whatsapp
from channels.emulator.mpesa.settings import BusinessSettings, MpesaSettings
from tests.channels.emulator.bot import Bot
from tests.channels.emulator.shop import PASSKEY, SHORTCODE, TILL, Shop

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


def _business(shortcode: str = SHORTCODE, **changes: Any) -> BusinessSettings:
    keys = {"consumer_key": "demo-consumer-key", "consumer_secret": "demo-consumer-secret"}
    settings = {"name": "Organization 1", "passkey": PASSKEY, "tills": (TILL,), "c2b_validation": True}
    return BusinessSettings.model_validate({"shortcode": shortcode} | keys | settings | changes)


@pytest.fixture
async def mpesa(whatsapp: StartEmulator) -> RunningEmulator:
    """An emulator with two businesses and patient people."""
    other = _business("600000", consumer_key="other-key", consumer_secret="other-secret")
    settings = MpesaSettings(businesses=[_business(), other], prompt_timeout_s=30.0, callback_after_s=0.01)
    return await whatsapp(mpesa=settings)


@pytest.fixture
async def shop(mpesa: RunningEmulator) -> AsyncIterator[Shop]:
    """A business that has its token already."""
    shop = Shop(mpesa.base_url)
    await shop.start()
    yield shop
    await shop.close()
