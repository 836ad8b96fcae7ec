"""Outbox rows that wait for their file to reach the provider. In the organization's scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from store import db
from store.db import Tx

__all__ = ["Dead", "bury", "hold", "let_go", "note_waiting"]

_WAITING = "account_id = $1 AND state = 'upload' AND waits_for = $2"


@dataclass(frozen=True, slots=True)
class Dead:
    message_id: UUID
    contact_id: UUID
    lane: int
    locale: str | None


async def let_go(account_id: UUID, blob: str) -> list[int]:
    """The file is there. Returns the lanes in which something is due now."""
    rows = await db.fetch(
        "WITH free AS (UPDATE outbox SET state = 'ready', next_attempt_at = clock_timestamp(), last_error = ''"  # noqa: S608 - constants above
        f" WHERE {_WAITING} RETURNING lane) SELECT DISTINCT lane FROM free",
        account_id,
        blob,
    )
    return [row["lane"] for row in rows]


async def hold(account_id: UUID, blob: str, reason: str) -> None:
    """Their number is stopped: they wait for that first."""
    await db.execute(
        f"UPDATE outbox SET state = 'held', last_error = $3 WHERE {_WAITING}",  # noqa: S608 - constants above
        account_id,
        blob,
        reason[:500],
    )


async def note_waiting(account_id: UUID, blob: str, reason: str) -> None:
    await db.execute(
        f"UPDATE outbox SET last_error = $3 WHERE {_WAITING}",  # noqa: S608 - constants above
        account_id,
        blob,
        reason[:500],
    )


async def bury(tx: Tx, account_id: UUID, blob: str, reason: str) -> list[Dead]:
    """They will never go: dead letters with the reason, as the messages say too."""
    rows = await tx.fetch(
        f"WITH dead AS (UPDATE outbox SET state = 'dead', next_attempt_at = clock_timestamp(), last_error = $3 WHERE {_WAITING}"  # noqa: S608
        " RETURNING message_id, contact_id, lane), told AS ("
        " UPDATE messages m SET status = 'failed', failed_at = clock_timestamp(), error = jsonb_build_object('reason', $3::text)"
        " FROM dead WHERE m.id = dead.message_id AND m.status = 'queued')"
        " SELECT dead.message_id, dead.contact_id, dead.lane, c.locale FROM dead JOIN contacts c ON c.id = dead.contact_id",
        account_id,
        blob,
        reason[:500],
    )
    return [Dead(*row) for row in rows]
