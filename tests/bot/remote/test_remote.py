"""A skill whose actions run elsewhere: on a real rasa-sdk server, and on servers that mean harm."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.registry import Registry
from bot.remote import RemoteSettings
from bot.skill import SkillContext
from bot.testing import Stage
from tests.support.database import Database

SKILLS = "tests.bot.remote.skills"
SERVED = Path(__file__).parent / "served"
BROKEN = "went wrong"  # a word of core's text for an internal error
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def opened(url: str | None, **settings: Any) -> AsyncIterator[Stage]:
    """A stage whose quiz asks the server at `url`."""
    remote = RemoteSettings(urls={"quiz": url} if url else {}, **settings)

    def with_server(registry: Registry) -> Registry:
        def context(skill: str) -> SkillContext:
            return SkillContext(skill=skill, clock=None, blobs=None, menu=None)  # type: ignore[arg-type]

        return Registry.load(context=context, package=SKILLS, remote=remote)

    async with Stage.open(skills=("quiz", "vault"), package=SKILLS, replace=with_server) as stage:
        assert [skill.name for skill in stage.runtime.registry.usable if skill.package.startswith(SKILLS)] == [
            "quiz",
            "vault",
        ], "no code of the remote skill is imported: it would end the process"
        yield stage


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    app = web.Application(client_max_size=10**7)
    app.router.add_post("/webhook", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/webhook"
    finally:
        await runner.cleanup()


def texts(said: list[Any]) -> list[str]:
    return [each.text for each in said]


# -- a real one


@pytest.fixture
async def action_server() -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rasa_sdk",
        "--actions",
        "actions",
        "--port",
        str(port),
        cwd=SERVED,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/health") as health:
                        if health.status == 200:
                            break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/webhook"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_rasa_action_server_is_asked_and_its_events_count(database: Database, action_server: str) -> None:
    async with opened(action_server) as stage:
        ann = stage.person("Ann")
        assert texts(await ann.say("quiz")) == ["Capital of Kenya?"]
        bravo, key, result, *_ = texts(await ann.say("Nairobi"))
        assert bravo == "Bravo, Nairobi!"
        assert key.startswith("key ")
        assert ":" in key
        assert result == "You have 3 points."
        # A rejection is no error: the flow goes on.
        bob = stage.person("Bob")
        await bob.say("quiz")
        assert texts(await bob.say("reject"))[0] == "You have  points."
        # An exception there is an internal error here.
        eve = stage.person("Eve")
        await eve.say("quiz")
        assert BROKEN in texts(await eve.say("raise"))[0]


# -- ones that mean harm


async def said_to(answer: Answer, **settings: Any) -> list[str]:
    async with serving(answer) as url, opened(url, **settings) as stage:
        ann = stage.person("Ann")
        await ann.say("keep")
        await ann.say("hunter2")
        await ann.say("quiz")
        said = texts(await ann.say("Nairobi"))
        assert (await ann.slots())["vault:vault_secret"] == "hunter2"
        rows = await stage.rows("SELECT state FROM inbox")
        assert rows == [], "the turn ended, nothing is tried for ever"
        return said


def json_of(body: Any, status: int = 200) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return answer


def raw_of(data: bytes, status: int = 200) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=data, status=status, content_type="application/json")

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with_space = b" " * 65_536
    while True:
        await response.write(with_space)


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.json_response({})


async def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def redirects(request: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect("http://169.254.169.254/")


def event(**values: Any) -> Answer:
    return json_of({"events": [values], "responses": []})


HARM: dict[str, Answer] = {
    "400 without a name": json_of({"error": "no"}, 400),
    "404": json_of({"error": "no such action"}, 404),
    "500": json_of({"error": "x"}, 500),
    "503 in html": raw_of(b"<html>", 503),
    "204": raw_of(b"", 204),
    "no json": raw_of(b"\xff\xfe garbage"),
    "a list": json_of([]),
    "events that are none": json_of({"events": ["x"]}),
    "events no list": json_of({"events": {"event": "slot"}}),
    "responses that are none": json_of({"responses": [3]}),
    "deep": raw_of(b'{"events": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "very deep": raw_of(b'{"events": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "too many events": json_of({"events": [{"event": "slot", "name": "quiz_points", "value": 1}] * 300}),
    "too many messages": json_of({"responses": [{"text": "spam"}] * 60}),
    "endless": endless,
    "slow": slow,
    "hangs up": hangs_up,
    "redirects": redirects,
    "sets another skill's slot": event(event="slot", name="vault:vault_secret", value="stolen"),
    "goes on with another's action": event(event="followup", name="vault:anything"),
    "restarts": event(event="restart"),
    "says another's response": json_of({"responses": [{"response": "vault:utter_vault_kept"}]}),
    "custom that is none": json_of({"responses": [{"custom": {"type": "nonsense"}}]}),
}


@pytest.mark.parametrize("what", HARM)
async def test_a_server_that_means_harm_is_an_internal_error_and_no_more(database: Database, what: str) -> None:
    said = await said_to(HARM[what], max_response_bytes=300_000)
    assert BROKEN in said[0]
    assert not any("spam" in each or "stolen" in each or "hunter2" in each for each in said)


async def test_resetting_slots_resets_its_own(database: Database) -> None:
    said = await said_to(event(event="reset_slots"))
    assert said[0] == "You have  points."


async def test_nobody_listens_and_no_address(database: Database) -> None:
    for url in ("http://127.0.0.1:9/webhook", None):
        async with opened(url) as stage:
            assert BROKEN in texts(await stage.person("Ann").say("look"))[0]


async def test_the_request_shows_this_skill_alone_and_is_signed(database: Database) -> None:
    asked: list[tuple[dict[str, Any], dict[str, str], bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        data = await request.read()
        asked.append((json.loads(data), dict(request.headers), data))
        return web.json_response({"events": [], "responses": []})

    async with serving(answer) as url, opened(url, secrets={"quiz": "hush"}) as stage:
        ann = stage.person("Ann Njeri")
        await ann.say("keep")
        await ann.say("hunter2")
        await ann.say("keep")  # stands in the other skill's flow, below
        await ann.say("look")
        assert len(asked) == 1
        body, headers, data = asked[0]
        shown = json.dumps(body)
        assert "hunter2" not in shown
        assert "vault" not in shown
        assert ann.phone not in shown
        assert str(stage.organization_id) not in shown
        assert set(body["tracker"]["slots"]) == {"quiz_answer", "quiz_points"}
        assert set(body["domain"]["slots"]) == {"quiz_answer", "quiz_points"}
        assert body["domain"]["actions"] == ["quiz_judge"]
        assert (body["next_action"], body["sender_id"]) == ("quiz_judge", str(ann.session_id))
        key = headers["Idempotency-Key"]
        assert body["tracker"]["latest_message"]["metadata"]["idempotency_key"] == key
        mac = hmac.new(b"hush", data, hashlib.sha256).hexdigest()
        assert headers["X-ChatNation-Signature"] == f"sha256={mac}"
        await ann.say("look")
        assert asked[1][1]["Idempotency-Key"] != key, "another message is another act"


async def test_no_transaction_is_open_while_it_is_asked(database: Database) -> None:
    open_ones: list[int] = []

    async with AsyncExitStack() as stack:
        holder: list[Stage] = []

        async def answer(request: web.Request) -> web.Response:
            rows = await holder[0].rows(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
            )
            open_ones.append(rows[0]["n"])
            return web.json_response({"events": []})

        url = await stack.enter_async_context(serving(answer))
        holder.append(await stack.enter_async_context(opened(url)))
        await holder[0].person("Ann").say("look")
    assert open_ones == [0]
