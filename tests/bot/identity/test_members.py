"""Invitations, members, an organization's own roles, what it asks of those who sign in, and impersonation."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from bot.identity import second_factor
from bot.identity.access import principal_of_session
from bot.identity.api_keys import create_key
from bot.identity.custom_roles import change_role, create_role, delete_role, known_permissions, list_roles
from bot.identity.errors import LinkSpent, NotAMember, NotPossible, SessionEnded, Unauthenticated
from bot.identity.impersonation import impersonate, stop_impersonating
from bot.identity.invitations import (
    accept_invitation,
    invite,
    join,
    list_invitations,
    read_invitation,
    revoke_invitation,
    send_again,
)
from bot.identity.members import change_member, leave, list_members, remove_member
from bot.identity.principal import NotAllowed, Principal
from bot.identity.roles import NOT_BORROWED
from bot.identity.security import Security, set_security
from scheduler.jobs import run_job
from store.tenancy import organization_scope
from tests.bot.identity.office import IP, PASSWORD, Office, raised, rows, token_of
from tests.support.database import Database

EVENT = UUID(int=7)


async def _accept(office: Office, token: str, **more: Any) -> Any:
    given = {"name": "Ben Kimani", "password": PASSWORD, "ip": IP, "user_agent": "Firefox", **more}
    return await accept_invitation(office.runtime, token, **given)


async def _actions(organization_id: UUID) -> list[str]:
    found = await rows("SELECT action FROM audit_entries WHERE organization_id = $1 ORDER BY at, id", organization_id)
    return [row["action"] for row in found]


# -- invitations


async def test_who_accepts_is_a_member_with_the_role_and_limits(office: Office) -> None:
    owner = await office.principal("jane@savanna.example", name="Jane")
    token = await office.invited(owner, "Ben@Savanna.example ", "event_manager", events=[EVENT])
    letter = office.letters[-1]
    assert letter.subject == "Jane invites you to Savanna Events"
    assert "event manager" in letter.text
    shown = await read_invitation(office.runtime, token)
    assert (shown.email, shown.organization, shown.has_account) == ("ben@savanna.example", "Savanna Events", False)
    signed_in = await _accept(office, token)
    ben = await office.who(signed_in)
    assert ben.may("stall.edit", event=EVENT)
    assert not ben.may("stall.edit", event=uuid4())
    assert not ben.may("contacts.view")
    assert (await raised(LinkSpent, _accept(office, token))).reason == "used"
    assert await _actions(office.organization_id) == ["invitation.sent", "invitation.accepted"]


async def test_letters_are_in_the_organizations_language(office: Office) -> None:
    owner = await office.principal("ali@pwani.example", organization_id=office.other_id)
    await invite(office.runtime, owner, "ben@pwani.example", "viewer")
    assert office.letters[-1].subject == "ali@pwani.example anakualika kwenye Pwani Makers"
    assert "mtazamaji" in office.letters[-1].text


async def test_an_expired_invitation_says_what_to_do_and_can_be_sent_again(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    old = await office.invited(owner, "ben@savanna.example")
    office.later(days=8)
    error = await raised(LinkSpent, _accept(office, old))
    assert error.reason == "expired"
    assert "ask who invited you" in str(error)
    (row,) = await list_invitations(office.runtime, owner)
    await send_again(office.runtime, owner, row.id)
    assert (await raised(LinkSpent, _accept(office, old))).reason == "unknown"
    await _accept(office, token_of(office.letters[-1]))
    assert await list_invitations(office.runtime, owner) == []


async def test_a_withdrawn_or_replaced_invitation_opens_nothing(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    first = await office.invited(owner, "ben@savanna.example", "admin")
    second = await office.invited(owner, "ben@savanna.example", "viewer")
    assert (await raised(LinkSpent, _accept(office, first))).reason == "revoked"
    (row,) = await list_invitations(office.runtime, owner)
    assert row.role == "viewer"
    assert await revoke_invitation(office.runtime, owner, row.id)
    assert not await revoke_invitation(office.runtime, owner, row.id)
    assert (await raised(LinkSpent, _accept(office, second))).reason == "revoked"


async def test_two_that_accept_at_once_make_one_member(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    token = await office.invited(owner, "ben@savanna.example")
    both = await asyncio.gather(_accept(office, token), _accept(office, token), return_exceptions=True)
    assert sum(isinstance(each, Exception) for each in both) == 1
    assert len(await list_members(office.runtime, owner)) == 2


async def test_nobody_invites_to_more_than_she_may(office: Office) -> None:
    admin = await office.principal("adam@savanna.example", "admin")
    await raised(NotAllowed, invite(office.runtime, admin, "ben@savanna.example", "owner"))
    await invite(office.runtime, admin, "ben@savanna.example", "admin")
    viewer = await office.principal("vera@savanna.example", "viewer")
    await raised(NotAllowed, invite(office.runtime, viewer, "cat@savanna.example", "viewer"))
    owner = await office.principal("jane@savanna.example")
    for role in ("platform_admin", "king", "custom"):
        assert (await raised(NotPossible, invite(office.runtime, owner, "cat@savanna.example", role))).field == "role"


async def test_owners_and_admins_are_never_limited(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    for role in ("owner", "admin"):
        work = invite(office.runtime, owner, "ben@savanna.example", role, events=[EVENT])
        assert (await raised(NotPossible, work)).reason == "limits"


async def test_a_member_is_not_invited_again(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await office.enrol("ben@savanna.example", "viewer")
    assert (await raised(NotPossible, invite(office.runtime, owner, "ben@savanna.example", "admin"))).reason == "member"
    await office.enrol("ali@pwani.example", "owner", organization_id=office.other_id)
    await invite(office.runtime, owner, "ali@pwani.example", "viewer")  # a member elsewhere is none here


async def test_somebody_with_an_account_joins_with_it_and_nobody_else_does(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    ali = await office.principal("ali@pwani.example", organization_id=office.other_id)
    token = await office.invited(owner, "ali@pwani.example", "viewer")
    assert (await raised(NotPossible, _accept(office, token))).reason == "taken"
    assert (await raised(NotPossible, join(office.runtime, owner, token))).reason == "other_address"
    assert await join(office.runtime, ali, token) == office.organization_id
    assert ali.session_id is not None
    assert (await office.who(ali.session_id)).may("dashboard.view")
    assert (await office.who(ali.session_id, office.other_id)).may("organization.delete")


async def test_a_taken_account_does_not_use_the_invitation_up(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    ali = await office.principal("ali@pwani.example", organization_id=office.other_id)
    token = await office.invited(owner, "ali@pwani.example")
    await raised(NotPossible, _accept(office, token))
    await join(office.runtime, ali, token)


# -- members


async def test_a_changed_role_counts_at_once(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    ben = await office.principal("ben@savanna.example", "viewer")
    assert ben.session_id is not None
    await change_member(office.runtime, owner, ben.id, role="event_manager", events=[EVENT])
    now = await office.who(ben.session_id)
    assert now.may("stall.edit", event=EVENT)
    assert not now.may("stall.edit", event=uuid4())
    entry = (await rows("SELECT * FROM audit_entries"))[0]
    assert entry["actor"] == f"user:{owner.id}"
    assert '"viewer"' in entry["before"]
    assert str(EVENT) in entry["after"]


async def test_the_last_owner_can_neither_go_nor_step_down(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    for work in (
        remove_member(office.runtime, owner, owner.id),
        leave(office.runtime, owner),
        change_member(office.runtime, owner, owner.id, role="admin"),
    ):
        assert (await raised(NotPossible, work)).reason == "last_owner"
    second = await office.principal("ben@savanna.example", "owner")
    await leave(office.runtime, owner)
    assert owner.session_id is not None
    await raised(NotAMember, office.who(owner.session_id))
    assert (await raised(NotPossible, leave(office.runtime, second))).reason == "last_owner"


async def test_the_last_two_owners_cannot_remove_each_other_at_once(office: Office, database: Database) -> None:
    jane = await office.principal("jane@savanna.example")
    ben = await office.principal("ben@savanna.example", "owner")
    blocker = await asyncpg.connect(database.superuser_dsn)
    watcher = await asyncpg.connect(database.superuser_dsn)
    try:
        begun = blocker.transaction()
        await begun.start()
        await blocker.fetch("SELECT * FROM memberships FOR UPDATE")  # so that both are under way at once
        removals = [
            asyncio.create_task(remove_member(office.runtime, jane, ben.id)),
            asyncio.create_task(remove_member(office.runtime, ben, jane.id)),
        ]
        for _ in range(500):
            if await watcher.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 2:
                break
            await asyncio.sleep(0.02)
        await begun.rollback()
        outcomes = await asyncio.gather(*removals, return_exceptions=True)
    finally:
        await blocker.close()
        await watcher.close()
    assert sorted(getattr(each, "reason", "went") for each in outcomes) == ["last_owner", "went"]
    left = await rows("SELECT user_id FROM memberships WHERE organization_id = $1", office.organization_id)
    assert len(left) == 1


async def test_an_admin_touches_no_owner(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await office.enrol("second@savanna.example", "owner")
    admin = await office.principal("adam@savanna.example", "admin")
    await raised(NotAllowed, change_member(office.runtime, admin, owner.id, role="viewer"))
    await raised(NotAllowed, remove_member(office.runtime, admin, owner.id))
    await raised(NotAllowed, change_member(office.runtime, admin, admin.id, role="owner"))


async def test_who_is_removed_loses_keys_and_open_invitations(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    admin = await office.principal("adam@savanna.example", "admin")
    made = await create_key(office.runtime, admin, name="Sync", scopes=["stall.view"])
    token = await office.invited(admin, "ben@savanna.example")
    await remove_member(office.runtime, owner, admin.id)
    from bot.identity.access import identify

    await raised(Unauthenticated, identify(office.runtime, f"Bearer {made.secret}", ip=IP))
    assert (await raised(LinkSpent, _accept(office, token))).reason == "revoked"
    assert admin.session_id is not None
    await raised(NotAMember, office.who(admin.session_id))
    await principal_of_session(office.runtime, admin.session_id, None)  # the account is hers


async def test_another_organizations_people_are_neither_seen_nor_changed(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    ali = await office.principal("ali@pwani.example", organization_id=office.other_id)
    assert [member.email for member in await list_members(office.runtime, owner)] == ["jane@savanna.example"]
    for work in (
        change_member(office.runtime, owner, ali.id, role="viewer"),
        remove_member(office.runtime, owner, ali.id),
    ):
        assert (await raised(NotPossible, work)).reason == "no_member"
    token = await office.invited(owner, "ben@savanna.example")
    (row,) = await list_invitations(office.runtime, owner)
    assert await list_invitations(office.runtime, ali) == []
    assert not await revoke_invitation(office.runtime, ali, row.id)
    await raised(NotPossible, send_again(office.runtime, ali, row.id))
    await read_invitation(office.runtime, token)


# -- roles


async def test_an_own_role_gives_what_stands_in_it(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    role_id = await create_role(office.runtime, owner, name="Door", permissions=["stall.view", "contacts.phone"])
    ben = await office.principal("ben@savanna.example", "viewer")
    await change_member(office.runtime, owner, ben.id, role="custom", role_id=role_id)
    assert ben.session_id is not None
    assert (await office.who(ben.session_id)).permissions == {"stall.view", "contacts.phone"}
    await change_role(office.runtime, owner, role_id, name="Door", permissions=["stall.view"])
    assert (await office.who(ben.session_id)).permissions == {"stall.view"}
    assert (await raised(NotPossible, delete_role(office.runtime, owner, role_id))).reason == "in_use"
    await change_member(office.runtime, owner, ben.id, role="viewer")
    await delete_role(office.runtime, owner, role_id)
    actions = await _actions(office.organization_id)
    assert actions == ["role.created", "member.changed", "role.changed", "member.changed", "role.deleted"]


async def test_a_role_never_holds_more_than_its_maker_has(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    role_id = await create_role(
        office.runtime, owner, name="Clerk", permissions=["roles.manage", "users.manage", "users.view"]
    )
    big = await create_role(office.runtime, owner, name="Chief", permissions=["organization.delete"])
    ben = await office.principal("ben@savanna.example", "viewer")
    await change_member(office.runtime, owner, ben.id, role="custom", role_id=role_id)
    assert ben.session_id is not None
    clerk = await office.who(ben.session_id)
    for work in (
        create_role(office.runtime, clerk, name="More", permissions=["organization.delete"]),
        change_role(office.runtime, clerk, role_id, name="Clerk", permissions=["roles.manage", "billing.manage"]),
        change_role(office.runtime, clerk, big, name="Chief", permissions=["users.view"]),
        change_member(office.runtime, clerk, ben.id, role="custom", role_id=big),
        invite(office.runtime, clerk, "cat@savanna.example", "custom", role_id=big),
    ):
        await raised(NotAllowed, work)
    await create_role(office.runtime, clerk, name="Less", permissions=["users.view"])


async def test_unknown_permissions_and_names_that_are_taken_are_refused(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await create_role(office.runtime, owner, name="Door", permissions=["stall.view"])
    for field, name, permissions in (
        ("permissions", "x", ["platform.impersonate"]),
        ("permissions", "x", ["stall.fly"]),
        ("permissions", "x", []),
        ("name", "door", ["stall.view"]),
        ("name", "Owner", ["stall.view"]),
    ):
        error = await raised(NotPossible, create_role(office.runtime, owner, name=name, permissions=permissions))
        assert error.field == field
    assert "stall.leads" in await known_permissions(office.runtime, owner)


async def test_a_role_of_another_organization_cannot_be_given(office: Office) -> None:
    ali = await office.principal("ali@pwani.example", organization_id=office.other_id)
    theirs = await create_role(office.runtime, ali, name="Theirs", permissions=["stall.view"])
    owner = await office.principal("jane@savanna.example")
    work = invite(office.runtime, owner, "ben@savanna.example", "custom", role_id=theirs)
    assert (await raised(NotPossible, work)).field == "role"
    assert all(role.name != "Theirs" for role in await list_roles(office.runtime, owner))


async def test_the_list_of_roles_counts_their_members(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await office.enrol("a@savanna.example", "viewer")
    await office.enrol("b@savanna.example", "viewer")
    found = {role.name: role for role in await list_roles(office.runtime, owner)}
    assert (found["owner"].members, found["viewer"].members, found["admin"].members) == (1, 2, 0)
    assert found["viewer"].permissions < found["owner"].permissions
    assert "platform_admin" not in found


# -- what the organization asks


async def test_nobody_locks_herself_out_by_security(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    alone = set_security(office.runtime, owner, Security(require_second_factor=True))
    assert (await raised(NotPossible, alone)).field == "require_second_factor"
    elsewhere = set_security(office.runtime, owner, Security(allowed_domains=("pwani.example",)))
    assert (await raised(NotPossible, elsewhere)).field == "allowed_domains"
    admin = await office.principal("adam@savanna.example", "admin")
    await raised(NotAllowed, set_security(office.runtime, admin, Security()))


async def test_only_addresses_of_the_listed_domains_are_invited(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    await set_security(office.runtime, owner, Security(allowed_domains=("@Savanna.example",)))
    error = await raised(NotPossible, invite(office.runtime, owner, "ben@evil-savanna.example", "viewer"))
    assert error.reason == "domain"
    await invite(office.runtime, owner, "ben@savanna.example", "viewer")
    assert "security.changed" in await _actions(office.organization_id)


# -- with somebody else's eyes


async def _root(office: Office) -> Principal:
    await office.enrol("root@chatnation.example", "platform_admin", organization_id=None)
    signed_in = await office.sign_in("root@chatnation.example")
    return await principal_of_session(office.runtime, signed_in.session_id, None)


async def _as(office: Office, root: Principal, user_id: UUID, **more: Any) -> UUID:
    given = {"reason": "Ticket 17: cannot see tickets", "ip": IP, "user_agent": "Firefox", **more}
    return await impersonate(office.runtime, root, user_id, office.organization_id, **given)


async def test_impersonation_names_both_in_one_organization_for_an_hour(office: Office) -> None:
    root = await _root(office)
    ben_id = await office.enrol("ben@savanna.example", "viewer")
    await office.enrol("ben@savanna.example", "owner", organization_id=office.other_id)
    session_id = await _as(office, root, ben_id)
    ben = await office.who(session_id)
    assert ben.actor == f"user:{root.id} as user:{ben_id}"
    assert ben.may("dashboard.view")
    await raised(NotAMember, office.who(session_id, office.other_id))
    assert (await principal_of_session(office.runtime, session_id, None)).permissions == frozenset()
    office.later(minutes=61)
    await raised(SessionEnded, office.who(session_id))
    assert await _actions(office.organization_id) == ["impersonation.started"]


async def test_borrowed_eyes_may_not_what_lets_people_in_or_data_out(office: Office) -> None:
    root = await _root(office)
    owner_id = await office.enrol("jane@savanna.example")
    jane = await office.who(await _as(office, root, owner_id))
    own = await office.principal("jane@savanna.example")
    assert own.permissions - jane.permissions == NOT_BORROWED
    await raised(NotAllowed, invite(office.runtime, jane, "ben@savanna.example", "viewer"))


async def test_borrowed_eyes_change_nothing_of_the_person(office: Office) -> None:
    root = await _root(office)
    owner_id = await office.enrol("jane@savanna.example")
    jane = await office.who(await _as(office, root, owner_id))
    from bot.identity import profile

    for work in (
        profile.change_password(office.runtime, jane, current=PASSWORD, new="umbrella beside the lake"),
        profile.list_sessions(office.runtime, jane),
        second_factor.begin(office.runtime, jane),
        create_key(office.runtime, jane, name="x", scopes=["stall.view"]),
        leave(office.runtime, jane),
    ):
        await raised(NotPossible, work)
    await stop_impersonating(office.runtime, jane)
    assert jane.session_id is not None
    await raised(SessionEnded, office.who(jane.session_id))
    assert await _actions(office.organization_id) == ["impersonation.started", "impersonation.ended"]


@pytest.mark.parametrize("by_hand", [True, False])
async def test_the_end_of_an_impersonation_is_in_the_log_once_also_when_it_ran_out(
    office: Office, by_hand: bool
) -> None:
    owner_id = await office.enrol("jane@savanna.example")
    session_id = await _as(office, await _root(office), owner_id)
    if by_hand:
        await stop_impersonating(office.runtime, await office.who(session_id))
    [job] = await rows("SELECT id, run_at FROM jobs WHERE name = 'core.end_impersonation'")
    assert job["run_at"] == office.runtime.clock.now() + timedelta(hours=1)
    await rows("UPDATE jobs SET run_at = now() RETURNING id")
    for _ in range(2):
        with organization_scope(office.organization_id):
            await run_job(office.runtime, office.organization_id, job["id"])
        await rows("UPDATE jobs SET state = 'ready' RETURNING id")
    assert await _actions(office.organization_id) == ["impersonation.started", "impersonation.ended"]


async def test_only_the_platforms_own_impersonate_and_never_each_other(office: Office) -> None:
    root = await _root(office)
    owner = await office.principal("jane@savanna.example")
    await raised(NotAllowed, _as(office, owner, owner.id))
    assert (await raised(NotPossible, _as(office, root, owner.id, reason=" "))).field == "reason"
    await office.enrol("two@chatnation.example", "owner")
    other = await office.enrol("two@chatnation.example", "platform_admin")
    assert (await raised(NotPossible, _as(office, root, other))).reason == "platform"
    assert (await raised(NotPossible, _as(office, root, uuid4()))).reason == "no_member"


async def test_impersonation_ends_with_the_right_to_it(office: Office) -> None:
    root = await _root(office)
    ben_id = await office.enrol("ben@savanna.example", "viewer")
    session_id = await _as(office, root, ben_id)
    await rows("UPDATE user_credentials SET platform_admin = false WHERE user_id = $1", root.id)
    office.later(seconds=6)
    await raised(SessionEnded, office.who(session_id))


async def test_members_say_who_has_the_second_step(office: Office) -> None:
    owner = await office.principal("jane@savanna.example")
    import pyotp

    setup = await second_factor.begin(office.runtime, owner)
    await second_factor.confirm(office.runtime, owner, pyotp.TOTP(setup.secret).at(office.stage.clock.now()))
    await office.enrol("ben@savanna.example", "viewer")
    found = {each.email: each.has_second_factor for each in await list_members(office.runtime, owner)}
    assert found == {"jane@savanna.example": True, "ben@savanna.example": False}
    await set_security(office.runtime, owner, Security(require_second_factor=True))


def test_the_page_never_shows_an_unescaped_name() -> None:
    from bot.identity import letters

    letter = letters.write("verify", "a@b.example", "en", link="https://x.example/?a=1&b=2", name="<script>", hours="1")
    assert "<script>" not in letter.html
    assert "&amp;b=2" in letter.html
    with pytest.raises(KeyError):
        letters.write("verify", "a@b.example", "en", link="", name="x")
