"""Core jobs `core.apply_channel_event` and `core.fetch_number`: what the provider said of a person, a template or a number takes effect.
The event itself is kept whatever comes of it."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import orjson

from bot.errors import Permanent
from bot.numbers.doctor import refresh
from bot.numbers.templates import tell_template
from bot.runtime import Runtime
from bot.skill import Job, TaskContext, UnitOfWork
from store.crypto import OrganizationKeys, column_aad, keyring
from store.identities import Name, find_contact, move
from store.ids import uuid7

__all__ = ["ApplyChannelEvent", "FetchNumber", "apply_channel_event", "fetch_number"]

log = logging.getLogger(__name__)


class ApplyChannelEvent(Job):
    name = "core.apply_channel_event"
    queue = "interactive"
    external_id: str


class FetchNumber(Job):
    """Once for what was said; two that are said together cost Meta's management limit twice, and no more."""

    name = "core.fetch_number"
    queue = "bulk"
    account_id: UUID
    because: str

    def key(self) -> str:
        return f"fetch_number:{self.account_id}:{self.because}"


async def apply_channel_event(runtime: Runtime, job: ApplyChannelEvent, ctx: TaskContext) -> None:
    """`moved`: a number or id has become another one, the contact stays. `marketing`: stopped or resumed in WhatsApp itself.
    `template`: a status, quality or category. `number`: something of it changed, what it is now is fetched."""
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
        if facts.get("kind") in ("template", "number"):
            await _of_number(work, organization_id, facts, job)
        elif (contact_id := await find_contact(work.tx, keys, _names(facts.get("who")))) is None:
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


async def _of_number(work: UnitOfWork, organization_id: UUID, facts: dict[str, Any], job: ApplyChannelEvent) -> None:
    told = facts.get("told") or {}
    if any(told.values()) and await tell_template(
        work.tx, organization_id, facts["waba_id"], facts["template_id"], **told
    ):
        work.audit("channel.template_told", subject=f"template:{facts['template_id']}", after=_said(told))
        return
    work.enqueue(FetchNumber(account_id=UUID(facts["account_id"]), because=job.external_id[:120]))


def _said(told: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in told.items() if value}


async def fetch_number(runtime: Runtime, job: FetchNumber, ctx: TaskContext) -> None:
    await refresh(runtime, ctx.organization.id, job.account_id)


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
