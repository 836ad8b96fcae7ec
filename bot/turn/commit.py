"""T2: one segment of a turn, committed as a whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot import trace
from bot.errors import ChatNationError
from bot.flows import FlowState
from bot.turn.lease import MAX_ATTEMPTS, Claim, Head, head_of
from bot.turn.speech import OutRow
from bot.unit import Unit
from store.call import call_row
from store.jsonb import to_jsonb

__all__ = ["Committed", "LeaseLost", "Segment", "commit"]

_COMMIT = "SELECT * FROM cn_commit($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19::jsonb, $20::jsonb, $21::jsonb, $22)"


class LeaseLost(ChatNationError):
    """Another worker owns the conversation by now; whatever this one did for it was rolled back."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment moves. `done` is the inbox row when the turn has nothing left to do, else None.

    `state` is the engine's, and beside it what `TurnInHand` wants to find again after a crash.
    """

    state: FlowState
    beside: Mapping[str, Any]
    rows: Sequence[OutRow]
    done: UUID | None
    last_user_at: datetime | None
    started_at: datetime | None
    understanding: dict[str, Any] | None = None  # kept with the row's message


@dataclass(frozen=True, slots=True)
class Committed:
    """`direct`: the rows are leased to this worker for sending. `following`: the next inbox row, claimed; None: the lease has ended."""

    direct: bool
    following: Head | None
    leased_at: float  # monotonic, before the rows were leased


async def commit(held: Claim, segment: Segment, unit: Unit | None, *, lease_s: float, settle_s: float) -> Committed:
    """Alone in one round trip, or as the last statement of an open unit.

    Raises:
        LeaseLost: the fence held; the caller's transaction must roll back.
    """
    rows = segment.rows
    leased_at = time.monotonic()
    values: tuple[Any, ...] = (
        held.organization_id,
        held.session_id,
        held.token,
        to_jsonb({**segment.state.to_json(), **segment.beside}),
        segment.state.phase.value,
        earliest_deadline(segment.state),
        segment.started_at,
        segment.last_user_at,
        segment.done,
        lease_s,
        MAX_ATTEMPTS,
        settle_s,
        [row.message_id for row in rows],
        [row.outbox_id for row in rows],
        [row.body.part.type for row in rows],
        [row.sealed for row in rows],
        [row.reply_to for row in rows],
        [row.origin for row in rows],
        unit.jobs_json() if unit else None,
        unit.charges_json() if unit else None,
        to_jsonb(segment.understanding) if segment.understanding else None,
        trace.current(),
    )
    if unit is not None:
        await unit.write()
        answer = await unit.tx.fetchrow(_COMMIT, *values)
    else:
        answer = await call_row(_COMMIT, *values)
    if not answer["committed"]:
        raise LeaseLost(f"committing a segment of session {held.session_id}")
    held.revision += 1
    following = head_of(answer)
    held.has_ended = segment.done is not None and following is None
    return Committed(answer["direct"], following, leased_at)


def earliest_deadline(state: FlowState) -> datetime | None:
    """Of all outside events that any frame waits for."""
    deadlines = [
        datetime.fromisoformat(frame.wait.until) for frame in state.stack if frame.wait is not None and frame.wait.until
    ]
    return min(deadlines, default=None)
