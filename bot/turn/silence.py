"""While a person answers in place of the bot, or its organization is suspended: nothing is said and no flow moves; afterwards it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from bot.flows import Command, Compiled, FlowState, Repeat, StartFlow
from bot.turn.lease import Claim, Suspended, read_suspended
from bot.unit import Unit
from store.db import fetchrow, fetchval
from store.tenancy import organization_scope

__all__ = [
    "GIVEN_BACK",
    "HELD",
    "SUSPENDED",
    "said_while_suspended",
    "set_aside",
    "starts_what_is_obeyed",
    "where_we_were",
    "who_answers",
]

GIVEN_BACK = "core.given_back"  # the event that wakes a conversation when the bot answers again
SUSPENDED = "core.suspended"  # origin of what is said while the organization is
HELD = "held"  # state of an outside event in `inbox` that came in the meantime

# The copy has the key, so that the event still happens once; the row itself is done with its turn.
_KEEP = """
INSERT INTO inbox (id, organization_id, session_id, kind, payload, key, provider_at, state, attempts, next_attempt_at, last_error)
SELECT cn_uuid7(), $1, session_id, kind, payload, $3, provider_at, 'held', 0, clock_timestamp(), '' FROM inbox WHERE organization_id = $1 AND id = $2
"""


async def who_answers(organization_id: UUID, session_id: UUID) -> tuple[bool, Suspended | None]:
    """Whether a person does, and whether the organization is suspended. Asked for each further row of a conversation in hand: the
    claim told for the first."""
    with organization_scope(organization_id):
        row = await fetchrow(
            "SELECT EXISTS (SELECT 1 FROM conversations WHERE organization_id = $1 AND id = $2 AND taken_over_at IS NOT NULL) AS taken_over,"
            " (SELECT jsonb_build_object('says', suspended_says, 'at', suspended_at) FROM organizations"
            "  WHERE id = $1 AND suspended_at IS NOT NULL) AS suspended",
            organization_id,
            session_id,
        )
    return row["taken_over"], read_suspended(row["suspended"])


async def said_while_suspended(held: Claim, locale: str) -> str:
    """The kind sentence, once to each person; "": it was said, or there is none."""
    assert held.suspended is not None
    says = held.suspended.says
    text = says.get(locale.partition("-")[0]) or next(iter(says.values()), "")
    if not text:
        return ""
    with organization_scope(held.organization_id):
        was_said = await fetchval(
            "SELECT 1 FROM messages WHERE organization_id = $1 AND session_id = $2 AND direction = 'out' AND created_at >= $3"  # noqa: S608 - constants
            f" AND origin LIKE '{SUSPENDED}/%' LIMIT 1",
            held.organization_id,
            held.session_id,
            held.suspended.at,
        )
    return "" if was_said else text


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
