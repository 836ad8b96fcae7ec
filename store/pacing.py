"""The rows behind WhatsApp's limits. GCRA by the database's clock, so that all processes together keep them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from store import db
from store.call import call, call_row
from store.combine import Combiner

__all__ = ["Block", "claim_pair", "claim_slots", "heal_leap"]

_NOT_SYNCED = "SELECT set_config('synchronous_commit', 'off', true)"
_PAIR = f"{_NOT_SYNCED}, cn_pace_pair($1, $2, $3, $4) AS wait_s"
_PAIRS = f"{_NOT_SYNCED}, p.* FROM cn_pace_pairs($1, $2, $3, $4) p"


@dataclass(frozen=True, slots=True)
class Block:
    """Slots that are ours: the first `wait_s` after `claimed_at` (epoch seconds by the database's clock), the others one interval apart."""

    claimed_at: float
    wait_s: float


async def claim_slots(organization_id: UUID, key: str, interval_s: float, count: int) -> Block:
    """Takes `count` slots of a limit, in one round trip and a transaction of its own.

    Not synced to disk: what a crash of PostgreSQL forgets lies in the past by the time it is back.
    """
    # The time is taken after the claim, which may have waited for another process's: the list is evaluated from left to right.
    row = await call_row(
        "SELECT set_config('synchronous_commit', 'off', true), cn_pace($1, $2, $3, $4) AS wait_s,"
        " extract(epoch FROM clock_timestamp())::float8 AS now",
        organization_id,
        key,
        interval_s,
        count,
    )
    return Block(row["now"], row["wait_s"])


async def heal_leap(organization_id: UUID, key: str, horizon_s: float) -> None:
    """After the database's clock leapt back a limit lies in the future for as long as the leap; a second's pause replaces that.

    In the organization's scope.
    """
    await db.execute(
        "UPDATE pacing SET tat = clock_timestamp() + interval '1 second'"
        " WHERE organization_id = $1 AND key = $2 AND tat > clock_timestamp() + make_interval(secs => $3)",
        organization_id,
        key,
        horizon_s,
    )


async def claim_pair(organization_id: UUID, session_id: UUID, interval_s: float, burst: int) -> float:
    """0 and a slot of this number and user, or the seconds to wait and none. Together with what this process asks meanwhile."""
    wait_s = await _pairs.add((organization_id, interval_s, burst), session_id)
    return wait_s if wait_s is not None else await _claim_alone(organization_id, session_id, interval_s, burst)


async def _claim_together(key: Hashable, session_ids: Sequence[UUID]) -> Sequence[float | None]:
    """None: to be asked alone, because it is somebody's just now, or here twice."""
    organization_id, interval_s, burst = cast("tuple[UUID, float, int]", key)
    rows = await call(_PAIRS, organization_id, sorted(set(session_ids)), interval_s, burst)
    waits: dict[UUID, float | None] = {row["session_id"]: row["wait_s"] for row in rows}
    return [waits.pop(session_id, None) for session_id in session_ids]


async def _claim_alone(organization_id: UUID, session_id: UUID, interval_s: float, burst: int) -> float:
    row = await call_row(_PAIR, organization_id, session_id, interval_s, burst)
    wait_s: float = row["wait_s"]
    return wait_s


_pairs = Combiner(_claim_together)
