"""From a seat in an organization to permissions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity.roles import CORE, Role, permissions_of
from store.people import Seat

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["CUSTOM", "defined_permissions", "permissions_of_role", "permissions_of_seat"]

CUSTOM = "custom"  # the `role` of a membership whose permissions are a custom role's


async def defined_permissions(runtime: Runtime, organization_id: UUID) -> dict[str, str]:
    """What the manifests of the organization's skills define, each with its least role."""
    profile = await runtime.directory.organization(organization_id)
    usable = {skill.name: skill for skill in runtime.registry.usable}
    found: dict[str, str] = {}
    for name in profile.skills:
        if name in usable and (manifest := usable[name].manifest) is not None:
            found.update(manifest.permissions)
    return found


async def permissions_of_seat(runtime: Runtime, organization_id: UUID, seat: Seat) -> frozenset[str]:
    """Before it is limited to events or exhibitors."""
    return await permissions_of_role(runtime, organization_id, seat.role, seat.permissions)


async def permissions_of_role(
    runtime: Runtime, organization_id: UUID, role: str, own: Iterable[str] = ()
) -> frozenset[str]:
    """`own`: those of a custom role. What nobody defines any more counts for nothing."""
    defined = await defined_permissions(runtime, organization_id)
    if role == CUSTOM:
        return frozenset(own) & (CORE.keys() | defined.keys())
    if role not in set(Role) or role == Role.PLATFORM_ADMIN:  # the platform's pages are no organization's to give
        return frozenset()
    return permissions_of(Role(role), defined)
