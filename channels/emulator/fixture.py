"""A pytest plug-in: an emulator in the test's own process, on a free port.

In a conftest: `pytest_plugins = ["channels.emulator.fixture"]`, then

    async def test_greeting(whatsapp):
        emulator = await whatsapp(webhook_url=my_bot_url)
        reply = await emulator.client.ask("254711000001", "hi")
        assert "Welcome" in reply["text"]
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from channels.emulator.app import serve
from channels.emulator.client import EmulatorClient
from channels.emulator.emulator import Emulator
from channels.emulator.settings import EmulatorSettings, Limits, NumberSettings, UserSettings

# Nothing in a test should wait for a person's pace or for Meta's patience.
FAST: dict[str, Any] = {
    "retry_schedule_s": (0.05, 0.1, 0.2, 0.4, 0.8, 1.0),
    "sent_after_s": 0.0,
    "delivered_after_s": 0.01,
    "read_after_s": 0.03,
    "template_review_s": 0.05,
}


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """An emulator and its client; `number` is the first number's settings."""

    emulator: Emulator
    client: EmulatorClient
    base_url: str

    @property
    def number(self) -> NumberSettings:
        return self.emulator.settings.numbers[0]


StartEmulator = Callable[..., Awaitable[RunningEmulator]]


def test_settings(webhook_url: str, **changes: Any) -> EmulatorSettings:
    """Two numbers of two organizations, two people, quick statuses; `changes` are further settings."""
    numbers = [
        NumberSettings(
            phone_number_id=f"10654035224292{i}",
            waba_id=f"10229012934039{i}",
            display_phone_number=f"+254 700 000 00{i}",
            name=f"Organization {i}",
            app_id=f"10000000000000{i}",
            app_secret=f"app-secret-{i}",
            verify_token=f"verify-token-{i}",
            access_token=f"access-token-{i}",
        )
        for i in (1, 2)
    ]
    users = [UserSettings(wa_id="254711000001", name="Asha"), UserSettings(wa_id="254711000002", name="Brian Ñandú")]
    return EmulatorSettings(
        **{"webhook_url": webhook_url, "numbers": numbers, "users": users, "limits": Limits(), **FAST, **changes}
    )


test_settings.__test__ = False  # type: ignore[attr-defined]  # a helper, not a test


@asynccontextmanager
async def running(settings: EmulatorSettings) -> AsyncIterator[RunningEmulator]:
    async with serve(settings) as emulator, EmulatorClient(emulator.base_url) as client:
        yield RunningEmulator(emulator, client, emulator.base_url)


@pytest.fixture
async def whatsapp() -> AsyncIterator[StartEmulator]:
    """Starts emulators; each ends with the test. Call with `webhook_url` and any settings, or with `settings`."""
    async with AsyncExitStack() as stack:

        async def start(
            webhook_url: str = "http://127.0.0.1:9/", *, settings: EmulatorSettings | None = None, **changes: Any
        ) -> RunningEmulator:
            return await stack.enter_async_context(running(settings or test_settings(webhook_url, **changes)))

        yield start
