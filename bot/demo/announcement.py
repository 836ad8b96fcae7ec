"""`chatnation demo announce`: the verb is a skill's, in its `demo.py`; the organization is whichever has what is named."""

from __future__ import annotations

import importlib
from types import ModuleType

from bot.config import Configuration
from bot.demo.people import DemoOrganization, read
from bot.errors import Permanent
from bot.registry import find_skills
from bot.runtime import Runtime
from bot.unit import open_unit

__all__ = ["announce"]

ACTOR = "demo"


async def announce(subject: str, text: str) -> str:
    """Queues TEXT for everybody whom SUBJECT concerns, such as the holders of an event's tickets; answers what was done, in words.

    A skill takes part by `async def announce(work: UnitOfWork, subject: str, text: str) -> str` in its `demo.py`, which raises Permanent
    for a subject that it does not know.

    Raises:
        Permanent: no skill of no organization knows it; the message is theirs.
    """
    configuration = Configuration.read()
    runtime = await Runtime.open("demo", configuration=configuration)
    reasons = []
    try:
        for organization in read(configuration.data):
            for module in _announcing(organization):
                try:
                    async with open_unit(runtime, organization.id, actor=ACTOR) as work:
                        done = await module.announce(work, subject, text)
                    return f"{organization.name}: {done}"
                except Permanent as e:
                    reasons.append(f"{organization.name}: {e}")
    finally:
        await runtime.close()
    raise Permanent("\n".join(reasons) or "no skill of the demo organizations makes announcements")


def _announcing(organization: DemoOrganization) -> list[ModuleType]:
    modules = [
        importlib.import_module(f"{package}.demo")
        for name, package, folder in find_skills()
        if name in organization.skills and (folder / "demo.py").is_file()
    ]
    return [module for module in modules if hasattr(module, "announce")]
