"""Who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from store.db import Tx, execute, fetch, fetchrow, fetchval, transaction
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import unscoped

__all__ = [
    "Person",
    "Place",
    "notify_by",
    "person",
    "person_named",
    "places_of",
    "platform_people",
    "put_notify_by",
    "put_password",
    "set_platform_admin",
    "tell_organizations",
]


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    email: str
    name: str
    locale: str
    email_verified_at: datetime | None
    password_hash: str
    sealed_totp: bytes | None
    totp_confirmed_at: datetime | None
    totp_step: int
    platform_admin: bool
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """An organization of somebody."""

    organization_id: UUID
    name: str
    slug: str
    role: str
    role_name: str  # of a custom role
    suspended: bool
    suspended_reason: str = ""
    suspended_until: datetime | None = None


_PERSON = (
    "SELECT u.id, u.email, u.name, u.locale, u.email_verified_at, coalesce(c.password_hash, ''), c.sealed_totp,"
    " c.totp_confirmed_at, coalesce(c.totp_step, 0), coalesce(c.platform_admin, false), c.disabled_at"
    " FROM users u LEFT JOIN user_credentials c ON c.user_id = u.id"
)


async def person_named(email: str) -> Person | None:
    """`email` in lower case."""
    with unscoped("who signs in"):
        row = await fetchrow(f"{_PERSON} WHERE u.email = $1", email)
    return Person(*row) if row else None


async def person(user_id: UUID) -> Person | None:
    with unscoped("somebody's own profile"):
        row = await fetchrow(f"{_PERSON} WHERE u.id = $1", user_id)
    return Person(*row) if row else None


async def set_platform_admin(user_id: UUID, *, is_one: bool) -> None:
    with unscoped("who runs the platform"):
        await execute("UPDATE user_credentials SET platform_admin = $2 WHERE user_id = $1", user_id, is_one)


async def put_password(user_id: UUID, password_hash: str, now: datetime, *, action: str = "") -> None:
    """With `action` it is one that organizations are told of."""
    with unscoped("somebody's own password"):
        async with transaction() as tx:
            await tx.execute(
                "INSERT INTO user_credentials (user_id, password_hash, password_changed_at, totp_step, platform_admin)"
                " VALUES ($1, $2, $3, 0, false) ON CONFLICT (user_id) DO UPDATE"
                " SET password_hash = excluded.password_hash, password_changed_at = excluded.password_changed_at",
                user_id,
                password_hash,
                now,
            )
            if action:
                await tell_organizations(tx, user_id, action, f"user:{user_id}")


async def notify_by(user_id: UUID) -> dict[str, list[str]]:
    """How somebody wants to be told, by kind; what is not there goes as its kind says."""
    with unscoped("somebody's own choice"):
        text = await fetchval("SELECT notify_by FROM users WHERE id = $1", user_id)
    found: dict[str, list[str]] = from_jsonb(text or "{}") or {}
    return found


async def put_notify_by(user_id: UUID, chosen: dict[str, list[str]]) -> None:
    with unscoped("somebody's own choice"):
        await execute("UPDATE users SET notify_by = $2::jsonb WHERE id = $1", user_id, to_jsonb(chosen))


async def platform_people() -> list[tuple[UUID, str, str, dict[str, list[str]]]]:
    """The platform's own: id, e-mail address, language, how they want to be told."""
    with unscoped("who runs the platform"):
        rows = await fetch(
            "SELECT u.id, u.email, u.locale, coalesce(u.notify_by::text, '{}') FROM users u JOIN user_credentials c ON c.user_id = u.id"
            " WHERE c.platform_admin AND c.disabled_at IS NULL ORDER BY u.id"
        )
    return [(row[0], row[1], row[2], from_jsonb(row[3]) or {}) for row in rows]


async def places_of(user_id: UUID) -> list[Place]:
    with unscoped("the organizations of somebody"):
        rows = await fetch(
            "SELECT o.id, o.name, o.slug, m.role, coalesce(r.name, ''), o.suspended_at IS NOT NULL, coalesce(o.suspended_reason, ''), o.suspended_until"
            " FROM memberships m JOIN organizations o ON o.id = m.organization_id"
            " LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id"
            " WHERE m.user_id = $1 ORDER BY o.name, o.id",
            user_id,
        )
    return [Place(*row) for row in rows]


async def tell_organizations(tx: Tx, user_id: UUID, action: str, actor: str, after: Any = None) -> None:
    """An audit entry in every organization of hers: what she changes of herself concerns all of them."""
    for row in await tx.fetch("SELECT organization_id FROM memberships WHERE user_id = $1", user_id):
        await tx.execute(
            "INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, after)"
            " VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6::jsonb)",
            uuid7(),
            row["organization_id"],
            actor,
            action,
            f"user:{user_id}",
            None if after is None else to_jsonb(after),
        )
