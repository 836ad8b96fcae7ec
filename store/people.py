"""Rows of people before any organization is known: who signs in, how they proved it, and since when.

They run as the system's role. Nothing here decides; `bot/identity` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from store.db import Tx, execute, fetch, fetchrow, fetchval, transaction
from store.ids import uuid7
from store.jsonb import from_jsonb, to_jsonb
from store.tenancy import unscoped

__all__ = [
    "KeyStanding",
    "Person",
    "Place",
    "Seat",
    "SessionRow",
    "Standing",
    "confirm_totp",
    "count_try",
    "create_person",
    "end_session",
    "end_sessions",
    "forget_tries",
    "give_back_try",
    "has_signed_in_from",
    "key_standing",
    "mark_second_factor",
    "person",
    "person_named",
    "places_of",
    "put_password",
    "put_recovery_codes",
    "put_refresh_token",
    "put_totp",
    "remove_totp",
    "sessions_of",
    "set_platform_admin",
    "standing",
    "start_session",
    "touch_key",
    "touch_session",
    "use_recovery_code",
    "use_refresh_token",
    "use_totp_step",
]

FORGOTTEN_AFTER = timedelta(hours=1)  # a try that long after the last one is the first again


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


@dataclass(frozen=True, slots=True)
class Seat:
    """A membership, as far as rights go."""

    role: str
    permissions: tuple[str, ...]  # of a custom role
    events: frozenset[UUID] | None
    exhibitors: frozenset[UUID] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A session, who is behind it, and her seat in the organization that was asked for."""

    session_id: UUID
    user_id: UUID
    impersonating: UUID | None
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
    created_by: UUID | None
    seat: Seat | None  # of who made it, now


# -- people

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


async def create_person(
    user_id: UUID,
    email: str,
    *,
    name: str,
    locale: str,
    password_hash: str,
    email_verified_at: datetime | None,
    now: datetime,
) -> bool:
    """`email` in lower case. False: somebody has this address, and nothing is written."""
    with unscoped("somebody registers"):
        async with transaction() as tx:
            made = await tx.fetchval(
                "INSERT INTO users (id, email, name, locale, email_verified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
                " ON CONFLICT (email) DO NOTHING RETURNING id",
                user_id,
                email,
                name,
                locale,
                email_verified_at,
                now,
            )
            if made is not None:
                await tx.execute(
                    "INSERT INTO user_credentials (user_id, password_hash, password_changed_at, totp_step, platform_admin)"
                    " VALUES ($1, $2, $3, 0, false)",
                    user_id,
                    password_hash,
                    now,
                )
    return made is not None


async def set_platform_admin(user_id: UUID, *, is_one: bool) -> None:
    with unscoped("who runs the platform"):
        await execute("UPDATE user_credentials SET platform_admin = $2 WHERE user_id = $1", user_id, is_one)


async def put_password(user_id: UUID, password_hash: str, now: datetime) -> None:
    with unscoped("somebody's own password"):
        await execute(
            "INSERT INTO user_credentials (user_id, password_hash, password_changed_at, totp_step, platform_admin)"
            " VALUES ($1, $2, $3, 0, false) ON CONFLICT (user_id) DO UPDATE"
            " SET password_hash = excluded.password_hash, password_changed_at = excluded.password_changed_at",
            user_id,
            password_hash,
            now,
        )


async def places_of(user_id: UUID) -> list[Place]:
    with unscoped("the organizations of somebody"):
        rows = await fetch(
            "SELECT o.id, o.name, o.slug, m.role, coalesce(r.name, ''), o.suspended_at IS NOT NULL"
            " FROM memberships m JOIN organizations o ON o.id = m.organization_id"
            " LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id"
            " WHERE m.user_id = $1 ORDER BY o.name, o.id",
            user_id,
        )
    return [Place(*row) for row in rows]


# -- tries


async def count_try(keys: Sequence[tuple[str, int]], *, now: datetime, longest_s: float) -> float:
    """Counts one try for each (key, how many are free) before it is made; 0, or how long to wait, and then nothing is counted."""
    with unscoped("tries to sign in"):
        try:
            async with transaction() as tx:
                for key, free in sorted(keys):
                    counted = await tx.fetchval(_COUNT, key, now, free, longest_s, FORGOTTEN_AFTER)
                    if counted is None:
                        until = await tx.fetchval("SELECT blocked_until FROM sign_in_tries WHERE key = $1", key)
                        raise _Blocked((until - now).total_seconds())
        except _Blocked as blocked:
            return max(blocked.after_s, 0.1)
    return 0


_COUNT = """
INSERT INTO sign_in_tries AS t (key, tries, last_at, blocked_until) VALUES ($1, 1, $2, $2)
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN t.last_at < $2 - $5::interval THEN 1 ELSE t.tries + 1 END,
    last_at = $2,
    blocked_until = CASE
        WHEN t.last_at < $2 - $5::interval OR t.tries < $3::int THEN $2
        ELSE $2 + make_interval(secs => least($4::float8, power(2, least(t.tries - $3::int + 1, 30)))) END
WHERE t.blocked_until <= $2
RETURNING tries
"""


class _Blocked(Exception):
    def __init__(self, after_s: float) -> None:
        self.after_s = after_s


async def forget_tries(keys: Sequence[str]) -> None:
    with unscoped("tries to sign in"):
        await execute("DELETE FROM sign_in_tries WHERE key = ANY($1)", list(keys))


async def give_back_try(keys: Sequence[str], *, now: datetime) -> None:
    """It was no wrong one. What was wrong before stays counted."""
    with unscoped("tries to sign in"):
        await execute(
            "UPDATE sign_in_tries SET tries = greatest(tries - 1, 0), blocked_until = least(blocked_until, $2) WHERE key = ANY($1)",
            list(keys),
            now,
        )


async def has_signed_in_from(user_id: UUID | None, ip: str, *, since: datetime) -> bool:
    with unscoped("who signs in"):
        found: bool = await fetchval(
            "SELECT EXISTS (SELECT FROM user_sessions WHERE user_id = $1 AND ip = $2 AND ip <> '' AND created_at > $3)",
            user_id,
            ip,
            since,
        )
    return found


# -- sessions


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
) -> None:
    with unscoped("somebody signs in"):
        await execute(
            "INSERT INTO user_sessions (id, user_id, kind, method, second_factor, ip, user_agent, created_at, last_seen_at, expires_at,"
            " revoked_for) VALUES ($1, $2, $3, $4, $5, left($6, 45), left($7, 300), $8, $8, $9, '')",
            session_id,
            user_id,
            kind,
            method,
            second_factor,
            ip,
            user_agent,
            now,
            expires_at,
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
            "SELECT s.id AS session_id, s.user_id, s.impersonating, s.method, s.second_factor, s.last_seen_at, s.expires_at, s.revoked_at, s.kind,"
            " u.name, u.email, coalesce(c.platform_admin, false) AS platform_admin, c.disabled_at, c.totp_confirmed_at,"
            " o.settings AS organization_settings, o.suspended_at IS NOT NULL AS suspended, m.role, r.permissions, m.events, m.exhibitors"
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
    seat = _seat(*(facts.pop(each) for each in ("role", "permissions", "events", "exhibitors")))
    settings = facts.pop("organization_settings")
    return Standing(**facts, organization_settings=from_jsonb(settings) if settings else {}, seat=seat)


def _seat(role: str | None, permissions: str | None, events: str | None, exhibitors: str | None) -> Seat | None:
    if role is None:
        return None
    return Seat(role, tuple(from_jsonb(permissions) if permissions else ()), _ids(events), _ids(exhibitors))


def _ids(text: str | None) -> frozenset[UUID] | None:
    found = from_jsonb(text) if text else None
    return None if found is None else frozenset(UUID(each) for each in found)


# -- refresh tokens


async def put_refresh_token(token_hash: str, session_id: UUID, *, now: datetime, expires_at: datetime) -> None:
    with unscoped("a session of the API"):
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


# -- API keys


async def key_standing(prefix: str) -> KeyStanding | None:
    with unscoped("whose API key is this"):
        row = await fetchrow(
            "SELECT k.id, k.organization_id, k.kind, k.name, k.secret_hash, k.scopes, k.allowed_ips, k.rate_per_min, k.expires_at,"
            " k.revoked_at, o.suspended_at IS NOT NULL AS suspended, k.created_by,"
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
    seat = _seat(*(facts.pop(each) for each in ("role", "permissions", "events", "exhibitors")))
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


# -- the second factor


async def put_totp(user_id: UUID, sealed: bytes) -> None:
    """A secret that waits to be confirmed."""
    with unscoped("somebody's own second factor"):
        await execute(
            "INSERT INTO user_credentials (user_id, password_hash, sealed_totp, totp_step, platform_admin) VALUES ($1, '', $2, 0, false)"
            " ON CONFLICT (user_id) DO UPDATE SET sealed_totp = excluded.sealed_totp, totp_step = 0"
            " WHERE user_credentials.totp_confirmed_at IS NULL",
            user_id,
            sealed,
        )


async def use_totp_step(user_id: UUID, step: int) -> bool:
    """False: it was used."""
    with unscoped("somebody's own second factor"):
        tag = await execute(
            "UPDATE user_credentials SET totp_step = $2 WHERE user_id = $1 AND totp_step < $2", user_id, step
        )
    return tag != "UPDATE 0"


async def use_recovery_code(user_id: UUID, code_hash: str, now: datetime) -> bool:
    with unscoped("somebody's own second factor"):
        tag = await execute(
            "UPDATE user_recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
            user_id,
            code_hash,
            now,
        )
    return tag != "UPDATE 0"


async def confirm_totp(
    user_id: UUID, code_hashes: Sequence[str], *, session_id: UUID | None, now: datetime, actor: str
) -> None:
    with unscoped("somebody's own second factor"):
        async with transaction() as tx:
            await tx.execute("UPDATE user_credentials SET totp_confirmed_at = $2 WHERE user_id = $1", user_id, now)
            await tx.execute("UPDATE user_sessions SET second_factor = true WHERE id = $1", session_id)
            await _put_codes(tx, user_id, code_hashes)
            await _tell_organizations(tx, user_id, "second_factor.on", actor)


async def put_recovery_codes(user_id: UUID, code_hashes: Sequence[str], *, now: datetime, actor: str) -> None:
    with unscoped("somebody's own second factor"):
        async with transaction() as tx:
            await _put_codes(tx, user_id, code_hashes)
            await _tell_organizations(tx, user_id, "second_factor.new_codes", actor)


async def _put_codes(tx: Tx, user_id: UUID, code_hashes: Sequence[str]) -> None:
    await tx.execute("DELETE FROM user_recovery_codes WHERE user_id = $1", user_id)
    await tx.executemany(
        "INSERT INTO user_recovery_codes (id, user_id, code_hash) VALUES ($1, $2, $3)",
        [(uuid7(), user_id, each) for each in code_hashes],
    )


async def mark_second_factor(session_id: UUID) -> None:
    with unscoped("somebody's own second factor"):
        await execute("UPDATE user_sessions SET second_factor = true WHERE id = $1", session_id)


async def remove_totp(user_id: UUID, *, now: datetime, actor: str) -> None:
    with unscoped("somebody's own second factor"):
        async with transaction() as tx:
            await tx.execute(
                "UPDATE user_credentials SET sealed_totp = NULL, totp_confirmed_at = NULL, totp_step = 0 WHERE user_id = $1",
                user_id,
            )
            await tx.execute("UPDATE user_sessions SET second_factor = false WHERE user_id = $1", user_id)
            await tx.execute("DELETE FROM user_recovery_codes WHERE user_id = $1", user_id)
            await _tell_organizations(tx, user_id, "second_factor.off", actor)


async def _tell_organizations(tx: Tx, user_id: UUID, action: str, actor: str, after: Any = None) -> None:
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
