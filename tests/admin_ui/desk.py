"""The admin app over a real database, used as a browser would: NiceGUI's simulated user opens pages, types and clicks."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from nicegui import Client, core, storage, ui
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals, prepare_simulation

from admin_ui.app import install
from admin_ui.kit.page import Page, pages
from bot.identity.memory import remembered
from bot.registry import Registry
from bot.runtime import Runtime
from bot.testing import Stage
from bot.testing.people import QUICK_HASHES, enrol
from bot.testing.stage import found_organization
from tests.admin_ui.person import Person, told_apart

__all__ = ["PASSWORD", "Desks", "opened", "static_pages"]

PASSWORD = "giraffe under seven clouds"
PATIENCE = 300  # looks of 0.05 s each; the machine may be busy


@dataclass
class Desks:
    """Two organizations; whoever `sit_down`s is a member of the first."""

    stage: Stage
    other_id: UUID
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime:
        return self.stage.runtime

    @property
    def organization_id(self) -> UUID:
        return self.stage.organization_id

    def stranger(self) -> User:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(core.app), base_url="http://test")
        self.clients.append(client)
        return Person(client)

    async def sit_down(
        self, role: str = "owner", *, email: str = "", organization_id: UUID | None = None, **more: Any
    ) -> User:
        """Enrolled with this role, and signed in by the form."""
        email = email or f"{role}@savanna.example"
        await enrol(
            self.runtime,
            organization_id or self.organization_id,
            email,
            role,
            password=PASSWORD,
            name=f"{role.title()} Person",
            **more,
        )
        return await self.sign_in(email)

    async def sign_in(self, email: str, password: str = PASSWORD) -> User:
        user = self.stranger()
        await user.open("/login")
        user.find(marker="email").type(email)
        user.find(marker="password").type(password)
        user.find(marker="sign-in").click()
        await until(lambda: user.back_history[-1] != "/login")
        return user


async def until(holds: Callable[[], Any]) -> None:
    """Waits for what a handler does in the background."""
    for _ in range(PATIENCE):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")


def static_pages() -> list[Page]:
    """Those whose address needs nothing filled in."""
    return [each for each in pages() if not each.public and "{" not in each.path]


@asynccontextmanager
async def opened(tmp_path: Path, **settings: str) -> AsyncIterator[Desks]:
    """`settings` are environment names. Needs the `database` fixture. NiceGUI is one per process, so its traces are wiped afterwards."""
    modules = dict(sys.modules)
    kept_path = storage.Storage.path
    storage.Storage.path = tmp_path
    os.environ["NICEGUI_USER_SIMULATION"] = "true"
    skills = ("assistant", "events")
    remembered.forget(lambda _: True)
    try:
        with nicegui_reset_globals():
            async with Stage.open(
                skills=skills, settings={**QUICK_HASHES, **settings}, replace=lambda _: Registry.load(admin=True)
            ) as stage:
                other_id, _ = await found_organization("Pwani Makers", "sw", skills)
                prepare_simulation()
                install(stage.runtime)
                ui.run(storage_secret="simulated")
                desks = Desks(stage, other_id)
                async with core.app.router.lifespan_context(core.app):
                    with told_apart():
                        yield desks
                    for client in desks.clients:
                        await client.aclose()
    finally:
        os.environ.pop("NICEGUI_USER_SIMULATION", None)
        storage.Storage.path = kept_path
        Client.instances.clear()
        sys.modules.update(modules)  # NiceGUI drops the modules of the pages that it forgets
