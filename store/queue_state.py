"""What is due, over all organizations. For the clock's relay and sweep: everything here runs inside `unscoped`.

Each question looks at a few rows per organization, never at a backlog as a whole: a broadcast of 100,000 must not slow down the others' clock.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from store import db

__all__ = [
    "DueDelivery",
    "DueJob",
    "QueueLoad",
    "ServerLoad",
    "StoppedNumber",
    "WaitingSession",
    "apply_statuses",
    "count_dead",
    "count_numbers",
    "count_unrouted",
    "due_deliveries",
    "due_jobs",
    "heal_leap",
    "hold_unknown_sends",
    "job_load",
    "mark_kicked",
    "park_status",
    "purge_deliveries",
    "purge_jobs",
    "purge_traces",
    "purge_usage",
    "put_timeouts",
    "server_load",
    "silent_processes",
    "stopped_numbers",
    "unparsed_deliveries",
    "waiting_sessions",
    "wake_held",
]


@dataclass(frozen=True, slots=True)
class DueDelivery:
    organization_id: UUID
    lane: int
    senders: int  # delivery tasks at work now


@dataclass(frozen=True, slots=True)
class DueJob:
    """`is_kicked`: its hint is on the way already."""

    job_id: UUID
    organization_id: UUID
    queue: str
    is_kicked: bool


@dataclass(frozen=True, slots=True)
class QueueLoad:
    organization_id: UUID
    queue: str
    in_flight: int


@dataclass(frozen=True, slots=True)
class WaitingSession:
    """A conversation with an inbox row that is ready and that nobody works on."""

    organization_id: UUID
    session_id: UUID
    inbox_id: UUID


@dataclass(frozen=True, slots=True)
class StoppedNumber:
    account_id: UUID
    number: str
    organization: str
    reason: str


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """`waiting`: rows that are due, by table."""

    connections: int
    connections_max: int
    waiting: dict[str, int]


async def server_load(up_to: int) -> ServerLoad:
    """Rows are counted up to so many. Connections are of the whole server: every database has its part of `max_connections`."""
    row = await db.fetchrow(
        "SELECT (SELECT sum(numbackends)::int FROM pg_stat_database) AS connections,"
        " current_setting('max_connections')::int AS connections_max,"
        " (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE state = 'ready' AND next_attempt_at <= clock_timestamp() LIMIT $1) x) AS inbox,"
        " (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = 'ready' AND next_attempt_at <= clock_timestamp() LIMIT $1) x) AS outbox,"
        " (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE state = 'ready' AND run_at <= clock_timestamp() LIMIT $1) x) AS jobs",
        up_to,
    )
    waiting = {table: row[table] for table in ("inbox", "outbox", "jobs")}
    return ServerLoad(row["connections"], row["connections_max"], waiting)


async def hold_unknown_sends(grace_s: float, gap_s: float, reporters: Sequence[str]) -> int:
    """Puts off sends of unknown fate until their status could have come: a grace after the last moment at which a reporter was away.

    Without reporters in the table nobody could have told us anything, and nothing is held. Returns how many rows moved.
    """
    tag = await db.execute(
        "WITH heard AS ("
        " SELECT max(CASE WHEN beat_at < clock_timestamp() - make_interval(secs => $2) THEN clock_timestamp() ELSE alive_since END)"
        "   + make_interval(secs => $1) AS since FROM heartbeats WHERE name = ANY($3::text[]))"
        " UPDATE outbox o SET next_attempt_at = heard.since FROM heard"
        " WHERE o.state IN ('sending', 'unknown') AND o.next_attempt_at < heard.since",
        grace_s,
        gap_s,
        list(reporters),
    )
    return int(tag.split()[-1])


async def due_deliveries(limit: int, lanes: Sequence[int] = (0, 1)) -> list[DueDelivery]:
    """Organizations and lanes with a message that is due and first in its conversation."""
    rows = await db.fetch(
        "SELECT g.id, l.lane, (SELECT count(DISTINCT s.lease_token) FROM outbox s WHERE s.organization_id = g.id AND s.lane = l.lane"
        "   AND s.state = 'sending' AND s.next_attempt_at > clock_timestamp()) AS senders"
        " FROM organizations g CROSS JOIN unnest($2::int[]) AS l(lane)"
        " WHERE (l.lane = 0 OR g.suspended_at IS NULL) AND EXISTS (SELECT 1 FROM outbox o WHERE o.organization_id = g.id AND o.lane = l.lane AND o.state <> 'dead'"
        "   AND o.next_attempt_at <= clock_timestamp()"
        "   AND o.account_id <> ALL (ARRAY(SELECT a.id FROM channel_accounts a WHERE a.organization_id = g.id"
        "     AND (a.hold_until > clock_timestamp() OR (l.lane = 1 AND a.bulk_hold_until > clock_timestamp()))))"
        "   AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.organization_id = g.id AND e.session_id = o.session_id"
        "     AND e.lane = o.lane AND e.seq < o.seq AND e.state <> 'dead'))"
        " ORDER BY l.lane, g.id LIMIT $1",
        limit,
        list(lanes),
    )
    return [DueDelivery(*row) for row in rows]


async def wake_held(probe_s: float) -> int:
    """Lets go what waits without a reason any more, and one message of each stopped number whose time for a try has come.

    `probe_s`: how long that try may take before another is made. Returns how many rows moved.
    """
    moved: int = await db.fetchval("SELECT cn_wake_held($1)", probe_s)
    return moved


async def heal_leap(least_s: float, grace_s: float) -> tuple[float, int]:
    """By how many seconds the database's clock went back since the last time (0: less than `least_s`), and how many waiting rows moved with it.

    `grace_s`: how long a send of unknown fate waits for its status.
    """
    row = await db.fetchrow("SELECT * FROM cn_heal_leap($1, $2)", least_s, grace_s)
    assert row is not None
    return row["leap_s"], row["moved"]


async def job_load() -> list[QueueLoad]:
    """Jobs with a live lease, per organization and queue."""
    rows = await db.fetch(
        "SELECT organization_id, queue, count(*) FROM jobs WHERE state = 'running' AND lease_until >= clock_timestamp()"
        " GROUP BY organization_id, queue"
    )
    return [QueueLoad(*row) for row in rows]


async def due_jobs(
    per_organization: int, rekick_s: float, queues: Sequence[str] = ("interactive", "bulk", "render")
) -> list[DueJob]:
    """At most so many of each organization and queue, oldest first: ready and due, or left behind by a worker that is gone."""
    rows = await db.fetch(
        "SELECT j.id, g.id, q.queue, j.kicked"
        " FROM organizations g CROSS JOIN unnest($3::text[]) AS q(queue)"
        " CROSS JOIN LATERAL (SELECT id, run_at, COALESCE(hinted_at > clock_timestamp() - make_interval(secs => $2), false) AS kicked"
        "   FROM jobs WHERE organization_id = g.id AND queue = q.queue AND state IN ('ready', 'running')"
        "   AND run_at <= clock_timestamp() AND (state = 'ready' OR lease_until < clock_timestamp())"
        "   ORDER BY run_at, id LIMIT $1) j"
        " ORDER BY j.run_at, j.id",
        per_organization,
        rekick_s,
        list(queues),
    )
    return [DueJob(*row) for row in rows]


async def mark_kicked(job_ids: Sequence[UUID]) -> None:
    await db.execute("UPDATE jobs SET hinted_at = clock_timestamp() WHERE id = ANY($1::uuid[])", list(job_ids))


async def waiting_sessions(
    older_than_s: float, limit: int, *, lease_s: float, besides: Collection[UUID] = ()
) -> list[WaitingSession]:
    """Those whose first row waits for so long, and that nobody holds: a lease further off than twice `lease_s` is from before the clock leapt.

    They are found in the oldest `limit` rows, leaving out the organizations `besides`.
    """
    rows = await db.fetch(
        "SELECT DISTINCT ON (d.session_id) d.organization_id, d.session_id, d.id FROM ("
        " SELECT i.organization_id, i.session_id, i.id, i.next_attempt_at FROM inbox i"
        " JOIN sessions s ON s.organization_id = i.organization_id AND s.id = i.session_id"
        " WHERE i.state = 'ready' AND i.next_attempt_at <= clock_timestamp() - make_interval(secs => $1)"
        " AND (s.lease_until IS NULL OR s.lease_until < clock_timestamp()"
        "   OR s.lease_until > clock_timestamp() + make_interval(secs => 2 * $3::float8))"
        " AND i.organization_id <> ALL ($4::uuid[])"
        " ORDER BY i.next_attempt_at LIMIT $2) d ORDER BY d.session_id, d.next_attempt_at",
        older_than_s,
        limit,
        lease_s,
        list(besides),
    )
    return [WaitingSession(*row) for row in rows]


async def put_timeouts(limit: int) -> list[WaitingSession]:
    """Tells conversations whose wait is over so, once per wait: an inbox row of kind `timeout`. Returns those that are to be hinted.

    Several frames may wait; the one that is due is named, wherever on the stack it is.
    """
    rows = await db.fetch(
        "WITH late AS (SELECT s.organization_id, s.id, s.revision, due.wait FROM sessions s CROSS JOIN LATERAL ("
        "     SELECT f -> 'wait' AS wait FROM jsonb_array_elements(s.state -> 'stack') f"
        "     WHERE (f #>> '{wait,until}')::timestamptz <= clock_timestamp() ORDER BY (f #>> '{wait,until}')::timestamptz LIMIT 1) due"
        "   WHERE s.wait_until IS NOT NULL AND s.wait_until <= clock_timestamp() AND s.state #>> '{pending,kind}' = 'event'"
        "   ORDER BY s.wait_until LIMIT $1)"
        " INSERT INTO inbox (id, organization_id, session_id, kind, payload, key, provider_at, state, attempts, next_attempt_at, last_error)"
        " SELECT cn_uuid7(), l.organization_id, l.id, 'timeout',"
        "   jsonb_build_object('event', l.wait ->> 'event', 'key', l.wait ->> 'key'),"
        "   'timeout:' || l.id || ':' || l.revision, clock_timestamp(), 'ready', 0, clock_timestamp(), ''"
        " FROM late l ON CONFLICT (organization_id, key) DO NOTHING RETURNING organization_id, session_id, id",
        limit,
    )
    return [WaitingSession(*row) for row in rows]


async def apply_statuses(limit: int, keep: timedelta) -> int:
    """One batch of the status ladder; how many were looked at."""
    looked: int = await db.fetchval("SELECT cn_apply_statuses($1, $2)", limit, keep)
    return looked


async def park_status() -> None:
    """Puts the next status off by an hour: the one that makes a batch of one fail."""
    await db.execute(
        "UPDATE message_statuses SET next_attempt_at = clock_timestamp() + interval '1 hour', attempts = LEAST(attempts + 1, 30)"
        " WHERE id = (SELECT id FROM message_statuses WHERE next_attempt_at <= clock_timestamp() ORDER BY next_attempt_at LIMIT 1)"
    )


async def unparsed_deliveries(max_attempts: int, limit: int) -> list[UUID]:
    """Raw deliveries that could not be read, with growing pauses; the attempt is counted here, before it is made.

    Those for a number that nobody knew are read again when their Meta app has got another number, twice for each.
    """
    rows = await db.fetch(
        "UPDATE webhook_deliveries SET attempts = attempts + 1 WHERE id IN (SELECT id FROM webhook_deliveries d"
        "   WHERE outcome IN ('unparsed', 'unrouted') AND CASE outcome WHEN 'unparsed' THEN attempts < $1"
        "     AND received_at < clock_timestamp() - make_interval(secs => 5 * power(4, attempts))"
        "   ELSE attempts < 2 * (SELECT count(*) FROM channel_accounts a"
        "     WHERE a.meta_app_id = d.meta_app_id AND a.created_at > d.received_at) END ORDER BY received_at LIMIT $2)"
        " RETURNING id",
        max_attempts,
        limit,
    )
    return [row["id"] for row in rows]


async def purge_jobs(older_than_days: float, limit: int) -> int:
    return await _purge(
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = 'done'"
        " AND finished_at < clock_timestamp() - make_interval(secs => $1) LIMIT $2)",
        older_than_days,
        limit,
    )


async def purge_traces(older_than_days: float, limit: int) -> int:
    """What the router considered for a message quotes people: it is kept for as long as somebody may ask why."""
    return await _purge(
        "DELETE FROM turn_traces WHERE id IN (SELECT id FROM turn_traces"
        " WHERE at < clock_timestamp() - make_interval(secs => $1) LIMIT $2)",
        older_than_days,
        limit,
    )


async def purge_usage(older_than_days: float, limit: int) -> int:
    return await _purge(
        "DELETE FROM usage_facts WHERE id IN (SELECT id FROM usage_facts"
        " WHERE at < clock_timestamp() - make_interval(secs => $1) LIMIT $2)",
        older_than_days,
        limit,
    )


async def count_numbers() -> dict[str, int]:
    """By state; a number that its provider throttles is counted under `throttled` or `bulk_throttled` besides."""
    rows = await db.fetch(
        "SELECT s.state, count(*) FROM channel_accounts a CROSS JOIN LATERAL (VALUES (a.state::text),"
        " (CASE WHEN a.hold_until > clock_timestamp() THEN 'throttled' END),"
        " (CASE WHEN a.bulk_hold_until > clock_timestamp() THEN 'bulk_throttled' END)) AS s(state)"
        " WHERE s.state IS NOT NULL GROUP BY s.state"
    )
    return {row["state"]: row["count"] for row in rows}


async def stopped_numbers(limit: int = 100) -> list[StoppedNumber]:
    rows = await db.fetch(
        "SELECT a.id, coalesce(nullif(a.display_phone_number, ''), a.name), o.name, a.state_reason FROM channel_accounts a"
        " JOIN organizations o ON o.id = a.organization_id WHERE a.state = 'stopped' ORDER BY a.state_at, a.id LIMIT $1",
        limit,
    )
    return [StoppedNumber(*row) for row in rows]


async def count_unrouted(within_s: float) -> int:
    """Raw deliveries of late that are for nobody's number, still."""
    found: int = await db.fetchval(
        "SELECT count(*) FROM webhook_deliveries WHERE outcome = 'unrouted'"
        " AND received_at > clock_timestamp() - make_interval(secs => $1)",
        within_s,
    )
    return found


async def silent_processes(silent_s: float) -> list[tuple[str, float]]:
    """Kinds of process that were heard of once and not for so long, with the seconds since."""
    rows = await db.fetch(
        "SELECT name, extract(epoch FROM clock_timestamp() - beat_at)::float8 FROM heartbeats"
        " WHERE beat_at < clock_timestamp() - make_interval(secs => $1) ORDER BY name",
        silent_s,
    )
    return [(row[0], row[1]) for row in rows]


async def count_dead() -> dict[str, int]:
    rows = await db.fetch(
        "SELECT 'inbox' AS queue, count(*) FROM inbox WHERE state = 'dead' UNION ALL"
        " SELECT 'outbox', count(*) FROM outbox WHERE state = 'dead' UNION ALL"
        " SELECT 'jobs', count(*) FROM jobs WHERE state = 'dead'"
    )
    return {row["queue"]: row["count"] for row in rows}


async def purge_deliveries(older_than_days: float, limit: int) -> int:
    return await _purge(
        "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries"
        " WHERE received_at < clock_timestamp() - make_interval(secs => $1) ORDER BY received_at LIMIT $2)",
        older_than_days,
        limit,
    )


async def _purge(sql: str, older_than_days: float, limit: int) -> int:
    tag = await db.execute(sql, older_than_days * 86_400, limit)
    return int(tag.split()[-1])
