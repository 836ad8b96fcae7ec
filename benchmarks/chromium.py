"""A real Chromium that looks at pages: how soon they are painted, and how soon they show what came in."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["chromium", "paint_ms", "seconds_until_shown"]

BROWSERS = (
    os.environ.get("CHATNATION_CHROMIUM", ""),
    os.environ.get("CHROMIUM", ""),
    "chromium",
    "chromium-browser",
    "google-chrome",
)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
PATIENCE_MS = 60_000
POLLED_MS = 10  # not by frames: a page behind another has one a second
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_SHOWN = "([where, text]) => document.querySelector(where)?.textContent.includes(text)"


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright  # of the extra `test`

    async with async_playwright() as tool:
        browser = await tool.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS)), None), args=ARGUMENTS
        )
        yield browser
        await browser.close()


async def paint_ms(page: Any, url: str) -> float:
    """From asking for the page to its first text."""
    await page.goto(url, timeout=PATIENCE_MS)
    handle = await page.wait_for_function(_PAINT, timeout=PATIENCE_MS)
    return float(await handle.json_value())


async def seconds_until_shown(page: Any, where: str, text: str, since: float) -> float:
    await page.wait_for_function(_SHOWN, arg=[where, text], polling=POLLED_MS, timeout=PATIENCE_MS)
    return time.monotonic() - since
