"""The letter that an endpoint was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from bot.identity.letters import write
from bot.identity.settings import IdentitySettings
from bot.ports import Letter
from bot.skill import OrganizationInfo
from store.db import fetch
from store.models import HookEndpoint, HookState

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["notices"]

# Who made it, if still a member; else the owners.
_READERS = """
WITH people AS (SELECT u.email, u.name, u.locale, m.role, 'user:' || u.id::text = right($2, 41) AS made_it
                FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1)
SELECT email, name, locale FROM people WHERE made_it OR (role = 'owner' AND NOT EXISTS (SELECT 1 FROM people WHERE made_it))
"""


async def notices(runtime: Runtime, organization: OrganizationInfo, endpoint_id: UUID) -> list[Letter]:
    """None when it is on again, or gone. In the organization's scope."""
    endpoint = await HookEndpoint.filter(id=endpoint_id, state__in=[HookState.FAILING, HookState.GONE]).first()
    if endpoint is None:
        return []
    base = runtime.configuration.section(IdentitySettings, "identity").base_url.rstrip("/")
    return [
        write(
            "webhook_gone" if endpoint.state is HookState.GONE else "webhook_failing",
            row["email"],
            row["locale"] or organization.locale,
            link=f"{base}/webhooks/{endpoint.id}",
            name=row["name"] or row["email"],
            organization=organization.name,
            host=urlsplit(endpoint.url).hostname or "",
            reason=endpoint.state_reason,
        )
        for row in await fetch(_READERS, organization.id, endpoint.created_by)
    ]
