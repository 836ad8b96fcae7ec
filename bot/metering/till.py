"""The till, and what things cost ourselves.

Until there are prices a charge is an unpriced row, once per key (decision 29); nothing else writes them. A usage fact is what a model cost us: every
request is one, written at once and by itself, also when the turn that asked is rolled back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

from bot.metrics import LLM_REQUESTS, LLM_TOKENS
from store.db import execute
from store.ids import uuid7
from store.tenancy import organization_scope

__all__ = ["Charge", "Usage", "charge", "record_usage"]


@dataclass(frozen=True, slots=True)
class Charge:
    key: str
    meter: str
    quantity: int

    def to_json(self) -> dict[str, object]:
        return {"key": self.key, "meter": self.meter, "quantity": self.quantity}


def charge(meter: str, quantity: int, *, key: str) -> Charge:
    """A charge to be written in the transaction of its work. Raises ValueError for a quantity below 1 or an empty key."""
    if quantity < 1 or not key:
        raise ValueError(f"a charge of {quantity} x {meter} with key {key!r}")
    return Charge(key, meter, quantity)


@dataclass(slots=True)
class Usage:
    """One request to a model. `outcome`: ok, or the reason of an `LlmAway`; `is_estimated`: the server did not count the tokens."""

    organization_id: UUID
    inbox_id: UUID | None
    kind: str  # chat | embedding | transcription
    purpose: str
    model: str
    attempt: int = 1
    size_bytes: int = 0  # of a recording
    outcome: str = "ok"
    tokens_in: int = 0
    tokens_out: int = 0
    is_estimated: bool = False
    ms: int = 0
    started: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        self.started = time.monotonic()

    def succeed(self, tokens_in: int, tokens_out: int, is_estimated: bool) -> None:
        self._end("ok", tokens_in, tokens_out, is_estimated)

    def fail(self, outcome: str, tokens_in: int) -> None:
        self._end(outcome, tokens_in, 0, is_estimated=True)

    def _end(self, outcome: str, tokens_in: int, tokens_out: int, is_estimated: bool) -> None:
        self.outcome, self.is_estimated = outcome, is_estimated
        self.tokens_in, self.tokens_out = tokens_in, tokens_out
        self.ms = round((time.monotonic() - self.started) * 1000)


async def record_usage(usage: Usage) -> None:
    """In a transaction of its own. Not inside `transaction()`: what was asked stays spent.

    Raises:
        DatabaseAway: PostgreSQL is not there.
    """
    LLM_REQUESTS.labels(usage.kind, usage.outcome).inc()
    LLM_TOKENS.labels(usage.kind, "in").inc(usage.tokens_in)
    LLM_TOKENS.labels(usage.kind, "out").inc(usage.tokens_out)
    with organization_scope(usage.organization_id):
        await execute(
            "INSERT INTO usage_facts (id, organization_id, at, inbox_id, kind, purpose, model, attempt, outcome, tokens_in, tokens_out,"
            " is_estimated, size_bytes, ms) VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            uuid7(),
            usage.organization_id,
            usage.inbox_id,
            usage.kind,
            usage.purpose[:80],
            usage.model[:120],
            usage.attempt,
            usage.outcome,
            usage.tokens_in,
            usage.tokens_out,
            usage.is_estimated,
            usage.size_bytes,
            usage.ms,
        )
