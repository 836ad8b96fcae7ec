"""T1: the claim of a conversation by one worker, and its renewal. The lease is a row's, by the database's clock, fenced at every commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from bot.errors import Retryable
from store.call import call_row

__all__ = ["FENCE_HOLDS", "MAX_ATTEMPTS", "Claim", "Head", "claim", "fence", "head_of", "renewing"]

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5  # of one inbox row; then it is dead, visible with its reason

FENCE_HOLDS = "SELECT 1"  # one row locked

_CLAIM = "SELECT * FROM cn_claim($1, $2, $3, $4, $5)"
_RENEW = "SELECT cn_renew($1, $2, $3, $4) AS kept"


@dataclass(frozen=True, slots=True)
class Head:
    """The inbox row to handle. `message_id` is None for events."""

    inbox_id: UUID
    kind: str
    payload: dict[str, Any] | None
    attempts: int
    provider_at: datetime
    message_id: UUID | None
    external_id: str | None
    body: bytes | None
    reply_to: str | None
    trace_id: UUID


@dataclass(frozen=True, slots=True)
class Suspended:
    """`says`: what the bot answers meanwhile, by language; empty: nothing."""

    at: datetime
    says: Mapping[str, str]


def read_suspended(found: str | None) -> Suspended | None:
    if found is None:
        return None
    row = orjson.loads(found)
    return Suspended(datetime.fromisoformat(row["at"]), row["says"] or {})


@dataclass(slots=True)
class Claim:
    """A claimed conversation, as it stood then."""

    organization_id: UUID
    session_id: UUID
    token: UUID
    account_id: UUID
    contact_id: UUID
    state: dict[str, Any] | None
    revision: int
    last_user_at: datetime | None
    started_at: datetime | None
    contact_name: str
    contact_locale: str | None
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    phone_sealed: bytes | None
    bsuid_sealed: bytes | None
    head: Head | None
    taken_over: bool = False  # a person answers: the bot is silent
    suspended: Suspended | None = None  # the organization is: so too
    has_ended: bool = False  # let go by the last commit; what was said may still be on its way out


async def claim(organization_id: UUID, session_id: UUID, *, lease_s: float) -> Claim | None:
    """None: another worker has it, and will find what we came for. A claim without `head` holds no lease."""
    token = uuid4()
    row = await call_row(_CLAIM, organization_id, session_id, token, lease_s, MAX_ATTEMPTS)
    if row is None or not row["claimed"]:
        return None
    return Claim(
        organization_id,
        session_id,
        token,
        row["account_id"],
        row["contact_id"],
        orjson.loads(row["state"]) if row["state"] else None,
        row["revision"],
        row["last_user_at"],
        row["started_at"],
        row["contact_name"],
        row["contact_locale"],
        row["opted_in_at"],
        row["opted_out_at"],
        row["phone_sealed"],
        row["bsuid_sealed"],
        head_of(row),
        row["taken_over"],
        read_suspended(row["suspended"]),
    )


def head_of(row: Any) -> Head | None:
    if row["inbox_id"] is None:
        return None
    return Head(
        row["inbox_id"],
        row["kind"],
        orjson.loads(row["payload"]) if row["payload"] else None,
        row["attempts"],
        row["provider_at"],
        row["message_id"],
        row["external_id"],
        row["body"],
        row["reply_to"],
        row["trace_id"] or row["inbox_id"],  # a time-out begins a trace of its own
    )


def fence(held: Claim) -> str:
    """Locks the session for the rest of the transaction if the lease is still this worker's; its command tag is then `FENCE_HOLDS`.

    Goes with BEGIN in one round trip, so its values are written in: UUIDs, which need no quoting.
    """
    return (
        f"SELECT 1 FROM sessions WHERE organization_id = '{held.organization_id}' AND id = '{held.session_id}'"  # noqa: S608
        f" AND lease_token = '{held.token}' FOR NO KEY UPDATE"
    )


@asynccontextmanager
async def renewing(held: Claim, *, lease_s: float, renew_s: float) -> AsyncIterator[None]:
    """Renews the lease while the block runs. Costs nothing when the block is shorter than `renew_s`."""
    task: list[asyncio.Task[None]] = []
    timer = asyncio.get_running_loop().call_later(
        renew_s, lambda: task.append(asyncio.ensure_future(_renew(held, lease_s=lease_s, renew_s=renew_s)))
    )
    try:
        yield
    finally:
        timer.cancel()
        for each in task:
            each.cancel()


async def _renew(held: Claim, *, lease_s: float, renew_s: float) -> None:
    # A lease that is lost needs no handling: the commit's fence finds out.
    while not held.has_ended:
        try:
            row = await call_row(_RENEW, held.organization_id, held.session_id, held.token, lease_s)
        except Retryable as e:  # PostgreSQL may be back before the lease is over
            log.warning("lease not renewed", extra={"reason": str(e)})
            await asyncio.sleep(min(renew_s, e.after_s or renew_s))
            continue
        if not row["kept"] and not held.has_ended:
            log.warning("lease lost while working")
            return
        await asyncio.sleep(renew_s)
