"""Who is signed in, where, and what with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from store.db import execute, fetch, fetchrow, fetchval
from store.jsonb import from_jsonb
from store.people.seat import Seat, seat_of
from store.tenancy import unscoped

__all__ = [
    "SessionRow",
    "Standing",
    "addresses_of",
    "end_session",
    "end_sessions",
    "has_signed_in_from",
    "put_refresh_token",
    "sessions_of",
    "standing",
    "start_session",
    "touch_session",
    "use_refresh_token",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """A session, who is behind it, and her seat in the organization that was asked for."""

    session_id: UUID
    user_id: UUID
    impersonating: UUID | None
    impersonating_in: UUID | None
    method: str
    second_factor: bool
    last_seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    kind: str
    name: str
    email: str
    platform_admin: bool
    disabled_at: datetime | None
    totp_confirmed_at: datetime | None
    organization_settings: dict[str, Any]
    suspended: bool
    suspended_reason: str
    suspended_until: datetime | None
    seat: Seat | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """For the list of one's sessions."""

    id: UUID
    kind: str
    method: str
    ip: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


async def start_session(
    session_id: UUID,
    user_id: UUID,
    *,
    kind: str,
    method: str,
    second_factor: bool,
    ip: str,
    user_agent: str,
    now: datetime,
    expires_at: datetime,
    impersonating: UUID | None = None,
    impersonating_in: UUID | None = None,
) -> None:
    with unscoped("somebody signs in"):
        await execute(
            "INSERT INTO user_sessions (id, user_id, kind, method, second_factor, ip, user_agent, created_at, last_seen_at, expires_at,"
            " revoked_for, impersonating, impersonating_in) VALUES ($1, $2, $3, $4, $5, left($6, 45), left($7, 300), $8, $8, $9, '', $10, $11)",
            session_id,
            user_id,
            kind,
            method,
            second_factor,
            ip,
            user_agent,
            now,
            expires_at,
            impersonating,
            impersonating_in,
        )


async def end_session(session_id: UUID, *, reason: str, user_id: UUID | None = None) -> bool:
    """`user_id`: only if it is hers. False: it had ended, or is none."""
    with unscoped("somebody signs out"):
        tag = await execute(
            "UPDATE user_sessions SET revoked_at = now(), revoked_for = $2"
            " WHERE id = $1 AND revoked_at IS NULL AND ($3::uuid IS NULL OR user_id = $3)",
            session_id,
            reason,
            user_id,
        )
    return tag != "UPDATE 0"


async def end_sessions(user_id: UUID, *, reason: str, but: UUID | None = None) -> list[UUID]:
    """All of somebody's, but one."""
    with unscoped("somebody signs out everywhere"):
        rows = await fetch(
            "UPDATE user_sessions SET revoked_at = now(), revoked_for = $2"
            " WHERE user_id = $1 AND revoked_at IS NULL AND ($3::uuid IS NULL OR id <> $3) RETURNING id",
            user_id,
            reason,
            but,
        )
    return [row["id"] for row in rows]


async def sessions_of(user_id: UUID, *, now: datetime) -> list[SessionRow]:
    """Those that live, newest visit first."""
    with unscoped("somebody's own sessions"):
        rows = await fetch(
            "SELECT id, kind, method, ip, user_agent, created_at, last_seen_at, expires_at FROM user_sessions"
            " WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY last_seen_at DESC, id",
            user_id,
            now,
        )
    return [SessionRow(*row) for row in rows]


async def touch_session(session_id: UUID, now: datetime) -> None:
    with unscoped("somebody was here"):
        await execute(
            "UPDATE user_sessions SET last_seen_at = greatest(last_seen_at, $2) WHERE id = $1", session_id, now
        )


async def standing(session_id: UUID, organization_id: UUID | None) -> Standing | None:
    with unscoped("whose session is this"):
        row = await fetchrow(
            "SELECT s.id AS session_id, s.user_id, s.impersonating, s.impersonating_in, s.method, s.second_factor, s.last_seen_at, s.expires_at, s.revoked_at, s.kind,"
            " u.name, u.email, coalesce(c.platform_admin, false) AS platform_admin, c.disabled_at, c.totp_confirmed_at,"
            " o.settings AS organization_settings, o.suspended_at IS NOT NULL AS suspended,"
            " coalesce(o.suspended_reason, '') AS suspended_reason, o.suspended_until, m.role, r.permissions, m.events, m.exhibitors"
            " FROM user_sessions s JOIN users u ON u.id = coalesce(s.impersonating, s.user_id)"
            " LEFT JOIN user_credentials c ON c.user_id = s.user_id"
            " LEFT JOIN organizations o ON o.id = $2"
            " LEFT JOIN memberships m ON m.organization_id = o.id AND m.user_id = u.id"
            " LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id"
            " WHERE s.id = $1",
            session_id,
            organization_id,
        )
    if row is None:
        return None
    facts = dict(row)
    seat = seat_of(*(facts.pop(each) for each in ("role", "permissions", "events", "exhibitors")))
    settings = facts.pop("organization_settings")
    return Standing(**facts, organization_settings=from_jsonb(settings) if settings else {}, seat=seat)


async def has_signed_in_from(user_id: UUID | None, ip: str, *, since: datetime) -> bool:
    with unscoped("who signs in"):
        found: bool = await fetchval(
            "SELECT EXISTS (SELECT FROM user_sessions WHERE user_id = $1 AND ip = $2 AND ip <> '' AND created_at > $3)",
            user_id,
            ip,
            since,
        )
    return found


async def addresses_of(user_id: UUID) -> list[str]:
    """From where somebody has signed in."""
    with unscoped("somebody's own sessions"):
        return [row["ip"] for row in await fetch("SELECT DISTINCT ip FROM user_sessions WHERE user_id = $1", user_id)]


async def put_refresh_token(token_hash: str, session_id: UUID, *, now: datetime, expires_at: datetime) -> None:
    """A family of tokens lives as long as its newest one."""
    with unscoped("a session of the API"):
        await execute(
            "UPDATE user_sessions SET expires_at = greatest(expires_at, $3), last_seen_at = greatest(last_seen_at, $2)"
            " WHERE id = $1 AND kind = 'api'",
            session_id,
            now,
            expires_at,
        )
        await execute(
            "INSERT INTO refresh_tokens (token_hash, session_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
            token_hash,
            session_id,
            now,
            expires_at,
        )


async def use_refresh_token(token_hash: str, *, now: datetime) -> tuple[str, UUID | None]:
    """("used", session) once; ("again", session) from then on, ("expired", session) or ("unknown", None)."""
    with unscoped("a session of the API"):
        session_id = await fetchval(
            "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING session_id",
            token_hash,
            now,
        )
        if session_id is not None:
            return "used", session_id
        row = await fetchrow("SELECT session_id, used_at FROM refresh_tokens WHERE token_hash = $1", token_hash)
    if row is None:
        return "unknown", None
    return ("again" if row["used_at"] is not None else "expired"), row["session_id"]
