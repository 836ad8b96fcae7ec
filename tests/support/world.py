"""The product in one process, over the real wire: database, web application, turn pipeline and jobs, with the emulator as WhatsApp.

Only the queue is replaced: hints run as tasks of the test's loop. A message in, replies, rows, charges and jobs out.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from bot.config import Configuration
from bot.delivery import deliver_due
from bot.demo.load import create
from bot.demo.people import DemoOrganization, prepare
from bot.demo.templates import TEMPLATES
from bot.ports import Lane
from bot.runtime import Runtime
from bot.turn.runner import process_session
from channels.app import make_app
from channels.emulator.fixture import FAST, RunningEmulator, running
from channels.emulator.settings import EmulatorSettings, NumberSettings, TemplateSettings, UserSettings
from scheduler.jobs import run_job
from store.tenancy import organization_scope
from tests.support.database import Cluster, Database, all_apps

__all__ = ["World", "world"]


class InlineDispatcher:
    """Hints, run at once in this loop. `lost` drops them, as a dead NATS would."""

    def __init__(self) -> None:
        self.runtime: Runtime | None = None
        self.lost = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def hint(self, organization_id: UUID, session_id: UUID, *, attempt: str) -> None:
        self._start(lambda runtime: process_session(runtime, organization_id, session_id))

    async def kick(self, organization_id: UUID, job_id: UUID, *, queue: str, attempt: int) -> None:
        self._start(lambda runtime: _scoped(organization_id, run_job(runtime, organization_id, job_id)))

    async def deliver(self, organization_id: UUID, *, lane: Lane, attempt: str) -> None:
        self._start(lambda runtime: deliver_due(runtime, organization_id, lane))

    async def settle(self) -> None:
        """Until nothing started by a hint runs any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Callable[[Runtime], Any]) -> None:
        if self.lost or self.runtime is None:
            return
        task = asyncio.ensure_future(work(self.runtime))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _scoped(organization_id: UUID, work: Any) -> None:
    with organization_scope(organization_id):
        await work


@dataclass(slots=True)
class World:
    database: Database
    runtime: Runtime
    dispatcher: InlineDispatcher
    emulator: RunningEmulator
    people: list[DemoOrganization]
    web_url: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        return self.emulator.client


@asynccontextmanager
async def open_world(cluster: Cluster, data: Path, **settings: str) -> AsyncIterator[World]:
    """`settings` are environment names without prefix: TURN__UNKNOWN_GRACE_S="2"."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(cluster.clone(all_apps()))
        people = prepare(data)
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        emulator = await stack.enter_async_context(running(_emulator_settings(people, f"{url}/webhooks/whatsapp")))
        environment = {
            "CHATNATION__ENV": "test",
            "CHATNATION__DATA": str(data),
            "CHATNATION__STORE__DSN": database.dsn,
            "CHATNATION__STORE__SYSTEM_DSN": database.system_dsn,
            "CHATNATION__WHATSAPP__GRAPH_URL": emulator.base_url,
            "CHATNATION__WHATSAPP__WEBHOOK_URL": f"{url}/webhooks/whatsapp",
            **{f"CHATNATION__{name}": value for name, value in settings.items()},
        }
        dispatcher = InlineDispatcher()
        runtime = await Runtime.open(
            "test", configuration=Configuration.read(environment), queue="all", adapters={"dispatcher": dispatcher}
        )
        stack.push_async_callback(runtime.close)
        stack.push_async_callback(dispatcher.settle)
        dispatcher.runtime = runtime
        for person in people:
            await create(person, runtime.master)
        runner = web.AppRunner(make_app(runtime), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        yield World(database, runtime, dispatcher, emulator, people, url)


def _emulator_settings(people: list[DemoOrganization], webhook_url: str) -> EmulatorSettings:
    numbers = [
        NumberSettings(
            phone_number_id=each.phone_number_id,
            waba_id=each.waba_id,
            display_phone_number=each.display_phone_number,
            name=each.name,
            app_id=each.app_id,
            app_secret=each.app_secret,
            verify_token=each.verify_token,
            access_token=each.access_token,
        )
        for each in people
    ]
    users = [UserSettings(wa_id="254711000001", name="Asha"), UserSettings(wa_id="254711000002", name="Brian")]
    templates = [TemplateSettings(waba_id=person.waba_id, **each) for person in people for each in TEMPLATES]
    return EmulatorSettings(webhook_url=webhook_url, numbers=numbers, users=users, templates=templates, **FAST)


@pytest.fixture
async def world(cluster: Cluster, tmp_path: Path) -> AsyncIterator[World]:
    """The whole product with the demo's two organizations, their skills on."""
    async with open_world(cluster, tmp_path) as opened:
        yield opened
