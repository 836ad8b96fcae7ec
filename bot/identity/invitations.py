"""Invitations by e-mail: a place with a role, for whoever reads that address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity import letters
from bot.identity.access import SignedIn, start_session
from bot.identity.errors import LinkSpent, NotPossible
from bot.identity.external import open_ticket
from bot.identity.granting import organization_of, require_role, shown, texts
from bot.identity.mailing import checked_email, checked_name, hashed, link_to, new_token, require_open
from bot.identity.memory import forget_user
from bot.identity.passwords import check_password, hash_password
from bot.identity.principal import Principal
from bot.identity.security import security_of
from bot.identity.settings import IdentitySettings
from bot.unit import Unit, open_unit
from store import people
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.people import Founder, Invited, Taken

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = [
    "InvitationRow",
    "accept_invitation",
    "invite",
    "join",
    "list_invitations",
    "read_invitation",
    "revoke_invitation",
    "send_again",
]

AGAIN = "ask who invited you for a new one"


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One that is open, or has expired unanswered."""

    id: UUID
    email: str
    role: str
    role_id: UUID | None
    role_name: str
    events: tuple[UUID, ...] | None
    exhibitors: tuple[UUID, ...] | None
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


async def invite(
    runtime: Runtime,
    principal: Principal,
    email: str,
    role: str,
    *,
    role_id: UUID | None = None,
    events: Iterable[UUID] | None = None,
    exhibitors: Iterable[UUID] | None = None,
) -> UUID:
    """The letter goes after the commit; an older invitation of this address ends.

    Raises:
        NotAllowed: without `users.manage`, or the role may more than the principal.
        NotPossible: a member already, or a domain that the organization does not take.
        Retryable, Permanent: the letter did not go; the invitation stands, `send_again` tries it again.
    """
    principal.require("users.manage")
    email = checked_email(email)
    organization_id = organization_of(principal)
    limits = texts(events), texts(exhibitors)
    invitation_id, (token, kept) = uuid7(), new_token()
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        limited = limits != (None, None)
        role_name = await require_role(runtime, work, principal, role, role_id, limited=limited)
        await _require_welcome(work, email)
        await work.tx.execute(
            "UPDATE invitations SET revoked_at = $3 WHERE organization_id = $1 AND email = $2"
            " AND accepted_at IS NULL AND revoked_at IS NULL",
            organization_id,
            email,
            work.now,
        )
        await work.tx.execute(
            "INSERT INTO invitations (id, organization_id, email, role, role_id, events, exhibitors, token_hash, invited_by, created_at,"
            " expires_at) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10, $11)",
            invitation_id,
            organization_id,
            email,
            role,
            role_id,
            *(None if each is None else to_jsonb(each) for each in limits),
            kept,
            principal.id,
            work.now,
            work.now + _lifetime(runtime),
        )
        after = {"email": email, **shown(role, role_name, *limits)}
        work.audit("invitation.sent", subject=f"invitation:{invitation_id}", after=after)
    await _mail(runtime, token)
    return invitation_id


async def _require_welcome(work: Unit, email: str) -> None:
    settings = await work.tx.fetchval("SELECT settings FROM organizations WHERE id = $1", work.organization_id)
    security = security_of(from_jsonb(settings) if settings else {})
    if not security.admits(email):
        domains = ", ".join(security.allowed_domains)
        raise NotPossible("domain", f"this organization takes addresses of {domains} only", field="email")
    if await work.tx.fetchval(
        "SELECT EXISTS (SELECT FROM users WHERE email = $1)", email
    ):  # row level security: members
        raise NotPossible("member", "this person is a member already; change the role instead", field="email")


async def send_again(runtime: Runtime, principal: Principal, invitation_id: UUID) -> None:
    """A new link, good from now; the old one ends.

    Raises:
        NotPossible: it is not open any more.
    """
    principal.require("users.manage")
    organization_id = organization_of(principal)
    token, kept = new_token()
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        row = await work.tx.fetchrow(
            "UPDATE invitations SET token_hash = $3, expires_at = $4 WHERE organization_id = $1 AND id = $2"
            " AND accepted_at IS NULL AND revoked_at IS NULL RETURNING role, role_id",
            organization_id,
            invitation_id,
            kept,
            work.now + _lifetime(runtime),
        )
        if row is None:
            raise NotPossible("gone", "this invitation was accepted or withdrawn; invite again")
        await require_role(runtime, work, principal, row["role"], row["role_id"])
        work.audit("invitation.sent_again", subject=f"invitation:{invitation_id}")
    await _mail(runtime, token)


def _lifetime(runtime: Runtime) -> timedelta:
    return timedelta(days=runtime.configuration.section(IdentitySettings, "identity").invitation_days)


async def _mail(runtime: Runtime, token: str) -> None:
    found = await people.invitation(hashed(token))
    if found is None:
        return
    person = await people.person_named(found.email)
    profile = await runtime.directory.organization(found.organization_id)
    locale = person.locale if person else profile.info.locale
    letter = letters.write(
        "invitation",
        found.email,
        locale,
        link=link_to(runtime, "invitation", token),
        inviter=found.inviter[:80] or found.organization,
        organization=found.organization,
        role=found.role_name or letters.role_name(found.role, locale),
        days=f"{_lifetime(runtime).days}",
    )
    await runtime.notifier.email(letter)


async def list_invitations(runtime: Runtime, principal: Principal) -> list[InvitationRow]:
    """Unanswered ones, newest first."""
    principal.require("users.view")
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        rows = await work.tx.fetch(
            "SELECT i.id, i.email, i.role, i.role_id, coalesce(r.name, '') AS role_name, i.events, i.exhibitors, i.invited_by,"
            " i.created_at, i.expires_at FROM invitations i"
            " LEFT JOIN roles r ON r.organization_id = i.organization_id AND r.id = i.role_id"
            " WHERE i.organization_id = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL ORDER BY i.created_at DESC, i.id DESC",
            organization_id,
        )
    return [
        InvitationRow(**{**row, "events": ids_of(row["events"]), "exhibitors": ids_of(row["exhibitors"])})
        for row in rows
    ]


def ids_of(text: str | None) -> tuple[UUID, ...] | None:
    return None if text is None else tuple(UUID(each) for each in from_jsonb(text))


async def revoke_invitation(runtime: Runtime, principal: Principal, invitation_id: UUID) -> bool:
    """False: it was answered or withdrawn, or is none of the organization's."""
    principal.require("users.manage")
    organization_id = organization_of(principal)
    async with open_unit(runtime, organization_id, actor=principal.actor) as work:
        email = await work.tx.fetchval(
            "UPDATE invitations SET revoked_at = $3 WHERE organization_id = $1 AND id = $2"
            " AND accepted_at IS NULL AND revoked_at IS NULL RETURNING email",
            organization_id,
            invitation_id,
            work.now,
        )
        if email is not None:
            work.audit("invitation.revoked", subject=f"invitation:{invitation_id}", before={"email": email})
    return email is not None


# -- whoever was invited


async def read_invitation(runtime: Runtime, token: str) -> Invited:
    """For the page; `has_account` says whether to sign in or to choose a password.

    Raises:
        LinkSpent
    """
    found = await people.invitation(hashed(token))
    if found is None:
        raise LinkSpent("unknown", f"this invitation is not complete; copy the link whole from the letter, or {AGAIN}")
    if found.revoked_at is not None:
        raise LinkSpent("revoked", f"this invitation was withdrawn; {AGAIN}")
    if found.accepted_at is not None:
        raise LinkSpent("used", "this invitation was accepted already; sign in")
    require_open(found.expires_at, None, runtime.clock.now(), what="this invitation", again=AGAIN)
    if found.suspended:
        raise LinkSpent("suspended", "this organization is suspended; write to the people who run the platform")
    return found


async def accept_invitation(
    runtime: Runtime,
    token: str,
    *,
    name: str,
    password: str = "",
    ticket: str = "",
    locale: str = "",
    ip: str,
    user_agent: str,
    kind: str = "browser",
) -> SignedIn:
    """For somebody without an account: it is made, and its address counts as confirmed.

    Raises:
        LinkSpent, WeakPassword
        NotPossible: `taken`: there is an account; sign in and `join`. `other_address`: the ticket is somebody else's.
    """
    found = await read_invitation(runtime, token)
    newcomer = open_ticket(runtime, ticket) if ticket else None
    if newcomer is not None and newcomer.email != found.email:
        raise NotPossible("other_address", f"this invitation is for {found.email}; sign in there with that address")
    name = checked_name(name, field="name")
    settings = runtime.configuration.section(IdentitySettings, "identity")
    if newcomer is None:
        check_password(password, email=found.email, name=name)
    now = runtime.clock.now()
    profile = await runtime.directory.organization(found.organization_id)
    somebody = Founder(
        uuid7(),
        found.email,
        name=name,
        locale=locale if locale in letters.LOCALES else profile.info.locale,
        password_hash="" if newcomer else await hash_password(settings, password),
        email_verified_at=now,
        external=(newcomer.provider, newcomer.issuer, newcomer.subject) if newcomer else None,
    )
    try:
        organization_id = await people.accept_invitation(hashed(token), somebody, is_new=True, now=now)
    except Taken as e:
        raise NotPossible("taken", "you have an account already; sign in to accept the invitation") from e
    if organization_id is None:
        raise LinkSpent("used", "this invitation was accepted already; sign in")
    person = await people.person(somebody.user_id)
    assert person is not None
    method = newcomer.provider if newcomer else "password"
    return await start_session(
        runtime, person, second_factor=False, ip=ip, user_agent=user_agent, kind=kind, method=method
    )


async def join(runtime: Runtime, principal: Principal, token: str) -> UUID:
    """For somebody who is signed in; returns the organization.

    Raises:
        LinkSpent
        NotPossible: the invitation is for another address than hers.
    """
    found = await read_invitation(runtime, token)
    person = await people.person(principal.id) if principal.kind == "user" else None
    if person is None or principal.impersonated_by is not None:
        raise NotPossible("not_a_person", "invitations are for people")
    if person.email != found.email:
        raise NotPossible(
            "other_address", f"this invitation is for {found.email}, and you are signed in as {person.email}"
        )
    organization_id = await people.accept_invitation(
        hashed(token), Founder(person.id), is_new=False, now=runtime.clock.now()
    )
    if organization_id is None:
        raise LinkSpent("used", "this invitation was accepted already")
    forget_user(person.id)
    return organization_id
