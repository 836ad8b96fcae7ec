"""An organization's own roles, and what there is to put into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.identity.errors import NotPossible
from bot.identity.granting import GIVEN, organization_of, require_all
from bot.identity.mailing import checked_name
from bot.identity.memory import forget_organization
from bot.identity.principal import Principal
from bot.identity.rights import CUSTOM, defined_permissions, permissions_of_role
from bot.identity.roles import CORE
from bot.unit import Unit, open_unit
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["RoleRow", "change_role", "create_role", "delete_role", "known_permissions", "list_roles"]


@dataclass(frozen=True, slots=True)
class RoleRow:
    """`role_id` None: one of the product's, which cannot be changed."""

    role: str
    role_id: UUID | None
    name: str
    description: str
    permissions: frozenset[str]
    members: int


async def known_permissions(runtime: Runtime, principal: Principal) -> list[str]:
    """All that can be given in this organization: the core's and those of its skills."""
    return sorted({*CORE, *await defined_permissions(runtime, organization_of(principal))})


async def list_roles(runtime: Runtime, principal: Principal) -> list[RoleRow]:
    """The product's, then the organization's own by name."""
    principal.require("users.view")
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        counted = await work.tx.fetch(
            "SELECT role, role_id, count(*) AS members FROM memberships WHERE organization_id = $1 GROUP BY role, role_id",
            organization_id,
        )
        own = await work.tx.fetch(
            "SELECT id, name, description, permissions FROM roles WHERE organization_id = $1 ORDER BY lower(name), id",
            organization_id,
        )
    members = {(row["role"], row["role_id"]): row["members"] for row in counted}
    found = [
        RoleRow(
            role,
            None,
            role,
            "",
            await permissions_of_role(runtime, organization_id, role),
            members.get((role, None), 0),
        )
        for role in GIVEN
    ]
    for row in own:
        permissions = await permissions_of_role(runtime, organization_id, CUSTOM, from_jsonb(row["permissions"]))
        count = members.get((CUSTOM, row["id"]), 0)
        found.append(RoleRow(CUSTOM, row["id"], row["name"], row["description"], permissions, count))
    return found


async def create_role(
    runtime: Runtime, principal: Principal, *, name: str, permissions: Sequence[str], description: str = ""
) -> UUID:
    """
    Raises:
        NotAllowed: without `roles.manage`, or a permission that the principal has not herself.
        NotPossible: the name is taken or a permission unknown.
    """
    principal.require("roles.manage")
    name = checked_name(name, field="name", longest=80)
    role_id = uuid7()
    async with open_unit(runtime, organization_of(principal), actor=principal.actor) as work:
        given = await _checked(runtime, work, principal, name, permissions, role_id)
        await work.tx.execute(
            "INSERT INTO roles (id, organization_id, name, description, permissions, created_at) VALUES ($1, $2, $3, $4, $5::jsonb, $6)",
            role_id,
            work.organization_id,
            name,
            description[:300],
            to_jsonb(given),
            work.now,
        )
        work.audit("role.created", subject=f"role:{role_id}", after={"name": name, "permissions": given})
    return role_id


async def change_role(
    runtime: Runtime,
    principal: Principal,
    role_id: UUID,
    *,
    name: str,
    permissions: Sequence[str],
    description: str = "",
) -> None:
    """Everybody who has it may the new from now on.

    Raises:
        NotAllowed: what it may now or would is more than the principal may.
        NotPossible
    """
    principal.require("roles.manage")
    name = checked_name(name, field="name", longest=80)
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        before = await _locked(work, role_id)
        require_all(principal, await permissions_of_role(runtime, organization_id, CUSTOM, before["permissions"]))
        given = await _checked(runtime, work, principal, name, permissions, role_id)
        await work.tx.execute(
            "UPDATE roles SET name = $3, description = $4, permissions = $5::jsonb WHERE organization_id = $1 AND id = $2",
            organization_id,
            role_id,
            name,
            description[:300],
            to_jsonb(given),
        )
        after = {"name": name, "permissions": given}
        work.audit("role.changed", subject=f"role:{role_id}", before=before, after=after)
    forget_organization(organization_id)


async def delete_role(runtime: Runtime, principal: Principal, role_id: UUID) -> None:
    """Open invitations to it end.

    Raises:
        NotPossible: somebody has it.
    """
    principal.require("roles.manage")
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        before = await _locked(work, role_id)
        members = await work.tx.fetchval(
            "SELECT count(*) FROM memberships WHERE organization_id = $1 AND role_id = $2", organization_id, role_id
        )
        if members:
            people = "one member has" if members == 1 else f"{members} members have"
            raise NotPossible("in_use", f"{people} this role; give them another first")
        await work.tx.execute("DELETE FROM roles WHERE organization_id = $1 AND id = $2", organization_id, role_id)
        work.audit("role.deleted", subject=f"role:{role_id}", before=before)


async def _locked(work: Unit, role_id: UUID) -> dict[str, Any]:
    row = await work.tx.fetchrow(
        "SELECT name, permissions FROM roles WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        work.organization_id,
        role_id,
    )
    if row is None:
        raise NotPossible("no_role", "there is no such role any more; look at the list again")
    return {"name": row["name"], "permissions": from_jsonb(row["permissions"])}


async def _checked(
    runtime: Runtime, work: Unit, principal: Principal, name: str, permissions: Iterable[str], role_id: UUID
) -> list[str]:
    given = sorted(set(permissions))
    unknown = set(given) - CORE.keys() - (await defined_permissions(runtime, work.organization_id)).keys()
    if unknown:
        raise NotPossible("permissions", f"there is no permission {min(unknown)}", field="permissions")
    if not given:
        raise NotPossible("permissions", "choose at least one permission", field="permissions")
    require_all(principal, given)
    taken = await work.tx.fetchval(
        "SELECT EXISTS (SELECT FROM roles WHERE organization_id = $1 AND lower(name) = lower($2) AND id <> $3)",
        work.organization_id,
        name,
        role_id,
    )
    if taken or name.lower() in set(GIVEN):
        raise NotPossible("name", "there is a role of this name; choose another", field="name")
    return given
