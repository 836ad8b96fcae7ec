"""Whose API key is this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from store.db import execute, fetchrow
from store.jsonb import from_jsonb
from store.people.seat import Seat, seat_of
from store.tenancy import unscoped

__all__ = ["KeyStanding", "key_standing", "touch_key"]


@dataclass(frozen=True, slots=True)
class KeyStanding:
    id: UUID
    organization_id: UUID
    kind: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    allowed_ips: tuple[str, ...]
    rate_per_min: int
    expires_at: datetime | None
    revoked_at: datetime | None
    suspended: bool
    suspended_reason: str
    suspended_until: datetime | None
    created_by: UUID | None
    seat: Seat | None  # of who made it, now


async def key_standing(prefix: str) -> KeyStanding | None:
    with unscoped("whose API key is this"):
        row = await fetchrow(
            "SELECT k.id, k.organization_id, k.kind, k.name, k.secret_hash, k.scopes, k.allowed_ips, k.rate_per_min, k.expires_at,"
            " k.revoked_at, o.suspended_at IS NOT NULL AS suspended, coalesce(o.suspended_reason, '') AS suspended_reason, o.suspended_until, k.created_by,"
            " CASE WHEN c.disabled_at IS NULL THEN m.role END AS role, r.permissions, m.events, m.exhibitors"
            " FROM api_keys k JOIN organizations o ON o.id = k.organization_id"
            " LEFT JOIN memberships m ON m.organization_id = k.organization_id AND m.user_id = k.created_by"
            " LEFT JOIN user_credentials c ON c.user_id = k.created_by"
            " LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id"
            " WHERE k.prefix = $1",
            prefix,
        )
    if row is None:
        return None
    facts = dict(row)
    seat = seat_of(*(facts.pop(each) for each in ("role", "permissions", "events", "exhibitors")))
    lists: dict[str, Any] = {each: tuple(from_jsonb(facts.pop(each))) for each in ("scopes", "allowed_ips")}
    return KeyStanding(**facts, **lists, seat=seat)


async def touch_key(key_id: UUID, ip: str, now: datetime) -> None:
    with unscoped("an API key was used"):
        await execute(
            "UPDATE api_keys SET last_used_at = greatest(last_used_at, $3), last_used_ip = left($2, 45) WHERE id = $1",
            key_id,
            ip,
            now,
        )
