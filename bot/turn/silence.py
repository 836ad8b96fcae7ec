"""While a person answers in place of the bot: nothing is said and no flow moves; giving back goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from bot.flows import Command, Compiled, FlowState, Repeat, StartFlow
from bot.unit import Unit
from store.db import fetchval
from store.tenancy import organization_scope

__all__ = ["GIVEN_BACK", "HELD", "is_taken_over", "set_aside", "starts_what_is_obeyed", "where_we_were"]

GIVEN_BACK = "core.given_back"  # the event that wakes a conversation when the bot answers again
HELD = "held"  # state of an outside event in `inbox` that came in the meantime

# The copy has the key, so that the event still happens once; the row itself is done with its turn.
_KEEP = """
INSERT INTO inbox (id, organization_id, session_id, kind, payload, key, provider_at, state, attempts, next_attempt_at, last_error)
SELECT cn_uuid7(), $1, session_id, kind, payload, $3, provider_at, 'held', 0, clock_timestamp(), '' FROM inbox WHERE organization_id = $1 AND id = $2
"""


async def is_taken_over(organization_id: UUID, session_id: UUID) -> bool:
    """Asked for each further row of a conversation in hand: the claim told for the first."""
    with organization_scope(organization_id):
        found = await fetchval(
            "SELECT 1 FROM conversations WHERE organization_id = $1 AND id = $2 AND taken_over_at IS NOT NULL",
            organization_id,
            session_id,
        )
    return found is not None


async def set_aside(inbox_id: UUID, unit: Unit) -> None:
    """Keeps an outside event until the bot answers again."""
    key = await unit.tx.fetchval(
        "SELECT key FROM inbox WHERE organization_id = $1 AND id = $2", unit.organization_id, inbox_id
    )
    await unit.tx.execute(
        "UPDATE inbox SET key = NULL WHERE organization_id = $1 AND id = $2", unit.organization_id, inbox_id
    )
    await unit.tx.execute(_KEEP, unit.organization_id, inbox_id, key)


def starts_what_is_obeyed(commands: Sequence[Command], compiled: Compiled, action: Callable[[str], Any]) -> bool:
    """Whether a flow is wished for that holds whoever answers (`SkillAction.obeyed_always`)."""
    flows = [
        compiled.flows[each.flow] for each in commands if isinstance(each, StartFlow) and each.flow in compiled.flows
    ]
    return any(
        step.kind == "action" and getattr(action(step.target), "obeyed_always", False)
        for flow in flows
        for step in flow.steps
    )


def where_we_were(state: FlowState, payload: Mapping[str, Any]) -> Sequence[Command]:
    """The open question once more; nothing when none is open, or when something else is said first anyway."""
    if (payload.get("slots") or {}).get("quiet"):
        return []
    return [Repeat()] if state.pending is not None and state.pending.kind == "slot" else []
