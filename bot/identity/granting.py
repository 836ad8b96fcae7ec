"""Who may give what: nobody gives, changes or takes away more than she has herself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.identity.errors import NotPossible
from bot.identity.principal import NotAllowed, Principal
from bot.identity.rights import CUSTOM, permissions_of_role
from bot.identity.roles import Role
from bot.unit import Unit
from store.jsonb import from_jsonb

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["GIVEN", "organization_of", "require_all", "require_role", "shown", "texts"]

# Roles of members; the platform's own is no organization's to give.
GIVEN = tuple(role for role in Role if role is not Role.PLATFORM_ADMIN)
_WHOLE = frozenset({Role.OWNER, Role.ADMIN})  # of these there is no part


def organization_of(principal: Principal) -> UUID:
    if principal.organization_id is None:
        raise NotPossible("no_organization", "choose an organization first")
    return principal.organization_id


async def require_role(
    runtime: Runtime,
    work: Unit,
    principal: Principal,
    role: str,
    role_id: UUID | None,
    *,
    limited: bool = False,
) -> str:
    """What is to be given is a role, and within the giver's own rights; returns the role's name, "" for one of the product's.

    Raises:
        NotPossible, NotAllowed
    """
    name, own = "", ()
    if role == CUSTOM:
        row = await work.tx.fetchrow(
            "SELECT name, permissions FROM roles WHERE organization_id = $1 AND id = $2", work.organization_id, role_id
        )
        if row is None:
            raise NotPossible("role", "there is no such role any more; choose another", field="role")
        name, own = row["name"], tuple(from_jsonb(row["permissions"]))
    elif role not in set(GIVEN) or role_id is not None:
        raise NotPossible("role", f"choose one of {', '.join(GIVEN)}, or a role of your own", field="role")
    if limited and role in set(_WHOLE):
        raise NotPossible(
            "limits", f"the role {role} is for the whole organization; choose another to limit it", field="role"
        )
    require_all(principal, await permissions_of_role(runtime, work.organization_id, role, own))
    return name


def require_all(principal: Principal, permissions: Iterable[str]) -> None:
    """
    Raises:
        NotAllowed: the first that is missing.
    """
    missing = sorted(set(permissions) - principal.permissions)
    if missing:
        raise NotAllowed(missing[0])


def texts(ids: Iterable[UUID] | None) -> list[str] | None:
    """As the columns `events` and `exhibitors` keep them."""
    return None if ids is None else sorted(str(each) for each in ids)


def shown(role: str, role_name: str, events: Any, exhibitors: Any) -> dict[str, Any]:
    """For audit entries."""
    return {"role": role_name or role, "events": events, "exhibitors": exhibitors}
