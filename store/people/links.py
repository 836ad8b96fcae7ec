"""Links that were mailed: each is good once, the newest of its kind alone, and only its hash is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.db import execute, fetchrow, transaction
from store.ids import uuid7
from store.people.foundation import Founder, Taken, put_new_person
from store.people.profile import tell_organizations
from store.tenancy import unscoped

__all__ = [
    "Invited",
    "MailedLink",
    "Taken",
    "accept_invitation",
    "invitation",
    "mailed_link",
    "put_mailed_link",
    "put_profile",
    "reset_password",
    "verify_email",
]


@dataclass(frozen=True, slots=True)
class MailedLink:
    user_id: UUID
    email: str
    name: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invited:
    id: UUID
    organization_id: UUID
    organization: str
    email: str
    role: str
    role_name: str
    inviter: str
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None
    suspended: bool
    has_account: bool


async def put_mailed_link(
    token_hash: str, purpose: str, user_id: UUID, email: str, *, now: datetime, expires_at: datetime
) -> None:
    """Older ones for the same purpose end."""
    with unscoped("a letter to somebody"):
        async with transaction() as tx:
            await tx.execute(
                "UPDATE mailed_tokens SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL",
                user_id,
                purpose,
                now,
            )
            await tx.execute(
                "INSERT INTO mailed_tokens (token_hash, purpose, user_id, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
                token_hash,
                purpose,
                user_id,
                email,
                now,
                expires_at,
            )


async def mailed_link(token_hash: str, purpose: str) -> MailedLink | None:
    with unscoped("who follows this link"):
        row = await fetchrow(
            "SELECT t.user_id, t.email, u.name, t.expires_at, t.used_at FROM mailed_tokens t JOIN users u ON u.id = t.user_id"
            " WHERE t.token_hash = $1 AND t.purpose = $2",
            token_hash,
            purpose,
        )
    return MailedLink(*row) if row else None


async def reset_password(token_hash: str, password_hash: str, *, now: datetime) -> UUID | None:
    """New password, every session ended, the address proved; None: the link is spent."""
    with unscoped("somebody's own password"):
        async with transaction() as tx:
            user_id: UUID | None = await tx.fetchval(
                "UPDATE mailed_tokens SET used_at = $2 WHERE token_hash = $1 AND purpose = 'reset' AND used_at IS NULL AND expires_at > $2"
                " RETURNING user_id",
                token_hash,
                now,
            )
            if user_id is None:
                return None
            await tx.execute(
                "INSERT INTO user_credentials (user_id, password_hash, password_changed_at, totp_step, platform_admin)"
                " VALUES ($1, $2, $3, 0, false) ON CONFLICT (user_id) DO UPDATE"
                " SET password_hash = excluded.password_hash, password_changed_at = excluded.password_changed_at",
                user_id,
                password_hash,
                now,
            )
            await tx.execute(
                "UPDATE user_sessions SET revoked_at = $2, revoked_for = 'password reset' WHERE user_id = $1 AND revoked_at IS NULL",
                user_id,
                now,
            )
            await tx.execute(
                "UPDATE users SET email_verified_at = coalesce(email_verified_at, $2) WHERE id = $1", user_id, now
            )
            await tell_organizations(tx, user_id, "password.reset", f"user:{user_id}")
    return user_id


async def verify_email(token_hash: str, *, now: datetime) -> UUID | None:
    """The address of the link is hers; None: the link is spent, or the address is somebody else's by now."""
    with unscoped("somebody's own address"):
        async with transaction() as tx:
            row = await tx.fetchrow(
                "UPDATE mailed_tokens SET used_at = $2 WHERE token_hash = $1 AND purpose = 'verify' AND used_at IS NULL AND expires_at > $2"
                " RETURNING user_id, email",
                token_hash,
                now,
            )
            if row is None:
                return None
            taken = await tx.fetchval(
                "SELECT EXISTS (SELECT FROM users WHERE email = $2 AND id <> $1)", row["user_id"], row["email"]
            )
            if taken:
                return None
            old = await tx.fetchval("SELECT email FROM users WHERE id = $1 FOR UPDATE", row["user_id"])
            await tx.execute(
                "UPDATE users SET email = $2, email_verified_at = $3 WHERE id = $1", row["user_id"], row["email"], now
            )
            if old != row["email"]:
                await tell_organizations(tx, row["user_id"], "email.changed", f"user:{row['user_id']}")
    user_id: UUID = row["user_id"]
    return user_id


async def invitation(token_hash: str) -> Invited | None:
    with unscoped("who follows this link"):
        row = await fetchrow(
            "SELECT i.id, i.organization_id, o.name, i.email, i.role, coalesce(r.name, ''), coalesce(nullif(u.name, ''), u.email, ''),"
            " i.expires_at, i.accepted_at, i.revoked_at, o.suspended_at IS NOT NULL, EXISTS (SELECT FROM users x WHERE x.email = i.email)"
            " FROM invitations i JOIN organizations o ON o.id = i.organization_id LEFT JOIN users u ON u.id = i.invited_by"
            " LEFT JOIN roles r ON r.organization_id = i.organization_id AND r.id = i.role_id WHERE i.token_hash = $1",
            token_hash,
        )
    return Invited(*row) if row else None


async def accept_invitation(token_hash: str, person: Founder, *, is_new: bool, now: datetime) -> UUID | None:
    """The organization; None: the invitation is spent. Who is a member already keeps the role that she has.

    Raises:
        Taken: there is an account with this address; sign in first.
    """
    with unscoped("somebody accepts an invitation"):
        async with transaction() as tx:
            row = await tx.fetchrow(
                "UPDATE invitations SET accepted_at = $2 WHERE token_hash = $1 AND accepted_at IS NULL AND revoked_at IS NULL"
                " AND expires_at > $2 RETURNING id, organization_id, role, role_id, events, exhibitors, invited_by",
                token_hash,
                now,
            )
            if row is None:
                return None
            if is_new:
                await put_new_person(tx, person, now)
            await tx.execute(
                "INSERT INTO memberships (id, organization_id, user_id, role, role_id, events, exhibitors, invited_by, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9) ON CONFLICT (organization_id, user_id) DO NOTHING",
                uuid7(),
                row["organization_id"],
                person.user_id,
                row["role"],
                row["role_id"],
                row["events"],
                row["exhibitors"],
                row["invited_by"],
                now,
            )
            await tx.execute(
                "INSERT INTO audit_entries (id, organization_id, at, actor, action, subject)"
                " VALUES ($1, $2, clock_timestamp(), $3, 'invitation.accepted', $4)",
                uuid7(),
                row["organization_id"],
                f"user:{person.user_id}",
                f"invitation:{row['id']}",
            )
            await tx.execute(
                "UPDATE users SET email_verified_at = coalesce(email_verified_at, $2) WHERE id = $1",
                person.user_id,
                now,
            )
    organization_id: UUID = row["organization_id"]
    return organization_id


async def put_profile(user_id: UUID, *, name: str, locale: str) -> None:
    with unscoped("somebody's own profile"):
        await execute("UPDATE users SET name = $2, locale = $3 WHERE id = $1", user_id, name, locale)
