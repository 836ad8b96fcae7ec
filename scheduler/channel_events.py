"""Core job `core.apply_channel_event`: what the provider said of a person takes effect. The event itself is kept whatever comes of it."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import orjson

from bot.errors import Permanent
from bot.runtime import Runtime
from bot.skill import Job, TaskContext, UnitOfWork
from store.crypto import OrganizationKeys, column_aad, keyring
from store.identities import Name, find_contact, move
from store.ids import uuid7

__all__ = ["ApplyChannelEvent", "apply_channel_event"]

log = logging.getLogger(__name__)


class ApplyChannelEvent(Job):
    name = "core.apply_channel_event"
    queue = "interactive"
    external_id: str


async def apply_channel_event(runtime: Runtime, job: ApplyChannelEvent, ctx: TaskContext) -> None:
    """`moved`: a number or id has become another one, the contact stays. `marketing`: stopped or resumed in WhatsApp itself."""
    organization_id = ctx.organization.id
    keys = await keyring().keys(organization_id)
    async with ctx.unit_of_work() as work:
        row = await work.tx.fetchrow(
            "SELECT id, sealed_payload FROM channel_events WHERE organization_id = $1 AND external_id = $2 AND applied_at IS NULL FOR UPDATE",
            organization_id,
            job.external_id,
        )
        if row is None:
            return
        facts = _facts(row["sealed_payload"], keys)
        contact_id = await find_contact(work.tx, keys, _names(facts.get("who")))
        if contact_id is None:
            log.info("channel event of nobody we know", extra={"kind": facts.get("kind")})
        elif facts["kind"] == "moved":
            await move(work.tx, keys, contact_id, _names(facts["to"]))
            work.audit("contact.moved", subject=f"contact:{contact_id}")
        elif facts["kind"] == "marketing":
            await _set_consent(work, organization_id, contact_id, stopped=facts["value"] == "stop")
        await work.tx.execute(
            "UPDATE channel_events SET applied_at = clock_timestamp() WHERE organization_id = $1 AND id = $2",
            organization_id,
            row["id"],
        )


def _facts(sealed: bytes, keys: OrganizationKeys) -> dict[str, Any]:
    payload = orjson.loads(keys.open(sealed, column_aad(keys.organization_id, "channel_events", "sealed_payload")))
    facts = payload.get("facts")
    if not isinstance(facts, dict):
        raise Permanent("the event holds no facts to apply")
    return facts


def _names(listed: Any) -> list[Name]:
    return [Name(**each) for each in listed or ()]


async def _set_consent(work: UnitOfWork, organization_id: UUID, contact_id: UUID, *, stopped: bool) -> None:
    state = "withdrawn" if stopped else "granted"
    await work.tx.execute(
        "INSERT INTO consents (id, organization_id, contact_id, purpose, state, source, wording, at)"
        " VALUES ($1, $2, $3, 'messages', $4, 'provider', '', $5)",
        uuid7(),
        organization_id,
        contact_id,
        state,
        work.now,
    )
    await work.tx.execute(
        "UPDATE contacts SET opted_out_at = CASE WHEN $3 THEN $4::timestamptz END,"
        " opted_in_at = CASE WHEN $3 THEN opted_in_at ELSE COALESCE(opted_in_at, $4::timestamptz) END"
        " WHERE organization_id = $1 AND id = $2",
        organization_id,
        contact_id,
        stopped,
        work.now,
    )
    work.audit(f"consent.{state}", subject=f"contact:{contact_id}", after={"source": "provider"})
