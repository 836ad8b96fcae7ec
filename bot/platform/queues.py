"""Rows that the queues gave up: tried again, or dropped. Both stand in the organization's audit log. Relay and sweep find what is ready again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from bot.identity import Principal
from bot.unit import open_unit
from store import platform
from store.platform import Dead

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["drop", "try_again", "try_all_again"]

MOST_AT_ONCE = 1_000

_AGAIN = {
    "inbox": "UPDATE inbox SET state = 'ready', attempts = 0, next_attempt_at = clock_timestamp(), last_error = ''",
    "outbox": "UPDATE outbox SET state = 'ready', attempts = 0, next_attempt_at = clock_timestamp(), last_error = '', lease_token = NULL",
    "jobs": "UPDATE jobs SET state = 'ready', attempts = 0, run_at = clock_timestamp(), last_error = '', hinted_at = NULL, finished_at = NULL",
}
# A job with a key happens once: its row stays, done with.
_AWAY = {
    "inbox": "DELETE FROM inbox",
    "outbox": "DELETE FROM outbox",
    "jobs": "UPDATE jobs SET state = 'done', finished_at = clock_timestamp()",
}
_DEAD = " WHERE organization_id = $1 AND id = $2 AND state = 'dead' RETURNING id"
_QUEUED_AGAIN = """
UPDATE messages m SET status = 'queued', failed_at = NULL, error = NULL FROM outbox o
WHERE o.organization_id = $1 AND o.id = $2 AND m.organization_id = $1 AND m.id = o.message_id AND m.status = 'failed'
"""


async def try_again(runtime: Runtime, principal: Principal, queue: str, row_id: UUID) -> bool:
    """From its first try on; False: it is not dead any more. A message whose fate nobody knew may arrive a second time."""
    principal.require("platform.queues")
    found = await platform.dead_row(queue, row_id)
    return found is not None and await _change(runtime, principal, found, _AGAIN, "queue.retried")


async def try_all_again(
    runtime: Runtime, principal: Principal, *, queue: str = "", organization_id: UUID | None = None, find: str = ""
) -> int:
    """All that the filters let through, at most a thousand, oldest first; how many."""
    principal.require("platform.queues")
    found, _ = await platform.dead_rows(
        queue=queue, organization_id=organization_id, find=find, ascending=True, limit=MOST_AT_ONCE
    )
    return sum([await _change(runtime, principal, each, _AGAIN, "queue.retried") for each in found])


async def drop(runtime: Runtime, principal: Principal, queue: str, row_id: UUID) -> bool:
    """For good. A message that came in stays in the conversation; nobody answers it any more."""
    principal.require("platform.queues")
    found = await platform.dead_row(queue, row_id)
    return found is not None and await _change(runtime, principal, found, _AWAY, "queue.dropped")


async def _change(runtime: Runtime, principal: Principal, row: Dead, how: dict[str, str], action: str) -> bool:
    async with open_unit(runtime, row.organization_id, actor=principal.actor) as work:
        if await work.tx.fetchval(how[row.queue] + _DEAD, row.organization_id, row.id) is None:
            return False
        work.audit(
            action,
            subject=f"{row.queue}:{row.id}",
            before={"what": row.what, "error": row.error, "attempts": row.attempts},
        )
        if action == "queue.retried" and row.queue == "outbox":
            await work.tx.execute(_QUEUED_AGAIN, row.organization_id, row.id)
    return True
