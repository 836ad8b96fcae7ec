"""One phone of the chat page in a real Chromium, driven as a person would; every step waits for the words that must come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["OUT", "Phone"]

OUT = '[data-testid="message"][data-direction="out"]'


class Phone:
    def __init__(self, page: Any, wa_id: str) -> None:
        self._page = page
        self._phone = page.locator(f'[data-testid="phone"][data-wa-id="{wa_id}"]')

    async def say(self, text: str, *then: str) -> None:
        """Writes it, and waits until each text of `then` has come once more than before."""
        async with self._answered(then):
            await self._phone.get_by_test_id("composer-input").fill(text)
            await self._phone.get_by_test_id("send-button").click()

    async def tap(self, title: str, *then: str, of: str = "") -> None:
        """A button or a row of the last message that has some; of an old one by the words in it."""
        has_some = self._page.locator('[data-testid="option-button"], [data-testid="list-open"]')
        messages = self._phone.locator(OUT).filter(has=has_some)
        message = messages.filter(has_text=of).first if of else messages.last
        async with self._answered(then):
            button = message.get_by_test_id("option-button").get_by_text(title)
            if await button.count():
                await button.first.click()
                return
            await message.get_by_test_id("list-open").click()
            await self._page.get_by_test_id("list-row").get_by_text(title).first.click()

    async def picture(self) -> None:
        """Waits for one, and until it is drawn."""
        image = self._phone.get_by_test_id("image").last
        await image.wait_for()
        assert await image.evaluate("async (i) => { await i.decode(); return i.naturalWidth }") >= 600

    @asynccontextmanager
    async def _answered(self, then: tuple[str, ...]) -> AsyncIterator[None]:
        waited = [(found := self._with(text), await found.count()) for text in then]
        yield
        for found, before in waited:
            await found.nth(before).wait_for()

    def _with(self, text: str) -> Any:
        return self._phone.locator(OUT).filter(has_text=text)
