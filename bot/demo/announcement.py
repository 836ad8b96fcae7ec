"""`chatnation demo announce` and `announcements`: the verbs are a skill's, in its `demo.py`; the organization is whichever has what is named.

A skill takes part by

    async def announce(work: UnitOfWork, subject: str, text: str) -> Announced      Permanent: it knows no such subject
    async def announcements(limit: int) -> list[Progress]                           newest first, in the organization's scope
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from uuid import UUID

from bot.config import Configuration
from bot.demo.announced import Announced, Progress
from bot.demo.people import DemoOrganization, read
from bot.errors import Permanent
from bot.registry import find_skills
from bot.runtime import Runtime
from bot.unit import open_unit
from store.tenancy import organization_scope

__all__ = ["announce", "list_announcements"]

ACTOR = "demo"
POLL_S = 0.5
SHOWN = 20  # the newest of each organization


async def announce(subject: str, text: str, *, wait_s: float | None = None) -> str:
    """Queues TEXT for everybody whom SUBJECT concerns, such as the holders of an event's tickets; answers what was done, in words.

    With `wait_s` it answers what became of the messages, at the latest after so many seconds.

    Raises:
        Permanent: no skill of no organization knows it; the message is theirs.
    """
    async with _opened() as (runtime, organizations):
        organization, module, done = await _announce(runtime, organizations, subject, text)
        said = f"{organization.name}: queued for {_people(done.people)} {done.about} ({done.announcement_id})"
        if wait_s is None:
            return f"{said}\n`chatnation demo announcements` says what becomes of it"
        with organization_scope(organization.id):
            progress = await _settled(module, done.announcement_id, wait_s)
        late = (
            ""
            if progress.is_settled
            else f"\nnot all is settled after {wait_s:g} s; `chatnation demo announcements` goes on counting"
        )
        return f"{said}\n{progress.counts}{late}"


async def list_announcements() -> str:
    """Each with its counts, newest first, by organization."""
    lines = []
    async with _opened() as (_, organizations):
        for organization in organizations:
            for module in _announcing(organization):
                with organization_scope(organization.id):
                    found: list[Progress] = await module.announcements(SHOWN)
                for each in found:
                    lines.append(
                        f"{each.at:%Y-%m-%d %H:%M} UTC  {organization.name}  {each.about}  {each.announcement_id}"
                    )
                    lines.append(f"    {_beginning(each.text)}")
                    lines.append(f"    {each.counts}")
    return "\n".join(lines) or "there are no announcements yet"


async def _announce(
    runtime: Runtime, organizations: list[DemoOrganization], subject: str, text: str
) -> tuple[DemoOrganization, ModuleType, Announced]:
    reasons = []
    for organization in organizations:
        for module in _announcing(organization):
            try:
                async with open_unit(runtime, organization.id, actor=ACTOR) as work:
                    return organization, module, await module.announce(work, subject, text)
            except Permanent as e:
                reasons.append(f"{organization.name}: {e}")
    raise Permanent("\n".join(reasons) or "no skill of the demo organizations makes announcements")


async def _settled(module: ModuleType, announcement_id: UUID, wait_s: float) -> Progress:
    """As it is when nothing is on the way any more, or when the time is over."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        found: list[Progress] = await module.announcements(SHOWN)
        progress = next(each for each in found if each.announcement_id == announcement_id)
        if progress.is_settled or asyncio.get_running_loop().time() >= deadline:
            return progress
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Runtime, list[DemoOrganization]]]:
    configuration = Configuration.read()
    runtime = await Runtime.open("demo", configuration=configuration)
    try:
        yield runtime, read(configuration.data)
    finally:
        await runtime.close()


def _announcing(organization: DemoOrganization) -> list[ModuleType]:
    modules = [
        importlib.import_module(f"{package}.demo")
        for name, package, folder in find_skills()
        if name in organization.skills and (folder / "demo.py").is_file()
    ]
    return [module for module in modules if hasattr(module, "announce")]


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
