"""The same POST again gives the same answer: kept for a day, by caller and Idempotency-Key, sealed with the organization's key.

A handler with a unit of work has its answer kept in that very transaction, so what it did and what is remembered happen together or not at
all; a second request waits for the first. One without is repeatable: its key is held while it works, and free again when it fails or dies.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from uuid import UUID

import orjson

from bot.http import Problem
from channels.api.problems import IN_PROGRESS, KEY_REUSED
from store import db
from store.crypto import keyring
from store.ids import uuid7

__all__ = ["KEY", "Claim", "Kept", "fingerprint"]

KEY = r"^[\x21-\x7e]{1,200}$"
KEPT_H = 24
HELD_S = 60
TABLE, COLUMN = "api_answers", "sealed"
FORGET_AT_ONCE = 20

_CLAIM = f"""
WITH old AS (
    DELETE FROM api_answers WHERE organization_id = $2 AND id IN (
        SELECT id FROM api_answers WHERE organization_id = $2 AND expires_at <= clock_timestamp() AND key <> $4
        LIMIT {FORGET_AT_ONCE} FOR UPDATE SKIP LOCKED)
)
INSERT INTO api_answers AS a (id, organization_id, actor, key, fingerprint, held_until, expires_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + interval '{HELD_S} seconds', clock_timestamp() + interval '{KEPT_H} hours')
ON CONFLICT (organization_id, actor, key) DO UPDATE SET id = EXCLUDED.id, fingerprint = EXCLUDED.fingerprint, sealed = NULL,
    held_until = EXCLUDED.held_until, expires_at = EXCLUDED.expires_at
    WHERE a.expires_at <= clock_timestamp() OR (a.sealed IS NULL AND a.held_until <= clock_timestamp())
RETURNING a.id
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Kept:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds. All of it in the organization's scope."""

    row_id: UUID
    organization_id: UUID

    @classmethod
    async def take(cls, organization_id: UUID, actor: str, key: str, mark: bytes) -> Claim | Kept:
        """The claim, or what was answered before.

        Raises:
            Problem: the key belongs to another request, or its first one is still at work.
        """
        row_id = uuid7()
        if await db.fetchval(_CLAIM, row_id, organization_id, actor, key, mark) is not None:
            return cls(row_id, organization_id)
        row = await db.fetchrow(
            "SELECT fingerprint, sealed FROM api_answers WHERE organization_id = $1 AND actor = $2 AND key = $3",
            organization_id,
            actor,
            key,
        )
        if row is not None and row["fingerprint"] != mark:
            raise Problem(KEY_REUSED, "this Idempotency-Key came with another request; use a new one for each")
        if row is None or row["sealed"] is None:
            raise Problem(IN_PROGRESS, "ask again in a second", headers={"Retry-After": "1"})
        keys = await keyring().keys(organization_id)
        found = orjson.loads(keys.open_text(row["sealed"], table=TABLE, column=COLUMN))
        return Kept(found["status"], base64.b64decode(found["body"]), found["headers"])

    async def keep(self, answer: Kept) -> None:
        keys = await keyring().keys(self.organization_id)
        text = orjson.dumps(
            {"status": answer.status, "body": base64.b64encode(answer.body).decode(), "headers": answer.headers}
        ).decode()
        await db.execute(
            "UPDATE api_answers SET sealed = $3 WHERE organization_id = $1 AND id = $2",
            self.organization_id,
            self.row_id,
            keys.seal_text(text, table=TABLE, column=COLUMN),
        )

    async def free(self) -> None:
        await db.execute(
            "DELETE FROM api_answers WHERE organization_id = $1 AND id = $2", self.organization_id, self.row_id
        )


def fingerprint(method: str, path: str, query: str, body: bytes) -> bytes:
    return hashlib.sha256(b"\x00".join((method.encode(), path.encode(), query.encode(), body))).digest()
