"""The web process's API on a real port, with a real database and the demo's two organizations."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from bot.config import Configuration
from bot.demo.load import create
from bot.demo.people import DemoOrganization, prepare
from bot.identity import Principal, Role, permissions_of
from bot.runtime import Runtime
from bot.testing.fakes import NoDispatcher
from channels.app import make_app
from store.ids import uuid7
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
    principals: dict[str, Principal] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        return self.people[0].id

    def token(self, role: Role = Role.OWNER, organization: int = 0, **limits: Any) -> str:
        """Credentials of a member with this role."""
        permissions = permissions_of(role, self.runtime.registry.permissions())
        principal = Principal("user", uuid7(), self.people[organization].id, permissions, role.value, **limits)
        token = uuid7().hex
        self.principals[token] = principal
        return token

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
        people = prepare(data)
        listener = socket.create_server(("127.0.0.1", 0))
        environment = {
            "CHATNATION__ENV": "test",
            "CHATNATION__DATA": str(data),
            "CHATNATION__STORE__DSN": database.dsn,
            "CHATNATION__STORE__SYSTEM_DSN": database.system_dsn,
            "CHATNATION__API__PER_CALLER_PER_MIN": "100000",
            "CHATNATION__API__PER_ORGANIZATION_PER_MIN": "100000",
            "CHATNATION__API__PER_IP_PER_MIN": "100000",
            "CHATNATION__API__SIGN_IN_PER_IP_PER_MIN": "100000",
            **{f"CHATNATION__{name}": value for name, value in settings.items()},
        }
        runtime = await Runtime.open(
            "web",
            configuration=Configuration.read(environment),
            adapters={"dispatcher": NoDispatcher(), "pacer": None},
        )
        stack.push_async_callback(runtime.close)
        for person in people:
            await create(person, runtime.master)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        office = Office(database, runtime, f"http://127.0.0.1:{listener.getsockname()[1]}", people, session)

        async def identify(_: Runtime, authorization: str, *, ip: str) -> Principal:
            return office.principals[authorization.removeprefix("Bearer ")]

        runner = web.AppRunner(make_app(runtime, identify=identify), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        yield office
