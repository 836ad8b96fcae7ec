"""Webhooks in: where other systems tell the skills of an organization something."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.errors import Refused
from bot.http import NOT_FOUND, Answer, Ask, Listed, Problem, Routes
from bot.triggers import hooks, new_secret
from bot.unit import Unit

routes = Routes(
    "Webhooks of skills",
    "Addresses to which other systems send what a skill listens to (`triggers` of its manifest). Deliveries are signed as standardwebhooks.com has it.",
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,119}$")]


class SkillWebhookOut(Answer):
    skill: str
    name: str
    path: str = Field(description="On the address of the webhooks of WhatsApp.")
    made_at: datetime | None = Field(description="Of its secret; null: none was made, and nothing is let in.")


class SecretOut(Answer):
    secret: str = Field(description="It is shown this once. The one before stays good for a day.")


@routes.get("/skill-webhooks", permission="skills.view")
async def list_skill_webhooks(ask: Ask) -> Listed[SkillWebhookOut]:
    """List the webhooks of the skills that are on."""
    found = await hooks(ask.runtime, ask.organization_id)
    return Listed([SkillWebhookOut.model_validate(each) for each in found])


@routes.post("/skill-webhooks/{skill}/{webhook}/secret", permission="skills.publish", status=201)
async def make_skill_webhook_secret(ask: Ask, work: Unit, skill: Name, webhook: Name) -> SecretOut:
    """Make a secret for a webhook, the first or a new one."""
    try:
        return SecretOut(secret=await new_secret(ask.runtime, work, skill, webhook, actor=work.actor))
    except Refused as e:
        raise Problem(NOT_FOUND, str(e)) from e
