"""What people write goes to no tracing service, whatever the environment says."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from aiohttp import web


async def test_nothing_is_sent_to_langsmith() -> None:
    posts: list[str] = []

    async def take(request: web.Request) -> web.Response:
        if request.method == "POST":
            posts.append(request.path)
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    environment = {
        **os.environ,
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_API_KEY": "x",
        "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{port}",
    }
    try:
        probe = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bot.router.tracing_probe",
            cwd=Path(__file__).parents[3],
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert probe.stdout is not None
        line = await asyncio.wait_for(probe.stdout.readline(), 60)
        assert line == b"between\n"
        assert posts == []
        await asyncio.wait_for(probe.communicate(b"\n"), 60)
        assert probe.returncode == 0
        assert posts  # the control: a graph that is run without care is told about
    finally:
        await runner.cleanup()
