"""A tap on an option, back to what it means: verified, looked up, and told apart from one that is no longer open."""

from __future__ import annotations

from dataclasses import dataclass

from bot.bodies import OutBody, decode_outbound
from bot.flows import Compiled, FlowState, Reopen, SetSlot
from bot.messages import Choice, Choices, Inbound, Text
from bot.turn import options
from bot.turn.lease import Claim
from bot.understand.payloads import read_payload
from store.crypto import OrganizationKeys
from store.db import fetchrow
from store.tenancy import organization_scope

__all__ = ["Tapped", "Turned", "read_tap", "reopening"]

_FIND = (
    "SELECT body, origin FROM messages WHERE organization_id = $1 AND session_id = $2 AND direction = 'out' AND type = 'choices'"
    " AND origin LIKE '%' || $3 ORDER BY created_at DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Tapped:
    """What the option means. `stale`: it belongs to an earlier question that is no longer open, put by `step` of `flow`."""

    payload: str
    stale: bool
    flow: str = ""
    step: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Turned:
    """A "More" row: show this page of the same options."""

    shown: OutBody
    page: int


async def read_tap(tap: Choice, held: Claim, state: FlowState, keys: OrganizationKeys) -> Tapped | Turned | Inbound:
    """An id that is not ours counts as typing its title."""
    option = options.parse(tap.option_id, keys)
    if option is None or option.session_id != held.session_id:
        return Text(text=tap.title)
    with organization_scope(held.organization_id):
        row = await fetchrow(_FIND, held.organization_id, held.session_id, f"#{option.revision}:{option.ordinal}")
    if row is None:
        return Text(text=tap.title)
    shown = decode_outbound(row["body"], keys)
    if not isinstance(shown.part, Choices) or (not option.is_page and option.number >= len(shown.part.options)):
        return Text(text=tap.title)
    if option.is_page:
        return Turned(shown, option.number)
    payload = shown.part.options[option.number].payload
    flow, _, step = row["origin"].rpartition("#")[0].partition("/")
    return Tapped(payload, not _is_open(payload, option.revision, held, state), flow, step, option.revision)


def reopening(tapped: Tapped, title: str, compiled: Compiled, state: FlowState) -> Reopen:
    """A stale tap as a wish: the engine knows whether that question can be answered anew."""
    commands = read_payload(tapped.payload, compiled, state, source="button") or ()
    values = {command.name: command.value for command in commands if isinstance(command, SetSlot)}
    return Reopen(tapped.flow, tapped.step, values, title, tapped.revision)


def _is_open(payload: str, revision: int, held: Claim, state: FlowState) -> bool:
    """Open: it starts something, or it answers what is being asked now.

    A "Yes" of an earlier question has the payload of a later one, but was shown before that was first put.
    """
    if payload.startswith("/") and not payload.startswith("/SetSlots"):
        return True
    pending = state.pending
    if revision == held.revision:
        return True
    if pending is None or revision < pending.asked:
        return False
    return any(offered.payload == payload for offered in pending.options)
