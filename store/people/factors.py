"""Somebody's second factor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from store.db import Tx, execute, fetch, transaction
from store.ids import uuid7
from store.people.profile import tell_organizations
from store.tenancy import unscoped

__all__ = [
    "confirm_totp",
    "mark_second_factor",
    "put_recovery_codes",
    "put_totp",
    "remove_totp",
    "use_recovery_code",
    "use_totp_step",
    "with_second_factor",
]


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
            await tell_organizations(tx, user_id, "second_factor.on", actor)


async def put_recovery_codes(user_id: UUID, code_hashes: Sequence[str], *, now: datetime, actor: str) -> None:
    with unscoped("somebody's own second factor"):
        async with transaction() as tx:
            await _put_codes(tx, user_id, code_hashes)
            await tell_organizations(tx, user_id, "second_factor.new_codes", actor)


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
            await tell_organizations(tx, user_id, "second_factor.off", actor)


async def with_second_factor(user_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these people have it on."""
    with unscoped("who has a second factor"):
        rows = await fetch(
            "SELECT user_id FROM user_credentials WHERE user_id = ANY($1) AND totp_confirmed_at IS NOT NULL",
            list(user_ids),
        )
    return {row["user_id"] for row in rows}
