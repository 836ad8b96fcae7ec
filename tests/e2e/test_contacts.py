"""Contacts in a real Chromium: 1,000 of them from a file with ten bad rows, each bad one named, and all of it taken back.

With PICTURES set to a folder, the pages are kept there as pictures: on a laptop and on a phone, in light and in dark.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.staff import DOMAIN, PASSWORD
from tests.bot.contacts.book import BAD_ROWS, guests
from tests.e2e.stack import Stack, running
from tests.e2e.test_browser import PATIENCE_MS, open_browser

pytestmark = pytest.mark.slow

SIZES = {"laptop": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("contacts"), DEMO__HISTORY="true", WORKER__RENDER=0) as stack:
        yield stack


class Eyes:
    """Takes pictures, and holds what should not be: a page wider than its window, a script that failed."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.wrong: list[str] = []
        folder = os.environ.get("PICTURES", "")
        self._folder = Path(folder) if folder else None
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))

    async def look(self, name: str) -> None:
        await self.page.wait_for_timeout(400)
        for size, (width, height) in SIZES.items():
            await self.page.set_viewport_size({"width": width, "height": height})
            for theme in ("light", "dark"):
                await self.page.evaluate(f"cn.theme('{theme}')")
                await self.page.wait_for_timeout(250)
                wide, window = await self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
                if wide > window:
                    self.wrong.append(f"{name} on a {size} scrolls sideways: {wide} of {window} px")
                if self._folder is not None:
                    self._folder.mkdir(parents=True, exist_ok=True)
                    await self.page.screenshot(path=str(self._folder / f"{name}-{size}-{theme}.png"), full_page=True)
        await self.page.set_viewport_size({"width": 1440, "height": 900})
        await self.page.evaluate("cn.theme('light')")


async def test_a_thousand_contacts_come_from_a_file_and_go_again(alive: Stack, tmp_path: Path) -> None:
    base = alive.state.urls["admin"]
    organization_id = alive.organizations()[0].organization_id
    number = "SELECT count(*) FROM contacts WHERE organization_id = $1::uuid"
    before = await alive.count(number, organization_id)
    file = tmp_path / "guests.csv"
    file.write_bytes(guests(1_000, BAD_ROWS))
    async with open_browser() as browser:
        page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
        page.set_default_timeout(PATIENCE_MS)
        eyes = Eyes(page, base)
        await page.goto(f"{base}/login?next=/contacts/import")
        await page.locator("input[type=email]").fill(f"admin@{DOMAIN}")
        await page.locator("input[type=password]").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_text("Earlier files").wait_for()
        await eyes.look("import-empty")
        await page.locator("input[type=file]").set_input_files(file)
        await page.get_by_text("10 rows will not be taken").wait_for()
        for row, (_, column, _words) in BAD_ROWS.items():
            line = page.locator(".cn-row", has=page.get_by_text(f"Row {row}", exact=True))
            assert column in await line.inner_text(), row
        await eyes.look("import-preview")
        await page.get_by_role("button", name="Import", exact=True).click()
        await page.get_by_text("people you did not have").wait_for()
        await page.get_by_role("button", name="Rows to mend").wait_for()
        await eyes.look("import-done")
        assert await alive.count(number, organization_id) == before + 990
        async with page.expect_download() as report:
            await page.get_by_role("button", name="Rows to mend").click()
        assert len(_lines(await (await report.value).path())) == 11
        await page.get_by_role("link", name="See them").click()
        await (
            page.get_by_role("link", name="Guest 1000")
            .or_(page.get_by_role("link", name="Guest 1001"))
            .first.wait_for()
        )
        await eyes.look("contacts")
        await page.go_back()
        await page.get_by_role("button", name="Take it back").click()
        await page.get_by_role("button", name="Take all of it back").click()
        await page.get_by_text("Taken back: 990 contacts are as they were before.").wait_for()
        assert await alive.count(number, organization_id) == before
        await _the_other_pages(alive, page, eyes, base, tmp_path)
        assert eyes.wrong == []


def _lines(path: Path) -> list[str]:
    return Path(path).read_text("utf-8-sig").splitlines()


async def _the_other_pages(alive: Stack, page: Any, eyes: Eyes, base: str, tmp_path: Path) -> None:
    async with alive.database() as connection:
        person = await connection.fetchval("SELECT contact_id FROM messages ORDER BY created_at DESC LIMIT 1")
        two = await connection.fetch(
            "SELECT id, organization_id FROM contacts WHERE organization_id = $1::uuid ORDER BY id LIMIT 2",
            alive.organizations()[0].organization_id,
        )
        await connection.execute(
            "INSERT INTO contact_merge_proposals (id, organization_id, contact_id, other_contact_id, reason, created_at, decision, decided_by)"
            " VALUES (gen_random_uuid(), $1, $2, $3, 'one phone number, two business-scoped user ids', now(), '', '')",
            two[0]["organization_id"],
            two[0]["id"],
            two[1]["id"],
        )
    for name, path, seen in (
        ("contacts-all", "/contacts", "Everybody who wrote to you"),
        ("person", f"/contacts/{person}", "Timeline"),
        ("doubles", "/contacts/merge", "They are two people"),
        ("book", "/contacts/book", "Short marks"),
        ("knowledge", "/knowledge", "Try a question"),
    ):
        await page.goto(base + path)
        await page.get_by_text(seen).first.wait_for()
        await eyes.look(name)
    await page.get_by_label("Question", exact=True).fill("Is there parking?")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await page.get_by_text("counts as an answer").wait_for(timeout=90_000)
    await page.get_by_role("button", name="That is right").click()
    await page.get_by_role("button", name="Measure").click()
    await page.get_by_text("1 of 1").wait_for(timeout=90_000)
    await eyes.look("knowledge-asked")
