"""The whole product, a person's phone and an organizer's browser: written to, taken over, answered with buttons, given back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.staff import DOMAIN, PASSWORD
from tests.e2e.stack import Stack, running
from tests.e2e.test_browser import ASHA, browser

__all__ = ["browser"]

PATIENCE_MS = 30_000
PICTURES = os.environ.get("CHATNATION_PICTURES")  # a folder for what was looked at


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("inbox"), skills=("assistant", "events"), WORKER__RENDER=0) as stack:
        yield stack


async def sign_in(browser: Any, stack: Stack, **how: Any) -> Any:
    page = await (await browser.new_context(viewport={"width": 1440, "height": 900}, **how)).new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{stack.state.urls['admin']}/login?next=/inbox")
    await page.get_by_label("E-mail").fill(f"admin@{DOMAIN}")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.locator(".ib-list").wait_for()
    return page


async def test_a_person_is_seen_taken_over_answered_and_given_back(staffed: Stack, browser: Any) -> None:
    page = await sign_in(browser, staffed)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    async with staffed.emulator() as phone:
        await phone.ask(ASHA, "language")
        row = page.locator(".ib-row").filter(has_text="Asha")
        await row.wait_for()
        await page.keyboard.press("j")
        await page.locator(".ib-thread").get_by_text("language", exact=True).wait_for()

        begun = time.monotonic()
        await phone.text(ASHA, "is anybody there?")
        await page.locator(".ib-thread").get_by_text("is anybody there?").wait_for()
        assert time.monotonic() - begun < 1.0

        await page.get_by_role("button", name="Take over").click()
        await said(phone, "is with you now")
        composer = page.locator(".ib-compose textarea")
        await composer.fill("Good morning Asha")
        await page.reload()
        composer = page.locator(".ib-compose textarea")
        await page.wait_for_function("document.querySelector('.ib-compose textarea')?.value === 'Good morning Asha'")
        await composer.press("Enter")
        await said(phone, "Good morning Asha")
        await page.locator(".ib-item.out").get_by_text("Good morning Asha").wait_for()
        assert await composer.input_value() == ""

        await page.get_by_role("button", name="Buttons or a list").click()
        builder = page.get_by_role("dialog", name="Buttons or a list")
        await builder.get_by_label("Text").fill("Which day suits you?")
        await builder.get_by_label("Option 1", exact=True).fill("Friday")
        await builder.get_by_label("Option 2", exact=True).fill("Saturday")
        await builder.locator(".cn-wa-button").get_by_text("Saturday").wait_for()
        await picture(page, "builder")
        await builder.get_by_role("button", name="Send").click()
        await said(phone, "Which day suits you?")
        await phone.tap(ASHA, "Saturday")
        await page.locator(".ib-item.in .ib-tap").get_by_text("Saturday").wait_for()
        assert await staffed.count("SELECT count(*) FROM outbox WHERE state <> 'dead'") == 0
        await picture(page, "thread")

        await page.get_by_role("button", name="Give back to the bot").click()
        await said(phone, "The assistant answers again")
        await page.get_by_role("button", name="Take over").wait_for()
        answered = await phone.ask(ASHA, "English")
        assert "English" in str(answered)
        await page.locator(".ib-head h2").click()
        await page.keyboard.press("e")
        await page.get_by_role("button", name="Reopen").wait_for()
        assert await staffed.count("SELECT count(*) FROM conversations WHERE closed_at IS NOT NULL") == 1
    assert errors == []


async def said(phone: Any, text: str, *, timeout_s: float = 10.0) -> None:
    ends = time.monotonic() + timeout_s
    while text not in str(await phone.messages(ASHA)):
        assert time.monotonic() < ends, f"{text!r} never arrived"


async def picture(page: Any, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")
