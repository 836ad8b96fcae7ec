"""The web process's API on a real port, with a real database and the demo's two organizations."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from bot.config import Configuration
from bot.demo.load import create
from bot.demo.people import DemoOrganization, prepare
from bot.identity import Role, tokens
from bot.identity.access import identify, start_session
from bot.identity.api_keys import create_key
from bot.runtime import Runtime
from bot.testing.fakes import NoDispatcher
from bot.testing.people import QUICK_HASHES, enrol
from channels.app import make_app
from store import people
from tests.support.database import Cluster, Database, all_apps

__all__ = ["Answered", "Office", "open_office"]


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def data(self) -> Any:
        assert self.status < 300, self.json
        return self.json["data"]

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


@dataclass(slots=True)
class Office:
    database: Database
    runtime: Runtime
    url: str
    people: list[DemoOrganization]
    session: aiohttp.ClientSession
    _people: int = 0

    @property
    def organization_id(self) -> UUID:
        return self.people[0].id

    async def token(self, role: Role = Role.OWNER, organization: int = 0, **limits: Any) -> str:
        """The access token of a new member with this role."""
        self._people += 1
        organization_id = None if role is Role.PLATFORM_ADMIN else self.people[organization].id
        email = f"{role.value}{self._people}@example.org"
        await enrol(self.runtime, organization_id, email, role.value, name=role.value, **limits)
        person = await people.person_named(email)
        assert person is not None
        session = await start_session(
            self.runtime, person, second_factor=False, ip="127.0.0.1", user_agent="tests", kind="api"
        )
        return (await tokens.issue(self.runtime, session.session_id, person.id, organization_id)).access

    async def api_key(self, organization: int = 0) -> str:
        """A key that may everything that an owner may."""
        token = await self.token(Role.OWNER, organization)
        who = await identify(self.runtime, f"Bearer {token}", ip="127.0.0.1")
        key = await create_key(self.runtime, who, name="all", scopes=sorted(who.permissions), rate_per_min=60_000)
        return key.secret

    async def actor(self, token: str) -> str:
        """As audit entries name who has it."""
        return (await identify(self.runtime, f"Bearer {token}", ip="127.0.0.1")).actor

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **sent: Any,
    ) -> Answered:
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        async with self.session.request(method, self.url + path, headers=given, **sent) as answer:
            is_json = answer.content_type.endswith("json")
            return Answered(
                answer.status,
                answer.headers,
                await answer.json(content_type=None) if is_json else await answer.text(),
            )


@asynccontextmanager
async def open_office(cluster: Cluster, data: Path, **settings: str) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(cluster.clone(all_apps()))
        organizations = prepare(data)
        listener = socket.create_server(("127.0.0.1", 0))
        environment = {
            "CHATNATION__ENV": "test",
            "CHATNATION__DATA": str(data),
            "CHATNATION__STORE__DSN": database.dsn,
            "CHATNATION__STORE__SYSTEM_DSN": database.system_dsn,
            "CHATNATION__WHATSAPP__GRAPH_URL": "http://127.0.0.1:9",  # nobody is there
            "CHATNATION__WHATSAPP__WEBHOOK_URL": "http://127.0.0.1:9/webhooks/whatsapp",
            "CHATNATION__API__PER_CALLER_PER_MIN": "100000",
            "CHATNATION__API__PER_ORGANIZATION_PER_MIN": "100000",
            "CHATNATION__API__PER_IP_PER_MIN": "100000",
            "CHATNATION__API__SIGN_IN_PER_IP_PER_MIN": "100000",
            **QUICK_HASHES,
            **{f"CHATNATION__{name}": value for name, value in settings.items()},
        }
        runtime = await Runtime.open(
            "web",
            configuration=Configuration.read(environment),
            adapters={"dispatcher": NoDispatcher(), "pacer": None},
        )
        stack.push_async_callback(runtime.close)
        for person in organizations:
            await create(person, runtime.master)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        office = Office(database, runtime, f"http://127.0.0.1:{listener.getsockname()[1]}", organizations, session)

        runner = web.AppRunner(make_app(runtime), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        yield office
