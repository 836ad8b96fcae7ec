"""What a skill's manifest says it may do is what its actions and jobs can do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.manifest import Capabilities
from bot.registry import Registry
from bot.testing import Stage
from tests.support.database import Database

BY_NETWORK = ("aiohttp", "urllib")
BY_READING = ("model", "sql")
BY_WRITING = ("update", "save")


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Of a server that the skill calls."""
    app = web.Application()

    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://localhost:{found}/")

    async def here(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app.router.add_get("/", here)
    app.router.add_get("/away", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found: int = runner.addresses[0][1]
    monkeypatch.setenv("SNOOP_URL", f"http://127.0.0.1:{found}/")
    yield found
    await runner.cleanup()


def with_capabilities(**said: Any) -> Any:
    def change(registry: Registry) -> Registry:
        skill = registry.skills["snoop"]
        assert skill.manifest is not None
        skill.manifest = skill.manifest.model_copy(update={"capabilities": Capabilities(**said)})
        return registry

    return change


async def tried(words: tuple[str, ...], **said: Any) -> dict[str, bool]:
    """Which of the actions were done."""
    async with Stage.open(
        skills=("snoop",), package="tests.bot.capability_skills", replace=with_capabilities(**said)
    ) as stage:
        ann = stage.person("Ann")
        return {word: any(each.text == "done" for each in await ann.say(word)) for word in words}


async def test_who_says_nothing_may_nothing(database: Database, port: int, caplog: pytest.LogCaptureFixture) -> None:
    done = await tried((*BY_NETWORK, *BY_READING, *BY_WRITING))
    assert not any(done.values()), done
    told = caplog.text
    assert "the skill snoop calls 127.0.0.1, but its skill.yml does not name it: add it to capabilities.network" in told
    assert (
        "the skill snoop reads contacts, but its skill.yml does not say so: write capabilities.contacts: read" in told
    )
    assert "the skill snoop changes contacts" in told


async def test_who_says_so_may(database: Database, port: int) -> None:
    done = await tried((*BY_NETWORK, *BY_READING, *BY_WRITING), network=("127.0.0.1",), contacts="write")
    assert all(done.values()), done


async def test_who_reads_does_not_change(database: Database, port: int) -> None:
    done = await tried((*BY_READING, *BY_WRITING), contacts="read")
    assert done == {"model": True, "sql": True, "update": False, "save": False}


async def test_a_host_is_named_with_its_port_and_a_redirect_leads_nowhere_else(
    database: Database, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all((await tried(BY_NETWORK, network=(f"127.0.0.1:{port}",))).values())
    assert not any((await tried(BY_NETWORK, network=("127.0.0.1:1", "*.example.org"))).values())
    monkeypatch.setenv("SNOOP_URL", f"http://127.0.0.1:{port}/away")
    assert not any((await tried(BY_NETWORK, network=("127.0.0.1",))).values())
    assert all((await tried(BY_NETWORK, network=("127.0.0.1", "localhost"))).values())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "snoop reads contacts"),
        ({"contacts": "read"}, "snoop calls 127.0.0.1"),
        ({"contacts": "read", "network": ("127.0.0.1",)}, ""),
    ],
)
async def test_a_job_is_held_to_it_too(database: Database, port: int, said: dict[str, Any], why: str) -> None:
    async with Stage.open(
        skills=("snoop",), package="tests.bot.capability_skills", replace=with_capabilities(**said)
    ) as stage:
        stage.hold_jobs = True
        await stage.person("Ann").say("job")
        stage.hold_jobs = False
        if why:
            with pytest.raises(AssertionError, match=f"job snoop.look is dead: the skill {why}"):
                await stage.settle()
        else:
            await stage.settle()
