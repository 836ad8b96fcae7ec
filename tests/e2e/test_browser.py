"""A stranger in a real Chromium: from "hi" through the menu to the picture of a ticket, whose QR code is read and found true."""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack

playwright = pytest.importorskip("playwright.async_api")
zxingcpp = pytest.importorskip("zxingcpp")
pyvips = pytest.importorskip("pyvips")

ASHA, BRIAN = "254711000001", "254711000002"  # the demo's people, whose phones the page opens with
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# As `.ci/browser` looks for one; else Playwright's own.
BROWSERS = (
    os.environ.get("CHATNATION_CHROMIUM", ""),
    os.environ.get("CHROMIUM", ""),
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
PATIENCE_MS = 30_000
OUT = '[data-testid="message"][data-direction="out"]'


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with open_browser() as browser:
        yield browser


@asynccontextmanager
async def open_browser(*more: str) -> AsyncIterator[Any]:
    async with playwright.async_playwright() as tool:
        executable = next(filter(None, map(shutil.which, BROWSERS)), None)
        if executable is None and not os.path.exists(tool.chromium.executable_path):  # noqa: ASYNC240
            pytest.skip("no Chromium on this machine")
        browser = await tool.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *more])
        yield browser
        await browser.close()


async def test_from_hi_to_a_ticket_whose_code_is_true(stack: Stack, browser: Any, tmp_path: Path) -> None:
    page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(stack.state.urls["chat"])
    asha = page.locator(f'[data-testid="phone"][data-wa-id="{ASHA}"]')
    await _say(asha, "hi")
    await _choose(page, asha, "Upcoming events")
    await _choose(page, asha, "Makers' Night Market")
    await _choose(page, asha, "Register")
    await _choose(page, asha, "Entry")
    await _say(asha, "Asha Wanjiru Mwangi")
    await _say(asha, "asha at example")
    await _say(asha, "asha@example.org")
    await _choose(page, asha, "Yes, register me")
    picture = asha.get_by_test_id("image")
    await picture.wait_for()
    assert await picture.evaluate("async (i) => { await i.decode(); return i.naturalWidth }") >= 600
    await page.wait_for_timeout(500)  # it fades in
    await page.screenshot(path=tmp_path / "chat.png")

    source = await picture.get_attribute("src")
    png = await (await page.request.get(f"{stack.emulator_url}{source}")).body()
    (tmp_path / "ticket").write_bytes(png)
    grey = pyvips.Image.new_from_buffer(png, "").colourspace("b-w").extract_band(0)
    [code] = zxingcpp.read_barcodes(memoryview(grey.write_to_memory()).cast("B", (grey.height, grey.width)))
    assert re.fullmatch(r"CN1\.[A-Z2-7]+\.[A-Z2-7]+", code.text)
    async with stack.database() as connection:
        [ticket] = await connection.fetch(
            "SELECT t.id, t.code, t.holder_name, t.status FROM events_tickets t JOIN contacts c ON c.id = t.contact_id"
            " WHERE c.name = 'Asha Mwangi'"
        )
    assert (ticket["holder_name"], ticket["status"]) == ("Asha Wanjiru Mwangi", "valid")
    assert code.text.split(".")[1] == _base32(ticket["id"].bytes)

    await _the_other_organization_knows_nothing_of_it(stack, page, ticket["code"])
    assert await asha.get_by_test_id("image").count() == 1


async def _the_other_organization_knows_nothing_of_it(stack: Stack, page: Any, code: str) -> None:
    brian = page.locator(f'[data-testid="phone"][data-wa-id="{BRIAN}"]')
    await brian.get_by_test_id("number-select").select_option(label=stack.organizations()[1].name)
    await _say(brian, "tiketi zangu")
    await _say(brian, "matukio")
    await brian.get_by_text("Tamasha").first.wait_for()
    said = await brian.get_by_test_id("chat-log").inner_text()
    assert "Market" not in said
    assert "Asha" not in said
    assert code not in said


async def _say(phone: Any, text: str) -> None:
    """Writes it, and waits for the answer."""
    async with _answered(phone):
        await phone.get_by_test_id("composer-input").fill(text)
        await phone.get_by_test_id("send-button").click()


async def _choose(page: Any, phone: Any, title: str) -> None:
    """Taps a button of the last message, or a row of its list, and waits for the answer."""
    async with _answered(phone):
        last = phone.locator(OUT).last
        button = last.get_by_test_id("option-button").get_by_text(title)
        if await button.count():
            await button.click()
            return
        await last.get_by_test_id("list-open").click()
        await page.get_by_test_id("list-row").get_by_text(title).first.click()


@asynccontextmanager
async def _answered(phone: Any) -> AsyncIterator[None]:
    seen = await phone.locator(OUT).count()
    yield
    await phone.locator(OUT).nth(seen).wait_for()


def _base32(value: bytes) -> str:
    return base64.b32encode(value).decode().rstrip("=")
