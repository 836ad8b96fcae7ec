"""The organization's own people: members, invitations, roles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from bot.http import NOT_FOUND, Answer, Ask, Body, Line, Listed, Problem, Routes, found
from bot.identity import Role, custom_roles, invitations, members
from bot.identity.rights import CUSTOM
from bot.unit import Unit

users = Routes("Users", "Who works with you, and who is invited to.")
roles = Routes("Roles", "What people may do. The product's roles cannot be changed; your own are sets of permissions.")

GIVEN = sorted({*(each.value for each in Role if each is not Role.PLATFORM_ADMIN), CUSTOM})

RoleName = Annotated[str, StringConstraints(pattern=f"^({'|'.join(GIVEN)})$")]
Email = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^@\s\x00-\x1f]{1,64}@[a-zA-Z0-9]([a-zA-Z0-9-]{0,60}[a-zA-Z0-9])?(\.[a-zA-Z]([a-zA-Z0-9-]{0,60}[a-zA-Z0-9])?)+$",
        max_length=254,
    ),
]
Name = Annotated[
    Line,
    StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]
Permission = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=80)]
Limit = Annotated[list[UUID], Field(max_length=500)] | None


class Seat(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "viewer"}]})

    role: RoleName
    role_id: UUID | None = Field(None, description="Of your own role, when `role` is custom.")
    events: Limit = Field(None, description="Limits the member to these; null: all.")
    exhibitors: Limit = None


class InvitationIn(Seat):
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "brian@example.org", "role": "viewer"}]})

    email: Email


class UserOut(Answer):
    id: UUID
    name: str
    email: str
    role: str
    role_id: UUID | None
    role_name: str
    events: list[UUID] | None
    exhibitors: list[UUID] | None
    has_second_factor: bool
    joined_at: datetime


class InvitationOut(Answer):
    id: UUID
    email: str
    role: str
    role_id: UUID | None
    role_name: str
    events: list[UUID] | None
    exhibitors: list[UUID] | None
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


class RoleIn(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Box office", "permissions": ["events.view", "events.orders"]}]}
    )

    name: Name
    permissions: list[Permission] = Field(min_length=1, max_length=200)
    description: Line = ""


class RoleOut(Answer):
    role: str
    id: UUID | None = Field(description="null: one of the product's.")
    name: str
    description: str
    permissions: list[str]
    members: int


@users.get("/users", permission="users.view")
async def list_users(ask: Ask) -> Listed[UserOut]:
    """List the members, by name."""
    return Listed([_user(each) for each in await members.list_members(ask.runtime, ask.principal)])


@users.get("/users/{user_id}", permission="users.view")
async def get_user(ask: Ask, user_id: UUID) -> UserOut:
    """Read a member."""
    listed = await members.list_members(ask.runtime, ask.principal)
    return _user(found(next((each for each in listed if each.user_id == user_id), None), "member"))


@users.put("/users/{user_id}", permission="users.manage", of=get_user)
async def change_user(ask: Ask, work: Unit, user_id: UUID, body: Seat) -> UserOut:
    """Give a member another role, or other limits."""
    await get_user(ask, user_id)
    await members.change_member(ask.runtime, ask.principal, user_id, **body.model_dump())
    return await get_user(ask, user_id)


@users.delete("/users/{user_id}", permission="users.manage", of=get_user)
async def remove_user(ask: Ask, work: Unit, user_id: UUID) -> None:
    """Remove a member. The keys that the member made end too."""
    await get_user(ask, user_id)
    await members.remove_member(ask.runtime, ask.principal, user_id)


@users.get("/invitations", permission="users.view")
async def list_invitations(ask: Ask) -> Listed[InvitationOut]:
    """List unanswered invitations, the newest first."""
    rows = await invitations.list_invitations(ask.runtime, ask.principal)
    return Listed([InvitationOut.model_validate(each) for each in rows])


@users.post("/invitations", permission="users.manage", status=201)
async def invite_user(ask: Ask, body: InvitationIn) -> InvitationOut:
    """Invite somebody by e-mail. An older invitation of the same address ends."""
    invitation_id = await invitations.invite(ask.runtime, ask.principal, **body.model_dump())
    return await _invitation(ask, invitation_id)


@users.post("/invitations/{invitation_id}/resend", permission="users.manage")
async def resend_invitation(ask: Ask, invitation_id: UUID) -> InvitationOut:
    """Send an invitation again, with a new link; the old one ends."""
    await _invitation(ask, invitation_id)
    await invitations.send_again(ask.runtime, ask.principal, invitation_id)
    return await _invitation(ask, invitation_id)


@users.delete("/invitations/{invitation_id}", permission="users.manage")
async def revoke_invitation(ask: Ask, work: Unit, invitation_id: UUID) -> None:
    """Withdraw an invitation."""
    if not await invitations.revoke_invitation(ask.runtime, ask.principal, invitation_id):
        raise Problem(NOT_FOUND, "there is no such open invitation")


@roles.get("/roles", permission="users.view")
async def list_roles(ask: Ask) -> Listed[RoleOut]:
    """List the roles: the product's, then your own."""
    return Listed([_role(each) for each in await custom_roles.list_roles(ask.runtime, ask.principal)])


@roles.get("/roles/{role_id}", permission="users.view")
async def get_role(ask: Ask, role_id: UUID) -> RoleOut:
    """Read one of your own roles."""
    listed = await custom_roles.list_roles(ask.runtime, ask.principal)
    return _role(found(next((each for each in listed if each.role_id == role_id), None), "role"))


@roles.post("/roles", permission="roles.manage", status=201, of=get_role, location="/roles/{id}")
async def create_role(ask: Ask, work: Unit, body: RoleIn) -> RoleOut:
    """Make a role of your own."""
    return await get_role(ask, await custom_roles.create_role(ask.runtime, ask.principal, **body.model_dump()))


@roles.put("/roles/{role_id}", permission="roles.manage", of=get_role)
async def change_role(ask: Ask, work: Unit, role_id: UUID, body: RoleIn) -> RoleOut:
    """Change one of your own roles, for everybody who has it."""
    await get_role(ask, role_id)
    await custom_roles.change_role(ask.runtime, ask.principal, role_id, **body.model_dump())
    return await get_role(ask, role_id)


@roles.delete("/roles/{role_id}", permission="roles.manage", of=get_role)
async def delete_role(ask: Ask, work: Unit, role_id: UUID) -> None:
    """Delete one of your own roles that nobody has."""
    await get_role(ask, role_id)
    await custom_roles.delete_role(ask.runtime, ask.principal, role_id)


async def _invitation(ask: Ask, invitation_id: UUID) -> InvitationOut:
    rows = await invitations.list_invitations(ask.runtime, ask.principal)
    return InvitationOut.model_validate(
        found(next((each for each in rows if each.id == invitation_id), None), "invitation")
    )


def _user(each: members.Member) -> UserOut:
    values = {name: getattr(each, name) for name in UserOut.model_fields if name != "id"}
    return UserOut(id=each.user_id, **values)


def _role(each: custom_roles.RoleRow) -> RoleOut:
    return RoleOut(
        role=each.role,
        id=each.role_id,
        name=each.name,
        description=each.description,
        permissions=sorted(each.permissions),
        members=each.members,
    )
