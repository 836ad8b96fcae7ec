"""Anybody's client instead of the emulator: a webhook signed with the demo's secret, answers at another Graph API, rows by SQL."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from channels.emulator.client import EmulatorClient
from store.embedded import Role
from tests.e2e.stack import Stack, running

PERSON = "254722000111"


@dataclass
class OtherGraph:
    """The least that stands for Meta: every send is accepted and written down."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        call = await request.json()
        self.calls.append((request.path, call))
        if call.get("status") == "read":
            return web.json_response({"success": True})
        self.arrived.set()
        answer = {"messaging_product": "whatsapp", "messages": [{"id": f"wamid.other{len(self.calls)}"}]}
        return web.json_response(answer)

    @property
    def sends(self) -> list[tuple[str, dict[str, Any]]]:
        return [(path, call) for path, call in self.calls if "type" in call]


@pytest.fixture
async def other_graph() -> AsyncIterator[OtherGraph]:
    graph = OtherGraph()
    app = web.Application()
    app.router.add_post("/{tail:.*}", graph.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    graph.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield graph
    await runner.cleanup()


async def test_answers_go_to_the_graph_url_that_is_set_and_nowhere_else(
    tmp_path: Path, other_graph: OtherGraph
) -> None:
    with running(tmp_path, WHATSAPP__GRAPH_URL=other_graph.url) as stack:
        info = stack.info()
        [first, second] = info["organizations"]
        assert await _post(info["urls"]["web"], first, "hi") == 200
        await asyncio.wait_for(other_graph.arrived.wait(), 20)
        [(path, call)] = other_graph.sends
        assert path == f"/v25.0/{first['phone_number_id']}/messages"
        assert call["to"].lstrip("+") == PERSON
        assert first["name"] in call["interactive"]["body"]["text"]

        other_graph.arrived.clear()
        assert await _post(info["urls"]["web"], second, "hi") == 200
        await asyncio.wait_for(other_graph.arrived.wait(), 20)
        assert other_graph.sends[1][0] == f"/v25.0/{second['phone_number_id']}/messages"
        assert second["name"] in other_graph.sends[1][1]["interactive"]["body"]["text"]

        assert await _post(info["urls"]["web"], first, "hi", secret="of somebody else") == 403
        assert await _post(info["urls"]["web"], first, "hi", secret=second["app_secret"]) == 200
        await asyncio.sleep(2)
        assert len(other_graph.sends) == 2, "a delivery that another app signed was answered"
        async with stack.emulator() as client:
            assert (await client.ledger(details=False))["outbound"] == 0


async def test_one_organization_sees_nothing_of_the_other_in_chat_or_by_sql(
    stack: Stack, whatsapp: EmulatorClient
) -> None:
    info = stack.info()
    [first, second] = info["organizations"]
    for name, wa_id in (("Asha", "254733000001"), ("Brian", "254733000002")):
        await whatsapp.add_user(wa_id, name)
    mine = await whatsapp.ask("254733000001", "events", phone_number_id=first["phone_number_id"])
    theirs = await whatsapp.ask("254733000002", "events", phone_number_id=second["phone_number_id"])
    assert "Tamasha" in _everything(theirs)
    assert "Tamasha" not in _everything(mine)
    assert "Night Market" in _everything(mine)
    assert "Night Market" not in _everything(theirs)

    connection = await asyncpg.connect(info["dsn"])
    try:
        async with stack.database("owner") as owner:
            tables = await owner.fetch(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'"
                " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            )
        names = sorted(row["relname"] for row in tables)
        assert {"messages", "contacts", "events_events", "numbered_answers"} <= set(names)
        for table in names:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, f"{table} without an organization"
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.current_org', $1, true)", first["organization_id"])
            for table in names:
                seen = await connection.fetch(f"SELECT DISTINCT organization_id FROM {table}")
                assert {str(row["organization_id"]) for row in seen} <= {first["organization_id"]}, table
            assert await connection.fetchval("SELECT count(*) FROM events_events") == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute("SELECT set_config('app.current_org', $1, true)", first["organization_id"])
                await connection.execute(
                    "INSERT INTO events_events (id, organization_id, slug, title, starts_at, ends_at) VALUES"
                    " (gen_random_uuid(), $1, 'x', 'x', now(), now())",
                    second["organization_id"],
                )
    finally:
        await connection.close()
    assert f"{Role.APP.login}:" in info["dsn"]


def _everything(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)


async def _post(web_url: str, organization: dict[str, Any], text: str, *, secret: str | None = None) -> int:
    """What Meta posts for a text message, signed as Meta signs."""
    message = {
        "from": PERSON,
        "id": f"wamid.test{time.monotonic_ns()}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": organization["display_phone_number"],
            "phone_number_id": organization["phone_number_id"],
        },
        "contacts": [{"profile": {"name": "Zawadi"}, "wa_id": PERSON}],
        "messages": [message],
    }
    body = json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": organization["waba_id"], "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()
    digest = hmac.new((secret or organization["app_secret"]).encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{web_url}/webhooks/whatsapp", data=body) as response,
    ):
        return response.status
