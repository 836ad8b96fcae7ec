"""Who somebody is at an OpenID provider, and sign-ins that are under way there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from store.db import execute, fetch, fetchval, transaction
from store.ids import uuid7
from store.people.profile import tell_organizations
from store.tenancy import unscoped

__all__ = ["linked", "links_of", "put_attempt", "put_link", "remove_link", "take_attempt"]


async def put_attempt(state_hash: str, sealed: bytes, *, expires_at: datetime) -> None:
    with unscoped("a sign-in at a provider"):
        await execute(
            "INSERT INTO external_attempts (state_hash, sealed, expires_at) VALUES ($1, $2, $3)",
            state_hash,
            sealed,
            expires_at,
        )


async def take_attempt(state_hash: str, *, now: datetime) -> bytes | None:
    """Once."""
    with unscoped("a sign-in at a provider"):
        found: bytes | None = await fetchval(
            "DELETE FROM external_attempts WHERE state_hash = $1 AND expires_at > $2 RETURNING sealed", state_hash, now
        )
    return found


async def linked(issuer: str, subject: str, *, now: datetime) -> UUID | None:
    """Whose identity this is; the visit is noted."""
    with unscoped("who signs in"):
        found: UUID | None = await fetchval(
            "UPDATE user_external_identities SET last_used_at = $3 WHERE issuer = $1 AND subject = $2 RETURNING user_id",
            issuer,
            subject,
            now,
        )
    return found


async def put_link(
    user_id: UUID, *, provider: str, issuer: str, subject: str, email: str, now: datetime, distrust: bool
) -> None:
    """The provider has proved that the address is hers. With `distrust` nobody had before: whoever made the account may be somebody
    else who waits for her, so the password, the second factor and the sessions that it has are taken away."""
    with unscoped("who signs in"):
        async with transaction() as tx:
            await tx.execute(
                "INSERT INTO user_external_identities (id, user_id, provider, issuer, subject, email, created_at, last_used_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
                uuid7(),
                user_id,
                provider,
                issuer,
                subject,
                email,
                now,
            )
            if distrust:
                await tx.execute(
                    "UPDATE user_credentials SET password_hash = '', sealed_totp = NULL, totp_confirmed_at = NULL WHERE user_id = $1",
                    user_id,
                )
                await tx.execute("DELETE FROM user_recovery_codes WHERE user_id = $1", user_id)
                await tx.execute(
                    "UPDATE user_sessions SET revoked_at = $2, revoked_for = 'address proved elsewhere'"
                    " WHERE user_id = $1 AND revoked_at IS NULL",
                    user_id,
                    now,
                )
                await tx.execute("UPDATE users SET email_verified_at = $2 WHERE id = $1", user_id, now)
            await tell_organizations(tx, user_id, "external_identity.linked", f"user:{user_id}", {"provider": provider})


async def links_of(user_id: UUID) -> list[tuple[str, str]]:
    """(provider, address there)."""
    with unscoped("somebody's own profile"):
        rows = await fetch(
            "SELECT provider, email FROM user_external_identities WHERE user_id = $1 ORDER BY created_at", user_id
        )
    return [(row["provider"], row["email"]) for row in rows]


async def remove_link(user_id: UUID, provider: str) -> bool:
    with unscoped("somebody's own profile"):
        async with transaction() as tx:
            tag = await tx.execute(
                "DELETE FROM user_external_identities WHERE user_id = $1 AND provider = $2", user_id, provider
            )
            if tag != "DELETE 0":
                await tell_organizations(
                    tx, user_id, "external_identity.unlinked", f"user:{user_id}", {"provider": provider}
                )
    return tag != "DELETE 0"
