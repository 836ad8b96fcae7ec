"""The page in a real browser: a chat by mouse and by keyboard, two people, the clock, the wire, a small screen."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.emulator.fixture import RunningEmulator
from tests.channels.emulator.bot import ASHA, BRIAN, NUMBER, PNG, Bot
from tests.channels.emulator.shop import Shop
from tests.channels.emulator.test_media import multipart

playwright = pytest.importorskip("playwright.async_api")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium on this machine"),
]

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


class Concierge:
    """hi -> buttons; a tap -> a list; a row -> the ticket picture."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def __call__(self, message: dict[str, Any], number: str) -> None:
        to = message["from"]
        await self.bot.call(
            "POST",
            f"{number}/messages",
            {"messaging_product": "whatsapp", "status": "read", "message_id": message["id"]},
        )
        kind = message.get("interactive", {}).get("type")
        if kind == "button_reply":
            rows = [{"id": f"e{i}", "title": f"Event {i}", "description": "Nairobi"} for i in range(3)]
            action = {"button": "See events", "sections": [{"title": "Soon", "rows": rows}]}
            interactive: dict[str, Any] = {"type": "list", "body": {"text": "Pick an event"}, "action": action}
        elif kind == "list_reply":
            url = f"{self.bot.graph_url}/v25.0/{NUMBER}/media"
            headers = {"Authorization": "Bearer access-token-1"}
            async with self.bot._session.post(url, data=multipart(PNG, "image/png"), headers=headers) as response:
                media_id = (await response.json())["id"]
            await self.bot.send({"type": "image", "image": {"id": media_id, "caption": "Your *ticket*"}}, to=to)
            return
        else:
            replies = [{"type": "reply", "reply": {"id": t, "title": t}} for t in ("Events", "Help")]
            interactive = {
                "type": "button",
                "body": {"text": "*Welcome* <b>friend</b>"},
                "action": {"buttons": replies},
            }
        await self.bot.send({"type": "interactive", "interactive": interactive}, to=to)


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as tool:
        browser = await tool.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        await browser.close()


async def opened(browser: Any, emulator: RunningEmulator, **context: Any) -> tuple[Any, list[str]]:
    """The page, and the list into which its errors fall."""
    page = await (await browser.new_context(**context)).new_page()
    page.set_default_timeout(8000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    await page.goto(emulator.base_url)
    await page.get_by_test_id("phone").first.wait_for()
    return page, errors


async def test_from_hi_to_the_ticket_picture(browser: Any, emulator: RunningEmulator, bot: Bot) -> None:
    bot.answer = Concierge(bot)
    page, errors = await opened(browser, emulator, viewport={"width": 1280, "height": 800})
    phone = page.get_by_test_id("phone").first
    await phone.get_by_test_id("composer-input").fill("hi")
    await phone.get_by_test_id("send-button").click()
    await phone.get_by_test_id("option-button").get_by_text("Events").click()
    await phone.get_by_test_id("list-open").click()
    await page.get_by_test_id("list-row").nth(1).click()
    image = phone.get_by_test_id("image")
    await image.wait_for()
    assert await image.evaluate("async (i) => { await i.decode(); return i.naturalWidth }") == 1
    welcome = phone.locator('[data-direction="out"]').first
    assert await welcome.locator("strong").inner_text() == "Welcome"
    assert "<b>friend</b>" in await welcome.inner_text()  # shown, not run
    await phone.locator('[data-testid="ticks"][data-status="read"]').first.wait_for()
    assert await page.get_by_test_id("phone").nth(1).get_by_test_id("message").count() == 0
    assert errors == []


async def test_the_keyboard_alone_is_enough(browser: Any, emulator: RunningEmulator, bot: Bot) -> None:
    bot.answer = Concierge(bot)
    page, errors = await opened(browser, emulator, viewport={"width": 1280, "height": 800})
    phone = page.get_by_test_id("phone").first
    focused = "() => document.activeElement.dataset.testid || document.activeElement.className"
    for _ in range(25):
        await page.keyboard.press("Tab")
        if await page.evaluate(focused) == "composer-input":
            break
    await page.keyboard.type("hi")
    await page.keyboard.press("Enter")
    await phone.get_by_test_id("option-button").first.wait_for()
    await page.keyboard.press("ArrowUp")
    assert await page.evaluate(focused) == "message"
    await page.keyboard.press("Tab")
    assert await page.evaluate(focused) == "option-button"
    await page.keyboard.press("Enter")
    await phone.get_by_test_id("list-open").focus()
    await page.keyboard.press("Enter")
    await page.get_by_test_id("list-row").first.wait_for()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await phone.get_by_test_id("image").wait_for()
    assert "Event 1" in [m["text"] for m in await emulator.client.messages(ASHA, direction="in")]
    assert errors == []


async def test_who_stands_on_a_button_stands_on_it_when_the_message_changes(
    browser: Any, emulator: RunningEmulator, bot: Bot
) -> None:
    """Ticks come at any moment, and a bubble is drawn anew for each of them."""
    bot.answer = Concierge(bot)
    page, errors = await opened(browser, emulator, viewport={"width": 1280, "height": 800})
    phone = page.get_by_test_id("phone").first
    await phone.get_by_test_id("composer-input").fill("hi")
    await phone.get_by_test_id("send-button").click()
    welcome = phone.locator('[data-direction="out"]').first
    await welcome.get_by_test_id("option-button").nth(1).focus()
    message_id = await welcome.get_attribute("data-id")
    await bot.send({"type": "reaction", "reaction": {"message_id": message_id, "emoji": "\N{THUMBS UP SIGN}"}})
    await welcome.get_by_text("\N{THUMBS UP SIGN}").wait_for()
    assert await page.evaluate("() => document.activeElement.innerText") == "Help"
    await page.keyboard.press("Enter")
    await phone.locator('[data-direction="in"]', has_text="Help").wait_for()
    assert errors == []


async def test_a_new_person_the_clock_and_the_wire(browser: Any, emulator: RunningEmulator, bot: Bot) -> None:
    page, errors = await opened(browser, emulator, viewport={"width": 1280, "height": 800})
    await page.get_by_test_id("user-add").click()
    await page.get_by_test_id("new-name").fill("Chela")
    await page.get_by_test_id("new-phone").fill("+254 711 000 777")
    await page.keyboard.press("Enter")
    phone = page.locator('[data-testid="phone"][data-wa-id="254711000777"]')
    await phone.get_by_test_id("number-select").select_option(label="Organization 2")
    await phone.get_by_test_id("say-hi").click()
    await phone.get_by_text("window open").wait_for()
    await page.get_by_test_id("clock-plus-25h").click()
    await phone.get_by_text("window closed").wait_for()
    assert await page.get_by_test_id("clock-shift").inner_text() == "+25 h"
    await page.get_by_test_id("wire-toggle").click()
    entry = page.get_by_test_id("wire-entry").first
    await entry.locator("summary").click()
    shown = await entry.locator(".entry-body").inner_text()
    assert "X-Hub-Signature-256: sha256=" in shown
    assert '"body": "hi"' in shown
    await page.keyboard.press("Escape")
    assert not await page.get_by_test_id("wire-pane").is_visible()
    await phone.get_by_test_id("phone-menu").click()
    await page.get_by_test_id("hide-phone").check()
    await page.keyboard.press("Escape")
    await phone.get_by_text("phone hidden").wait_for()
    await page.get_by_test_id("clock-reset").click()
    await phone.get_by_text("window open").wait_for()
    await emulator.client.wait_until_idle()
    assert bot.messages[0]["text"]["body"] == "hi"
    assert errors == []


async def test_attachments_replies_and_reactions(browser: Any, emulator: RunningEmulator, bot: Bot) -> None:
    page, errors = await opened(browser, emulator, viewport={"width": 1280, "height": 800})
    phone = page.get_by_test_id("phone").first
    await phone.get_by_test_id("attach").click()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_test_id("attach-image").click()
    await (await chooser.value).set_files([{"name": "me.png", "mimeType": "image/png", "buffer": PNG}])
    await phone.get_by_test_id("image").wait_for()
    await phone.get_by_test_id("attach").click()
    await page.get_by_test_id("attach-location").click()
    await page.get_by_role("button", name="Send location").click()
    await phone.locator('[data-type="location"]').wait_for()
    wamid = await bot.text("How was it?")
    answer = phone.locator(f'[data-id="{wamid}"]')
    await answer.hover()
    await answer.get_by_label("React to this message").click()
    await page.get_by_label("React 🙏").click()
    await phone.get_by_test_id("reactions").wait_for()
    await answer.hover()
    await answer.get_by_label("Reply to this message").click()
    await phone.get_by_test_id("composer-input").press_sequentially("fine")
    await page.keyboard.press("Enter")
    await phone.locator(".quote").wait_for()
    await emulator.client.wait_until_idle()
    by_type = {m["type"]: m for m in bot.messages}
    assert by_type["reaction"]["reaction"]["emoji"] == "🙏"
    assert (by_type["text"]["text"]["body"], by_type["text"]["context"]["id"]) == ("fine", wamid)
    assert {"image", "location"} <= set(by_type)
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_small_screen_in_both_themes(
    browser: Any, emulator: RunningEmulator, bot: Bot, scheme: str
) -> None:
    bot.answer = Concierge(bot)
    page, errors = await opened(browser, emulator, viewport={"width": 375, "height": 667}, color_scheme=scheme)
    phone = page.get_by_test_id("phone").first
    await phone.get_by_test_id("composer-input").fill("hi")
    await page.keyboard.press("Enter")
    await phone.get_by_test_id("option-button").first.wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    box = await phone.get_by_test_id("composer-input").bounding_box()
    assert box["y"] + box["height"] <= 667
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(n) for n in background[4:-1].split(",")) < 200) == (scheme == "dark")
    await page.get_by_test_id("theme-toggle").click()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != background
    await page.get_by_test_id("user-tab").nth(1).click()
    await page.get_by_test_id("phone").nth(1).get_by_test_id("say-hi").click()
    assert errors == []


async def test_a_push_asks_on_the_phone_and_the_keyboard_pays_it(
    browser: Any, mpesa: RunningEmulator, shop: Shop
) -> None:
    page, errors = await opened(browser, mpesa, viewport={"width": 1280, "height": 800})
    asha, brian = (page.locator(f'[data-testid="phone"][data-wa-id="{wa_id}"]') for wa_id in (ASHA, BRIAN))
    focused = "() => document.activeElement.dataset.testid"
    await brian.get_by_test_id("composer-input").fill("I am wri")
    await shop.asked_for(ASHA)
    prompt = asha.get_by_test_id("mpesa-prompt")
    await prompt.get_by_text("Pay KES 1,300 to Organization 1?").wait_for()
    assert await page.evaluate(focused) == "composer-input"  # who writes goes on writing
    await prompt.get_by_test_id("mpesa-pin").fill("0000")
    await page.keyboard.press("Enter")
    await prompt.wait_for(state="detached")
    await page.get_by_text("wrong PIN").wait_for()
    assert await page.evaluate(focused) == "composer-input"
    await shop.asked_for(ASHA)
    await prompt.wait_for()
    assert await page.evaluate(focused) == "mpesa-pin"
    await page.keyboard.press("Escape")
    await prompt.wait_for(state="detached")
    await shop.asked_for(ASHA)
    await page.reload()
    await prompt.get_by_test_id("mpesa-ignore").click()
    await prompt.wait_for(state="detached")
    await shop.asked_for(ASHA)
    await prompt.wait_for()
    await page.keyboard.type("1234")
    await page.keyboard.press("Enter")
    await page.get_by_text("paid, receipt").wait_for()
    assert [c["ResultCode"] for c in await shop.got(4)] == [2001, 1032, 1037, 0]
    await asha.get_by_test_id("phone-menu").click()
    await page.get_by_test_id("paybill").click()
    for name, value in (("account", "INV-9"), ("amount", "250"), ("pin", "1234")):
        await page.get_by_test_id(f"paybill-{name}").fill(value)
    await page.keyboard.press("Enter")
    await page.get_by_text("KES 250 to 174379: paid").wait_for()
    assert [p["amount"] for p in (await mpesa.client.mpesa_ledger())["payments"]] == [1300, 250]
    assert await brian.get_by_test_id("mpesa-prompt").count() == 0
    assert errors == []
