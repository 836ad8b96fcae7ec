"""Who works here, what each may do, and who was asked to come."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nicegui import ui

from admin_ui.kit import (
    Desk,
    Group,
    Hit,
    badge,
    bound,
    button,
    confirm,
    dialog,
    empty,
    heading,
    here,
    live,
    page,
    panel,
    say,
    search,
    select_field,
    text_field,
    toast,
)
from admin_ui.kit.bound import Live
from bot.errors import ChatNationError
from bot.identity import letters
from bot.identity.custom_roles import RoleRow, change_role, create_role, delete_role, known_permissions, list_roles
from bot.identity.errors import NotPossible
from bot.identity.invitations import InvitationRow, invite, list_invitations, revoke_invitation, send_again
from bot.identity.members import Member, change_member, list_members, remove_member
from bot.identity.rights import CUSTOM
from bot.identity.roles import Role

GIVEN = (
    Role.OWNER,
    Role.ADMIN,
    Role.EVENT_MANAGER,
    Role.SURVEY_MANAGER,
    Role.CONTENT_MANAGER,
    Role.VIEWER,
    Role.EXHIBITOR_ADMIN,
    Role.EXHIBITOR_STAFF,
)
ABOUT = {
    Role.OWNER: "Everything, and the organization itself",
    Role.ADMIN: "Everything but ownership, roles and security",
    Role.EVENT_MANAGER: "Events, tickets, the door, the inbox",
    Role.SURVEY_MANAGER: "Surveys and the inbox",
    Role.CONTENT_MANAGER: "Texts, knowledge and the inbox",
    Role.VIEWER: "Looks, changes nothing",
    Role.EXHIBITOR_ADMIN: "A booth and its staff",
    Role.EXHIBITOR_STAFF: "A booth",
}


@page(
    "/people",
    title={"en": "Team & roles", "sw": "Timu na majukumu"},
    icon="group",
    group=Group.SETTINGS,
    permission="users.view",
    order=20,
)
async def team(desk: Desk) -> None:
    parts: dict[str, Live] = {}

    async def ask() -> None:
        await _invite(parts)

    text = {"en": "Who works here, and what each of them may do.", "sw": "Nani anafanya kazi hapa, na anaweza nini."}
    with heading({"en": "Team & roles", "sw": "Timu na majukumu"}, text):
        if desk.may("users.manage"):
            button(
                {"en": "Invite somebody", "sw": "Mwalike mtu"},
                bound(ask, writes=False),
                icon="person_add",
                kind="primary",
                mark="invite",
            )
    parts["members"] = await live(_members, parts)
    parts["invitations"] = await live(_invitations, parts)
    parts["roles"] = await live(_roles, parts)


async def _members(parts: dict[str, Live]) -> None:
    desk = here()
    found = await list_members(desk.runtime, desk.principal)
    with panel(flush=True), ui.element("div").classes("cn-list"):
        for each in found:
            _member(desk, each, parts)


def _member(desk: Desk, each: Member, parts: dict[str, Live]) -> None:
    with ui.element("div").classes("cn-row"):
        ui.label((each.name or each.email)[:1].upper()).classes("cn-avatar").props("aria-hidden=true")
        with ui.element("div").classes("cn-grow"):
            with ui.element("div").classes("cn-line"):
                ui.label(each.name or each.email).classes("cn-strong")
                if each.user_id == desk.principal.id:
                    badge(say("you"), "accent")
                if each.events is not None:
                    few = len(each.events)
                    badge(say("1 event only") if few == 1 else say("{few} events only", few=few), "info")
            ui.label(each.role_name or role_title(each.role, desk.locale)).classes("cn-muted cn-small cn-only-small")
            ui.label(each.email).classes("cn-muted cn-small cn-clip")
        if each.has_second_factor:
            ui.icon("verified_user").classes("cn-muted cn-hide-small").props(
                f'role="img" aria-label="{say("Second step is on")}"'
            ).tooltip(say("Second step is on"))
        badge(each.role_name or role_title(each.role, desk.locale)).classes("cn-hide-small")
        if desk.may("users.manage") and each.user_id != desk.principal.id:
            button("Change", bound(lambda member=each: _change(member, parts), writes=False), small=True)


async def _choices(desk: Desk) -> dict[str, str]:
    """What this person may give: roles of the product and of the organization, as `role` or `custom:<id>`."""
    found = await list_roles(desk.runtime, desk.principal)
    return {
        (f"{CUSTOM}:{row.role_id}" if row.role_id else row.role): (
            row.name if row.role_id else role_title(row.role, desk.locale)
        )
        for row in found
        if (row.role_id or row.role in GIVEN) and row.permissions <= desk.principal.permissions
    }


def _given(chosen: str) -> dict[str, Any]:
    role, _, role_id = chosen.partition(":")
    return {"role": role, "role_id": UUID(role_id) if role_id else None}


async def _change(member: Member, parts: dict[str, Live]) -> None:
    desk = here()
    choices = await _choices(desk)
    now = f"{CUSTOM}:{member.role_id}" if member.role_id else member.role
    with dialog(member.name or member.email, text=member.email) as box:
        chosen = select_field("Role", choices, now if now in choices else None, mark="role")

        async def keep() -> None:
            await change_member(
                here().runtime,
                here().principal,
                member.user_id,
                **_given(str(chosen.value)),
                events=member.events,
                exhibitors=member.exhibitors,
            )
            box.close()
            toast("The new role holds from now on")
            await parts["members"].refresh()

        async def remove() -> None:
            box.close()

            async def go() -> None:
                await remove_member(here().runtime, here().principal, member.user_id)
                await parts["members"].refresh()

            confirm(
                say("Remove {name}?", name=member.name or member.email),
                "Their keys and open invitations here end too. What they did stays in the audit log.",
                "Remove",
                bound(go, writes=False),
            )

        with ui.element("div").classes("cn-actions"):
            button("Remove", bound(remove, writes=False), kind="danger", mark="remove")
            button(desk.word("save"), bound(keep, writes=False), kind="primary", mark="keep-role")
    box.open()


async def _invite(parts: dict[str, Live]) -> None:
    desk = here()
    choices = await _choices(desk)
    with dialog("Invite somebody", text="They get a letter with a link that is good for a week.") as box:
        email = text_field("E-mail", kind="email", mark="invite-email")
        first = next((each for each in (Role.EVENT_MANAGER.value, Role.VIEWER.value) if each in choices), None)
        role = select_field("Role", choices, first, mark="invite-role")
        hint = ui.label(say(ABOUT.get(Role(first), "")) if first else "").classes("cn-hint")

        async def show() -> None:
            hint.set_text(say(ABOUT[Role(str(role.value))]) if role.value in list(Role) else "")

        role.on_value_change(bound(show, writes=False))

        async def go() -> None:
            email.error = None
            try:
                await invite(here().runtime, here().principal, email.value or "", **_given(str(role.value)))
            except NotPossible as e:
                email.error = _sentence(e)
                return
            box.close()
            toast("The invitation is on its way")
            await parts["invitations"].refresh()

        with ui.element("div").classes("cn-actions"):
            button(desk.word("cancel"), box.close, kind="quiet")
            button("Send the invitation", bound(go, writes=False), kind="primary", mark="send-invitation")
    box.open()


async def _invitations(parts: dict[str, Live]) -> None:
    desk = here()
    found = await list_invitations(desk.runtime, desk.principal)
    if not found:
        return
    with panel({"en": "Invited, not here yet", "sw": "Wamealikwa"}, flush=True), ui.element("div").classes("cn-list"):
        for each in found:
            _invitation(desk, each, parts)


def _invitation(desk: Desk, each: InvitationRow, parts: dict[str, Live]) -> None:
    is_over = each.expires_at <= desk.now

    async def again(invitation_id: UUID = each.id) -> None:
        await send_again(here().runtime, here().principal, invitation_id)
        toast("Sent again; the old link ends")
        await parts["invitations"].refresh()

    async def withdraw(invitation_id: UUID = each.id) -> None:
        await revoke_invitation(here().runtime, here().principal, invitation_id)
        await parts["invitations"].refresh()

    with ui.element("div").classes("cn-row").style("flex-wrap: wrap"):
        with ui.element("div").classes("cn-grow").style("min-width: 180px"):
            ui.label(each.email).classes("cn-strong cn-clip")
            text = say("expired") if is_over else say("until {day}", day=desk.day(each.expires_at))
            ui.label(f"{each.role_name or role_title(each.role, desk.locale)}  ·  {text}").classes("cn-muted cn-small")
        if desk.may("users.manage"):
            button("Send again", bound(again, writes=False), small=True)
            button("Withdraw", bound(withdraw, writes=False), small=True, kind="danger")


async def _roles(parts: dict[str, Live]) -> None:
    desk = here()
    found = await list_roles(desk.runtime, desk.principal)
    own = [each for each in found if each.role_id]

    async def new() -> None:
        await _role_dialog(None, parts)

    with panel(
        {"en": "Roles", "sw": "Majukumu"},
        text="The product’s are fixed; make your own where they do not fit.",
        flush=True,
    ):
        with ui.element("div").classes("cn-list"):
            for each in [row for row in found if row.role in GIVEN and not row.role_id]:
                _role(desk, each, parts)
            for each in own:
                _role(desk, each, parts)
        if desk.may("roles.manage"):
            with ui.element("div").style("padding: 12px 18px"):
                button("New role", bound(new, writes=False), icon="add", small=True, mark="new-role")
        elif not own:
            with empty("badge", "No roles of your own", "An owner can make some."):
                pass


def _role(desk: Desk, each: RoleRow, parts: dict[str, Live]) -> None:
    with ui.element("div").classes("cn-row"):
        with ui.element("div").classes("cn-grow"):
            ui.label(each.name if each.role_id else role_title(each.role, desk.locale)).classes("cn-strong")
            about = each.description or (
                say("{n} permissions", n=len(each.permissions)) if each.role_id else say(ABOUT.get(Role(each.role), ""))
            )
            ui.label(about).classes("cn-muted cn-small")
        ui.label(say("1 member") if each.members == 1 else say("{members} members", members=each.members)).classes(
            "cn-muted cn-small num"
        )
        if each.role_id and desk.may("roles.manage"):
            button("Edit", bound(lambda row=each: _role_dialog(row, parts), writes=False), small=True)


async def _role_dialog(row: RoleRow | None, parts: dict[str, Live]) -> None:
    desk = here()
    mine = [
        each for each in await known_permissions(desk.runtime, desk.principal) if each in desk.principal.permissions
    ]
    with dialog("New role" if row is None else row.name) as box:
        name = text_field("Name", row.name if row else "", mark="role-name")
        about = text_field("What it is for", row.description if row else "")
        chosen = select_field(
            "It may",
            mine,
            sorted(row.permissions & set(mine)) if row else [],
            multiple=True,
            find=True,
            mark="role-permissions",
        )

        async def keep() -> None:
            given: dict[str, Any] = {
                "name": name.value or "",
                "permissions": chosen.value or [],
                "description": about.value or "",
            }
            name.error = chosen.error = None
            try:
                if row is None:
                    await create_role(here().runtime, here().principal, **given)
                else:
                    assert row.role_id is not None
                    await change_role(here().runtime, here().principal, row.role_id, **given)
            except NotPossible as e:
                (chosen if e.field == "permissions" else name).error = _sentence(e)
                return
            box.close()
            await parts["roles"].refresh()

        async def remove() -> None:
            assert row is not None
            assert row.role_id is not None
            await delete_role(here().runtime, here().principal, row.role_id)
            box.close()
            await parts["roles"].refresh()

        with ui.element("div").classes("cn-actions"):
            if row is not None:
                button("Delete", bound(remove, writes=False), kind="danger")
            button(desk.word("cancel"), box.close, kind="quiet")
            button(desk.word("save"), bound(keep, writes=False), kind="primary", mark="keep-role-of-ours")
    box.open()


def role_title(role: str, locale: str) -> str:
    return letters.role_name(role, locale).capitalize()


def _sentence(error: ChatNationError) -> str:
    return say(str(error)[:1].upper() + str(error)[1:])


@search
async def find_members(desk: Desk, text: str) -> list[Hit]:
    if not desk.may("users.view"):
        return []
    found = await list_members(desk.runtime, desk.principal)
    return [
        Hit(each.name or each.email, "/people", "person", each.email)
        for each in found
        if text in f"{each.name} {each.email}".casefold()
    ][:5]
