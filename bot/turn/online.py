"""The online step between understanding and commit: the router is asked about what nothing cheaper explained.

No transaction is open and no pooled connection held while a model thinks. What was considered, asked and answered is kept as a sealed trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from bot.flows import CannotHandle, Command, Compiled, FlowState, HandOff, OfferPerson
from bot.llm.budget import Budget
from bot.ports import Question, Routed
from bot.router.entry import is_unexplained
from bot.turn.lease import Claim
from bot.turn.row import RowInHand
from bot.understand.understand import zone_of
from store.crypto import OrganizationKeys, column_aad
from store.db import execute, fetch
from store.ids import uuid7
from store.tenancy import organization_scope

__all__ = ["explain", "trace_aad", "traces_of"]

_PERSONAL = frozenset(("name", "email", "phone"))

_KEEP = (
    "INSERT INTO turn_traces (id, organization_id, at, session_id, inbox_id, message_id, sealed)"
    " VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6)"
    " ON CONFLICT (organization_id, inbox_id) DO UPDATE SET at = excluded.at, sealed = excluded.sealed"
)

_FIND = "SELECT inbox_id, message_id, sealed FROM turn_traces WHERE organization_id = $1 AND session_id = $2 ORDER BY at, id"


async def explain(
    turn: RowInHand, state: FlowState, offline: Sequence[Command], *, text: str, locale: str, budget: Budget
) -> Sequence[Command]:
    """What the router makes of it; `offline` when it was explained already, or when there is no better answer in time.

    That somebody is angry explains nothing: what is to be offered then goes with whatever comes of it.
    """
    router, held, head = turn.runtime.router, turn.held, turn.head
    offers = [each for each in offline if isinstance(each, OfferPerson)]
    heard = [each for each in offline if each not in offers] or [CannotHandle("")]
    if router is None or not text.strip() or not is_unexplained(heard, turn.compiled, state, text=text):
        return offline
    async with turn.place.left():
        routed = await router.route(
            Question(
                organization_id=held.organization_id,
                inbox_id=head.inbox_id,
                text=text,
                offline=heard,
                state=state,
                compiled=turn.compiled,
                locale=locale,
                country=turn.profile.info.country,
                now=turn.now.astimezone(zone_of(turn.profile.info.timezone)),
                skills=turn.profile.skills,
                organization=turn.profile.info.name,
                private=_private(held, turn.compiled, state),
                budget=budget,
            )
        )
    await _keep(turn, routed)
    if not routed.commands:
        return offline
    return [*routed.commands, *([] if any(isinstance(each, HandOff) for each in routed.commands) else offers)]


async def _keep(turn: RowInHand, routed: Routed) -> None:
    """At once, like usage facts: what was asked is told also of a turn that is tried again."""
    held, head = turn.held, turn.head
    sealed = turn.keys.seal(orjson.dumps(dict(routed.trace), default=repr), trace_aad(held.organization_id))
    with organization_scope(held.organization_id):
        await execute(_KEEP, uuid7(), held.organization_id, held.session_id, head.inbox_id, head.message_id, sealed)


def trace_aad(organization_id: UUID) -> bytes:
    return column_aad(organization_id, "turn_traces", "sealed")


async def traces_of(organization_id: UUID, session_id: UUID, keys: OrganizationKeys) -> list[dict[str, Any]]:
    """What was routed in a conversation, oldest first: `{inbox_id, message_id, outcome, nodes, offline, ms}`."""
    with organization_scope(organization_id):
        rows = await fetch(_FIND, organization_id, session_id)
    aad = trace_aad(organization_id)
    return [
        {"inbox_id": row["inbox_id"], "message_id": row["message_id"], **orjson.loads(keys.open(row["sealed"], aad))}
        for row in rows
    ]


def _private(held: Claim, compiled: Compiled, state: FlowState) -> tuple[str, ...]:
    """Words that belong to this person: what a pattern for e-mails and numbers cannot tell, above all names."""
    said = [
        str(value)
        for slot_id, value in state.slots.items()
        if value and (slot := compiled.slots.get(slot_id)) is not None and slot.accept in _PERSONAL
    ]
    return tuple(filter(None, (held.contact_name, *said)))
