"""Which skills an organization has on."""

from __future__ import annotations

from bot.errors import Refused
from bot.unit import Unit
from store.ids import uuid7
from store.models import SkillInstall

__all__ = ["Needed", "set_enabled"]


class Needed(Refused):
    """Another skill stands in the way; the message names it."""


async def set_enabled(work: Unit, skill: str, *, enabled: bool) -> None:
    """Nothing is deleted: what the organization has made of the skill is there when it is switched on again.

    Raises:
        Needed: it requires a skill that is off, or one that is on requires it.
    """
    registry = work.runtime.registry
    installs = {each.skill: each for each in await SkillInstall.all().select_for_update()}
    on = {name for name, each in installs.items() if each.enabled}
    if enabled == (skill in on):
        return
    requires = {each.name: each.manifest.requires for each in registry.usable if each.manifest is not None}
    missing = [name for name in requires.get(skill, ()) if name not in on]
    if enabled and missing:
        raise Needed(f"{skill} needs {' and '.join(missing)}; switch that on first")
    users = sorted(name for name in on if skill in requires.get(name, ()))
    if not enabled and users:
        raise Needed(f"{' and '.join(users)} needs {skill}; switch that off first")
    if skill in installs:
        await SkillInstall.filter(skill=skill).update(enabled=enabled)
    else:
        position = 1 + max((each.position for each in installs.values()), default=-1)
        await SkillInstall.create(id=uuid7(), skill=skill, enabled=enabled, position=position)
    work.audit("skill.switched", subject=f"skills:{skill}", before={"on": not enabled}, after={"on": enabled})
