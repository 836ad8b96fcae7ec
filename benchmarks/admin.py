"""The admin app with 10,000 conversations and 1,000,000 messages: first paint of each page, the inbox after a webhook, 200 open sockets.

Beside the least that a page of NiceGUI is, in a process of its own. The menu's pages, others, a long conversation and a person are looked at in Chromium; cold is a
browser that has nothing of ours, warm one that was here before.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from benchmarks.child import Child, free_port, run_json, running
from benchmarks.chromium import chromium, paint_ms, seconds_until_shown
from benchmarks.deliveries import Deliveries
from benchmarks.stand import Stand
from benchmarks.table import Line, median, percentile
from bot.config import Configuration
from bot.demo.crowd.load import Wanted, put_crowd
from bot.demo.staff import DOMAIN, PASSWORD, put_staff
from bot.runtime import open_store
from store import db
from store.crypto import install_keyring
from store.embedded import Role

__all__ = ["ORGANIZATIONS", "run"]

ORGANIZATIONS = 1
CONVERSATIONS = 10_000
MESSAGES = 1_000_000
LOOKS = 3  # at each page, cold and warm; the median counts
MORE = (
    "/contacts/book",
    "/contacts/import",
    "/contacts/merge",
    "/events/new",
    "/skills/assistant",
    "/profile",
)  # in no menu
WEBHOOKS = 12
SOCKETS = 200
HOLD_S = 10.0
PAINT_MS = 1_000
SHOWN_S = 1.0
MOST_MB = 500


def run(stand: Stand) -> Sequence[Line]:
    began = time.monotonic()
    asyncio.run(_fill(stand))
    seeded = time.monotonic() - began
    web, admin, floor = free_port(), free_port(), free_port()
    environment = stand.environment(WEB__PORT=str(web), ADMIN__PORT=str(admin), STORE__POOL_MAX="4")
    with (
        running("web", "channels", environment=environment, folder=stand.folder, url=f"http://127.0.0.1:{web}/readyz"),
        running(
            "admin", "admin_ui", environment=environment, folder=stand.folder, url=f"http://127.0.0.1:{admin}/healthz"
        ) as ours,
        running(
            "floor-page",
            "benchmarks.floors.page",
            environment={"FLOOR_PORT": str(floor)},
            folder=stand.folder,
            url=f"http://127.0.0.1:{floor}/",
        ) as bare,
    ):
        urls = {"project": f"http://127.0.0.1:{admin}", "floor": f"http://127.0.0.1:{floor}"}
        cookie, paths, lines = asyncio.run(_look(stand, urls, web))
        sockets = {
            name: _memory(child, urls[name], cookie, paths if name == "project" else ["/"])
            for name, child in (("project", ours), ("floor", bare))
        }
    return [
        Line(f"seeding {MESSAGES:,} messages", seeded, None, "s"),
        *lines,
        Line(
            f"admin process with {SOCKETS} sockets",
            sockets["project"],
            sockets["floor"],
            "MB",
            f"project < {MOST_MB} MB",
            sockets["project"] < MOST_MB,
        ),
    ]


async def _fill(stand: Stand) -> None:
    await open_store(Configuration.read(stand.environment()), "bench")
    try:
        await put_staff(stand.organizations)
        wanted = Wanted(CONVERSATIONS, MESSAGES)
        slug = stand.organizations[0].slug
        await put_crowd(slug, wanted, data=stand.folder, owner_dsn=stand.postgres.dsn(Role.OWNER), tell=_tell)
    finally:
        install_keyring(None)
        await db.close()


async def _look(stand: Stand, urls: dict[str, str], web: int) -> tuple[str, list[str], list[Line]]:
    async with chromium() as browser:
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        await _sign_in(page, urls["project"])
        cookies = await context.cookies()
        menu = await page.evaluate(
            "[...document.querySelectorAll('.cn-sidebar a.cn-nav')].map(each => each.getAttribute('href'))"
        )
        paths = [*menu, *MORE, *await _long_ones(stand)]
        lines = await _paints(browser, context, cookies, urls, paths)
        lines += await _arrivals(stand, browser, page, urls, web)
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in cookies)
    return cookie, paths, lines


async def _sign_in(page: Any, url: str) -> None:
    await page.goto(f"{url}/login")
    await page.get_by_label("E-mail").fill(f"owner@{DOMAIN}")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.locator(".cn-sidebar").wait_for()


async def _long_ones(stand: Stand) -> list[str]:
    connection = await asyncpg.connect(stand.postgres.dsn(Role.SUPERUSER))
    try:
        row = await connection.fetchrow(
            "SELECT session_id, contact_id FROM messages GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1"
        )
    finally:
        await connection.close()
    return [f"/inbox?session={row['session_id']}", f"/contacts/{row['contact_id']}"]


async def _paints(browser: Any, context: Any, cookies: Any, urls: dict[str, str], paths: list[str]) -> list[Line]:
    cold: dict[str, dict[str, float]] = {"project": {}, "floor": {}}
    warm: dict[str, dict[str, float]] = {"project": {}, "floor": {}}
    page = await context.new_page()
    for name, path in [pair for each in paths for pair in (("project", each), ("floor", "/"))]:
        key = path if name == "project" else str(len(cold["floor"]))
        cold[name][key] = median([await _cold(browser, cookies, urls[name] + path) for _ in range(LOOKS)])
        warm[name][key] = median([await paint_ms(page, urls[name] + path) for _ in range(LOOKS)])
        if name == "project":
            _tell(f"{path:50.50} cold {cold[name][key]:6.0f} ms, warm {warm[name][key]:6.0f} ms")
    lines = []
    for word, found in (("cold", cold), ("warm", warm)):
        slowest = max(found["project"], key=lambda each: found["project"][each])
        worst, middle, floor = (
            found["project"][slowest],
            median([*found["project"].values()]),
            median([*found["floor"].values()]),
        )
        shown = slowest.partition("?")[0].rpartition("/0")[0] or slowest.partition("?")[0]
        lines += [
            Line(
                f"first paint {word}, slowest of {len(paths)} pages ({shown})",
                worst,
                floor,
                "ms",
                f"project < {PAINT_MS} ms",
                worst < PAINT_MS,
            ),
            Line(f"first paint {word}, median page", middle, floor, "ms"),
        ]
    return lines


async def _cold(browser: Any, cookies: Any, url: str) -> float:
    fresh = await browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        await fresh.add_cookies(cookies)
        return await paint_ms(await fresh.new_page(), url)
    finally:
        await fresh.close()


async def _arrivals(stand: Stand, browser: Any, page: Any, urls: dict[str, str], web: int) -> list[Line]:
    """From sending the webhook to the open inbox showing it."""
    number = {key: getattr(stand.organizations[0], key) for key in ("phone_number_id", "waba_id", "app_secret")}
    beside = await (await browser.new_context()).new_page()
    await page.goto(f"{urls['project']}/inbox")
    await page.locator(".ib-row").first.wait_for()
    await page.bring_to_front()
    await beside.goto(urls["floor"])
    await beside.locator(".said").wait_for()
    taken: dict[str, list[float]] = {"project": [], "floor": []}
    async with aiohttp.ClientSession() as session:
        for n in range(WEBHOOKS):
            text = f"message {n} {time.time_ns()}"
            body, signature, _ = Deliveries(
                number, run=f"seen{n}{time.time()}", people=1, first=70_000_000 + n, text=text
            ).following()
            headers = {"X-Hub-Signature-256": signature.decode(), "Content-Type": "application/json"}
            since = time.monotonic()
            async with session.post(f"http://127.0.0.1:{web}/webhooks/whatsapp", data=body, headers=headers) as answer:
                answer.raise_for_status()
            taken["project"].append(await seconds_until_shown(page, ".ib-list", text, since))
            since = time.monotonic()
            async with session.post(f"{urls['floor']}/say", data=text) as answer:
                answer.raise_for_status()
            taken["floor"].append(await seconds_until_shown(beside, ".said", text, since))
    p95 = {name: percentile(each, 0.95) for name, each in taken.items()}
    middle = {name: median(each) for name, each in taken.items()}
    return [
        Line("webhook to the open inbox, median", middle["project"], middle["floor"], "s"),
        Line("... p95", p95["project"], p95["floor"], "s", f"project < {SHOWN_S:g} s", p95["project"] < SHOWN_S),
    ]


def _memory(child: Child, url: str, cookie: str, paths: list[str]) -> float:
    """MB resident, at most, while the sockets are open."""
    given = {"url": url, "cookie": cookie, "paths": paths, "count": SOCKETS, "hold_s": HOLD_S}
    most = 0.0
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(run_json, "benchmarks.sockets", given=given, timeout_s=300)
        while not opened.done():
            most = max(most, _resident_mb(child.pid))
            time.sleep(0.2)
    if opened.result()["open"] != SOCKETS:
        raise RuntimeError(f"{child.name}: {opened.result()['open']} of {SOCKETS} sockets stayed open")
    return most


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _tell(text: str) -> None:
    print(f"admin: {text}", file=sys.stderr)
