"""The web process beside its webhooks: alive, ready, and nothing more than it offers."""

from __future__ import annotations

import aiohttp

from tests.support.world import World


async def test_it_is_alive_and_ready(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{world.web_url}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with session.get(f"{world.web_url}/readyz") as answer:
            assert answer.status == 200
            assert (await answer.json())["status"] == "ready"


async def test_what_is_not_offered_is_not_there(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        for method, path, status in (
            ("GET", "/", 404),
            ("PUT", "/webhooks/whatsapp", 405),
            ("POST", "/webhooks/x", 404),
        ):
            async with session.request(method, world.web_url + path) as answer:
                assert answer.status == status, path
