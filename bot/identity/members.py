"""Who belongs to an organization, as what, and for which events and exhibitors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.identity.errors import NotPossible
from bot.identity.granting import organization_of, require_all, require_role, shown, texts
from bot.identity.invitations import ids_of
from bot.identity.memory import forget_organization, forget_user
from bot.identity.principal import Principal
from bot.identity.rights import permissions_of_role
from bot.identity.roles import Role
from bot.unit import Unit, open_unit
from store import people
from store.jsonb import from_jsonb, to_jsonb

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Member", "change_member", "leave", "list_members", "remove_member"]

_MEMBER = (
    "SELECT m.user_id, u.name, u.email, m.role, m.role_id, coalesce(r.name, '') AS role_name, r.permissions, m.events, m.exhibitors,"
    " m.created_at FROM memberships m JOIN users u ON u.id = m.user_id"
    " LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id WHERE m.organization_id = $1"
)


@dataclass(frozen=True, slots=True)
class Member:
    user_id: UUID
    name: str
    email: str
    role: str
    role_id: UUID | None
    role_name: str  # of a custom role
    events: tuple[UUID, ...] | None
    exhibitors: tuple[UUID, ...] | None
    has_second_factor: bool
    joined_at: datetime


async def list_members(runtime: Runtime, principal: Principal) -> list[Member]:
    """By name."""
    principal.require("users.view")
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        rows = await work.tx.fetch(
            f"{_MEMBER} ORDER BY lower(coalesce(nullif(u.name, ''), u.email)), u.id", organization_id
        )
    secured = await people.with_second_factor([row["user_id"] for row in rows])
    return [
        Member(
            row["user_id"],
            row["name"],
            row["email"],
            row["role"],
            row["role_id"],
            row["role_name"],
            ids_of(row["events"]),
            ids_of(row["exhibitors"]),
            row["user_id"] in secured,
            row["created_at"],
        )
        for row in rows
    ]


async def change_member(
    runtime: Runtime,
    principal: Principal,
    user_id: UUID,
    *,
    role: str,
    role_id: UUID | None = None,
    events: Iterable[UUID] | None = None,
    exhibitors: Iterable[UUID] | None = None,
) -> None:
    """Role and limits as they are to be from now on.

    Raises:
        NotAllowed: the member may more than the principal, or would.
        NotPossible: no member; or the last owner.
    """
    principal.require("users.manage")
    organization_id = organization_of(principal)
    limits = texts(events), texts(exhibitors)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        row = await _locked(runtime, work, principal, user_id)
        role_name = await require_role(runtime, work, principal, role, role_id, limited=limits != (None, None))
        if role != Role.OWNER:
            await _keep_an_owner(work, user_id)
        await work.tx.execute(
            "UPDATE memberships SET role = $3, role_id = $4, events = $5::jsonb, exhibitors = $6::jsonb"
            " WHERE organization_id = $1 AND user_id = $2",
            organization_id,
            user_id,
            role,
            role_id,
            *(None if each is None else to_jsonb(each) for each in limits),
        )
        work.audit(
            "member.changed", subject=f"user:{user_id}", before=_shown(row), after=shown(role, role_name, *limits)
        )
    forget_user(user_id)
    forget_organization(organization_id)  # keys that she made


async def remove_member(runtime: Runtime, principal: Principal, user_id: UUID) -> None:
    """Her keys and open invitations of this organization end with her membership; her account stays hers.

    Raises:
        NotAllowed: the member may more than the principal.
        NotPossible: no member; or the last owner.
    """
    principal.require("users.manage")
    await _remove(runtime, principal, user_id)


async def leave(runtime: Runtime, principal: Principal) -> None:
    """
    Raises:
        NotPossible: the last owner cannot go.
    """
    if principal.kind != "user" or principal.impersonated_by is not None:
        raise NotPossible("not_a_person", "only people leave an organization")
    await _remove(runtime, principal, principal.id)


async def _remove(runtime: Runtime, principal: Principal, user_id: UUID) -> None:
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        row = await _locked(runtime, work, principal, user_id)
        await _keep_an_owner(work, user_id)
        for statement in (
            "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2",
            "UPDATE api_keys SET revoked_at = now() WHERE organization_id = $1 AND created_by = $2 AND revoked_at IS NULL",
            "UPDATE invitations SET revoked_at = now() WHERE organization_id = $1 AND invited_by = $2"
            " AND accepted_at IS NULL AND revoked_at IS NULL",
        ):
            await work.tx.execute(statement, organization_id, user_id)
        action = "member.left" if user_id == principal.id else "member.removed"
        work.audit(action, subject=f"user:{user_id}", before=_shown(row))
    forget_user(user_id)
    forget_organization(organization_id)


async def _locked(runtime: Runtime, work: Unit, principal: Principal, user_id: UUID) -> Any:
    row = await work.tx.fetchrow(f"{_MEMBER} AND m.user_id = $2 FOR UPDATE OF m", work.organization_id, user_id)
    if row is None:
        raise NotPossible("no_member", "this person is no member any more; look at the list again")
    own = tuple(from_jsonb(row["permissions"])) if row["permissions"] else ()
    if user_id != principal.id:
        require_all(principal, await permissions_of_role(runtime, work.organization_id, row["role"], own))
    return row


async def _keep_an_owner(work: Unit, user_id: UUID) -> None:
    """Owners' rows are locked in one order, so that the last two cannot remove each other at the same moment.

    Raises:
        NotPossible
    """
    rows = await work.tx.fetch(
        "SELECT user_id FROM memberships WHERE organization_id = $1 AND role = 'owner' ORDER BY id FOR UPDATE",
        work.organization_id,
    )
    owners = {row["user_id"] for row in rows}
    if owners == {user_id}:
        raise NotPossible("last_owner", "this is the last owner; make somebody else an owner first")


def _shown(row: Any) -> dict[str, Any]:
    events, exhibitors = (from_jsonb(row[each]) if row[each] else None for each in ("events", "exhibitors"))
    return shown(row["role"], row["role_name"], events, exhibitors)
