"""The caller's own organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, StringConstraints

from bot.http import Answer, Ask, Body, Line, Routes, Timezone
from bot.unit import Unit
from store.models import Organization

routes = Routes("Organization", "Your organization as a whole.")


class OrganizationIn(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Savanna Events", "country": "KE", "locale": "en", "timezone": "Africa/Nairobi"}]
        }
    )

    name: Annotated[Line, StringConstraints(min_length=1, max_length=200)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    timezone: Timezone


class OrganizationOut(Answer):
    id: UUID
    name: str
    slug: str
    country: str
    locale: str
    timezone: str
    created_at: datetime


@routes.get("/organizations/me", permission="organization.view")
async def get_organization(ask: Ask) -> OrganizationOut:
    """Read your organization."""
    return OrganizationOut.model_validate(await Organization.get(id=ask.organization_id))


@routes.put("/organizations/me", permission="organization.edit", of=get_organization)
async def change_organization(ask: Ask, work: Unit, body: OrganizationIn) -> OrganizationOut:
    """Change your organization."""
    row = await Organization.get(id=ask.organization_id)
    before = {name: getattr(row, name) for name in OrganizationIn.model_fields}
    row.update_from_dict(body.model_dump())
    await row.save(update_fields=list(before))
    work.audit("organization.changed", subject=f"organizations:{row.id}", before=before, after=body.model_dump())
    ask.afterwards.append(ask.runtime.directory.forget)
    return OrganizationOut.model_validate(row)
