"""The admin app in a real Chromium: sign in, open every page on a laptop and on a phone, in light and in dark, and look for what is wrong.

The pictures are kept in the folder of the environment variable PICTURES, else in pytest's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.staff import DOMAIN, PASSWORD
from tests.e2e.camera import camera, filmed
from tests.e2e.stack import Stack, running
from tests.e2e.test_browser import PATIENCE_MS, open_browser

pyvips = pytest.importorskip("pyvips")

pytestmark = pytest.mark.slow

SIZES = {"laptop": (1440, 900), "phone": (390, 844)}
DOORS = ("/login", "/register", "/forgot", "/reset?token=x", "/invitation?token=x")
BESIDE_THE_MENU = ("/profile", "/events/new", "/events?show=past")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With the demo's past."""
    with running(tmp_path_factory.mktemp("admin"), DEMO__HISTORY="true", WORKER__BULK=0, WORKER__RENDER=0) as stack:
        yield stack


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    found = Path(os.environ.get("PICTURES") or tmp_path / "pictures")
    found.mkdir(parents=True, exist_ok=True)
    return found


class Watched:
    """A page of the browser, and what it should not have done."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.wrong: list[str] = []
        page.on("console", lambda message: self._note(message.type == "error", f"console: {message.text}"))
        page.on("pageerror", lambda error: self._note(True, f"script: {error}"))
        page.on("request", lambda request: self._note(self._is_elsewhere(request.url), f"request: {request.url}"))

    def _note(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.append(f"{self.page.url}: {what}")

    def _is_elsewhere(self, url: str) -> bool:
        host = self.base.partition("://")[2]
        return not url.startswith((self.base, f"ws://{host}", "data:", "blob:"))

    async def look(self, path: str, picture: Path) -> None:
        await self.page.goto(self.base + path)
        await self.page.wait_for_load_state("networkidle")
        await self.page.wait_for_function("!document.querySelector('[aria-busy=true]')")
        await self.page.wait_for_timeout(350)  # charts are drawn
        wide = await self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if wide[0] > wide[1]:
            self.wrong.append(f"{path}: scrolls sideways, {wide[0]} of {wide[1]} px")
        await self.page.screenshot(path=str(picture), full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_page_is_whole(alive: Stack, pictures: Path, size: str, theme: str) -> None:
    base = alive.state.urls["admin"]
    async with open_browser() as browser:
        width, height = SIZES[size]
        context = await browser.new_context(viewport={"width": width, "height": height})
        cookies = {"cn_theme": theme, "cn_locale": "en"}
        await context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        watched = Watched(page, base)
        for path in DOORS:
            await watched.look(path, pictures / _name(path, size, theme))
        await _sign_in(page, base)
        await _change_to(page, "Savanna Events")
        for path in await _everywhere(page, base):
            await watched.look(path, pictures / _name(path, size, theme))
        assert watched.wrong == []


async def test_pictures_of_the_readme(alive: Stack, pictures: Path) -> None:
    """Four of them, small; `docs/pictures` has those of the last release."""
    base = alive.state.urls["admin"]
    async with open_browser() as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        await context.add_cookies(
            [
                {"name": name, "value": value, "url": base}
                for name, value in {"cn_theme": "light", "cn_locale": "en"}.items()
            ]
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await _sign_in(page, base, "admin")
        await page.goto(f"{base}/events")
        event = await page.locator("a.cn-row").nth(1).get_attribute("href")
        for name, path in {
            "command-center": "/",
            "inbox": "/inbox",
            "workshop": "/skills/events",
            "event": event,
        }.items():
            await page.goto(f"{base}{path}")
            await page.wait_for_load_state("networkidle")
            await SHOWN[name](page)
            await page.wait_for_timeout(500)  # charts are drawn, menus have faded
            shot = await page.screenshot()
            picture = pyvips.Image.new_from_buffer(shot, "")
            assert picture.height == 800
            picture.webpsave(str(pictures / f"{name}.webp"), Q=82)


async def _nothing(page: Any) -> None:
    """It is there."""


async def _open_a_conversation(page: Any) -> None:
    await page.locator(".ib-row", has_text="Zawadi").first.click()
    await page.locator(".ib-item").first.wait_for()


async def _talk_to_the_draft(page: Any) -> None:
    await page.locator(".cn-side input").first.fill("events")
    await page.locator(".cn-side input").first.press("Enter")
    await page.locator(".cn-side .cn-wa-list").wait_for()


SHOWN = {
    "command-center": _nothing,
    "inbox": _open_a_conversation,
    "workshop": _talk_to_the_draft,
    "event": _nothing,
}


async def test_what_is_typed_survives_a_lost_socket_and_a_reload(alive: Stack) -> None:
    """A text area of a form, and the editor of a skill; what was saved comes back no more."""
    base = alive.state.urls["admin"]
    async with open_browser() as browser:
        page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
        page.set_default_timeout(PATIENCE_MS)
        await _sign_in(page, base, "admin")
        await page.goto(f"{base}/settings")
        area = page.locator("textarea[data-keep]")
        await _lose_the_socket(page)
        await area.fill("We are back on Monday at nine.")
        await page.reload()
        await _becomes(page, area, "We are back on Monday at nine.")
        await page.get_by_role("button", name="Save").last.click()
        await page.get_by_text("Saved").wait_for()
        await area.fill("")
        await page.reload()
        await _becomes(page, area, "We are back on Monday at nine.")  # as it was saved

        await page.goto(f"{base}/skills/assistant")
        await page.locator(".cm-content[aria-label]").click()
        await page.keyboard.press("Control+End")
        await _lose_the_socket(page)
        await page.keyboard.type("# a thought")
        await page.reload()
        await page.locator(".cm-line", has_text="# a thought").wait_for()
        await page.get_by_text("1 file not published").wait_for()  # and by now the server has it too


async def _lose_the_socket(page: Any) -> None:
    await page.wait_for_load_state("networkidle")
    await page.evaluate("window.socket.disconnect()")


async def _becomes(page: Any, area: Any, text: str) -> None:
    handle = await area.element_handle()
    await page.wait_for_function("([area, text]) => area.value === text", arg=[handle, text])


async def test_the_palette_opens_by_key_and_leads_to_a_page(alive: Stack) -> None:
    base = alive.state.urls["admin"]
    async with open_browser() as browser:
        page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
        page.set_default_timeout(PATIENCE_MS)
        await _sign_in(page, base)
        await page.keyboard.press("Control+k")
        await page.locator(".cn-palette input").fill("audi")
        await (
            page.locator(".cn-result", has_text="Audit log")
            .or_(page.locator(".cn-result", has_text="Kumbukumbu"))
            .wait_for()
        )
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{base}/audit")


async def test_a_ticket_is_let_in_at_the_door(alive: Stack) -> None:
    base = alive.state.urls["admin"]
    async with open_browser() as browser:
        page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
        page.set_default_timeout(PATIENCE_MS)
        await _sign_in(page, base, "event-manager")
        await page.goto(f"{base}/events")
        event = await page.locator("a.cn-row").first.get_attribute("href")
        await page.goto(f"{base}{event}/people")
        code = (await page.get_by_text(re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}$")).first.text_content()).strip()
        await page.goto(f"{base}{event}/check-in")
        for verdict in ("good", "warn"):
            await page.locator(".cn-code-field input").fill(code)
            await page.keyboard.press("Enter")
            await page.locator(f".cn-verdict.{verdict}").wait_for()


async def test_the_camera_lets_in_once_and_says_who_came_before(alive: Stack, tmp_path: Path) -> None:
    base, film = alive.state.urls["admin"], tmp_path / "ticket.y4m"
    async with open_browser(*camera(film)) as browser:
        page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
        page.set_default_timeout(PATIENCE_MS)
        await _sign_in(page, base, "event-manager")
        await page.goto(f"{base}/events")
        event = await page.locator("a.cn-row").first.get_attribute("href")
        await page.goto(f"{base}{event}/people")
        code = (await page.get_by_text(re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}$")).nth(1).text_content()).strip()
        film.write_bytes(filmed(code))
        await page.goto(f"{base}{event}/check-in")
        assert await page.locator("[data-wish=sound][aria-pressed=false]").count() == 1
        for verdict in ("good", "warn"):
            await page.locator(".cn-scan-start").click()
            await page.locator(f".cn-verdict.{verdict}").wait_for()
            await page.locator(".cn-scan-start").click()
            await page.wait_for_timeout(2_200)  # out of view
        assert "Came in before" in await page.locator(".cn-verdict.warn").text_content()


async def _sign_in(page: Any, base: str, who: str = "owner") -> None:
    await page.goto(f"{base}/login")
    await page.locator("input[type=email]").fill(f"{who}@{DOMAIN}")
    await page.locator("input[type=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator(".cn-header").wait_for()


async def _change_to(page: Any, organization: str) -> None:
    """By the header's switch, unless it is there already."""
    if await page.locator(".cn-brand-name").text_content() == organization:
        return
    await page.locator(".cn-header button[title]").last.click()
    await page.locator(".q-item", has_text=organization).click()
    await page.locator(".cn-brand-name", has_text=organization).wait_for(state="attached")  # hidden on a phone


async def _everywhere(page: Any, base: str) -> list[str]:
    """What the menu offers, and the pages behind it."""
    menu = await page.locator(".cn-nav").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    await page.goto(f"{base}/events")
    event = await page.locator("a.cn-row").first.get_attribute("href")
    views = await _views(page, base + event)
    return [*menu, *BESIDE_THE_MENU, *views]


async def _views(page: Any, event: str) -> list[str]:
    await page.goto(event)
    found: list[str] = await page.locator(".cn-title .cn-segments a").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    return found


def _name(path: str, size: str, theme: str) -> str:
    plain = UUID.sub("one", path.partition("=")[0].strip("/")).replace("/", "-").replace("?", "-") or "command-center"
    return f"{plain}.{size}.{theme}.png"
