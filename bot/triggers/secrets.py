"""The secrets of an organization's webhooks in. Shown once, when they are made; the one before stays good for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.errors import Refused
from bot.standard_webhooks import make_secret
from bot.unit import Unit
from store.crypto import keyring
from store.fields import reveal
from store.models import TriggerSecret

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Hook", "good_secrets", "hooks", "new_secret"]

OLD_GOOD_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that a skill of the organization listens to. `made_at` None: nobody made a secret yet, and nothing is let in."""

    skill: str
    name: str
    path: str
    made_at: datetime | None


async def hooks(runtime: Runtime, organization_id: UUID) -> list[Hook]:
    """Of the skills that are on. In the organization's scope."""
    profile = await runtime.directory.organization(organization_id)
    made = {(each.skill, each.name): each.made_at for each in await TriggerSecret.all()}
    return [
        Hook(skill, name, f"/webhooks/skills/{organization_id}/{skill}/{name}", made.get((skill, name)))
        for skill, name in runtime.registry.webhooks(profile.skills)
    ]


async def new_secret(runtime: Runtime, work: Unit, skill: str, name: str, *, actor: str) -> str:
    """Makes one; it is told this once.

    Raises:
        Refused: no skill that is on listens to such a webhook.
    """
    profile = await runtime.directory.organization(work.organization_id)
    if (skill, name) not in runtime.registry.webhooks(profile.skills):
        raise Refused("no skill that is on has such a webhook; /v1/skill-webhooks lists them")
    await keyring().keys(work.organization_id)
    secret = make_secret()
    held = await TriggerSecret.filter(skill=skill, name=name).select_for_update().first()
    if held is None:
        await TriggerSecret.create(skill=skill, name=name, secret=secret, made_by=actor, made_at=work.now)
    else:
        # A value is sealed for its own column, so the old one is opened and sealed anew.
        await held.update_from_dict(
            {
                "old_secret": reveal(held, "secret"),
                "old_until": work.now + OLD_GOOD_FOR,
                "secret": secret,
                "made_by": actor,
                "made_at": work.now,
            }
        ).save()
    work.audit("trigger.secret_made", subject=f"triggers:{skill}/{name}")
    return secret


async def good_secrets(organization_id: UUID, skill: str, name: str, now: datetime) -> list[str]:
    """In the organization's scope."""
    await keyring().keys(organization_id)
    held = await TriggerSecret.filter(skill=skill, name=name).first()
    if held is None:
        return []
    found = [reveal(held, "secret")]
    if held.old_until is not None and held.old_until > now:
        found.append(reveal(held, "old_secret"))
    return [each for each in found if each]
