"""Switches a skill on or off for the demo organizations, without a restart."""

from __future__ import annotations

from bot.config import Configuration
from bot.demo.people import read
from bot.errors import ConfigError
from bot.registry import Registry
from bot.runtime import open_store
from store import db
from store.crypto import install_keyring
from store.models import SkillInstall
from store.tenancy import organization_scope

__all__ = ["switch"]


async def switch(skill: str, *, enabled: bool) -> str:
    """Returns what was done, in words.

    Raises:
        ConfigError: there is no such skill, or it is broken; the message says file:line:col.
    """
    found = Registry.load().skills.get(skill)
    if found is None:
        raise ConfigError(f"there is no skill {skill}: a skill is a folder skills/{skill} with a skill.yml")
    if found.off:
        raise ConfigError("\n".join(found.problems))
    configuration = Configuration.read()
    await open_store(configuration, "demo")
    try:
        for organization in read(configuration.data):
            with organization_scope(organization.id):
                count = await SkillInstall.all().count()
                install, _ = await SkillInstall.get_or_create(skill=skill, defaults={"position": count})
                install.enabled = enabled
                await install.save()
    finally:
        install_keyring(None)
        await db.close()
    told = found.manifest.capabilities.told() if found.manifest and enabled else []
    also = f"\nbesides answering, it {', '.join(told)}" if told else ""
    return (
        f"{skill} is {'on' if enabled else 'off'} for the demo organizations; workers see it within ten seconds{also}"
    )
