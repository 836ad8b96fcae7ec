"""One delivery of another system: who sent it, whether it came before; kept as it came, with the job that reads it, before anything is answered."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from bot.errors import Permanent
from bot.skill import WebhookDelivery
from bot.standard_webhooks import verify
from bot.triggers.jobs import StartFlowJob
from bot.triggers.secrets import good_secrets
from store import triggers
from store.crypto import column_aad, keyring
from store.ids import uuid7
from store.tenancy import organization_scope
from store.triggers import NewJob

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["Answer", "open_delivery", "take"]

log = logging.getLogger(__name__)

MAX_AGE_S = 300  # of a signature, and as much ahead: clocks differ
MAX_ID = 200


class Answer(StrEnum):
    TAKEN = "taken"
    KNOWN = "known"  # its id came before
    MALFORMED = "malformed"  # a header is missing, or none
    STALE = "stale"  # signed too long ago, or ahead of us
    REFUSED = "refused"  # no such organization, skill, webhook or secret, or another signature: all the same to who does not know it
    OFF = "off"  # rightly signed, but the skill was switched off


async def take(
    runtime: Runtime,
    organization_id: UUID,
    skill: str,
    name: str,
    *,
    external_id: str,
    timestamp: str,
    signatures: str,
    content_type: str,
    body: bytes,
) -> Answer:
    """After TAKEN it is on disk, and is worked on once.

    Raises:
        Retryable: the database is away.
    """
    if not 0 < len(external_id) <= MAX_ID or not external_id.isprintable() or not signatures or len(timestamp) > 12:
        return Answer.MALFORMED
    if not timestamp.isdecimal():
        return Answer.MALFORMED
    now = runtime.clock.now()
    try:
        with organization_scope(organization_id):
            good = await good_secrets(organization_id, skill, name, now)
    except Permanent:  # no key, so no such organization
        good = []
    if not verify(signatures, good, external_id, timestamp, body):
        return Answer.REFUSED
    if abs(now.timestamp() - int(timestamp)) > MAX_AGE_S:
        return Answer.STALE
    profile = await runtime.directory.organization(organization_id)
    trigger = runtime.registry.webhooks(profile.skills).get((skill, name))
    if trigger is None:
        return Answer.OFF
    delivery_id = uuid7()
    key = f"webhook:{delivery_id}"
    if trigger.job:
        job = NewJob(trigger.job, trigger.queue, {"delivery_id": str(delivery_id)}, key)
    else:
        started = StartFlowJob(flow=f"{skill}:{trigger.flow}", once=key, delivery_id=delivery_id)
        job = NewJob(started.name, started.queue, started.model_dump(mode="json"), key)
    keys = await keyring().keys(organization_id)
    with organization_scope(organization_id):
        is_new = await triggers.put_delivery(
            delivery_id,
            skill,
            name,
            external_id=external_id,
            content_type=content_type[:120],
            sealed_body=keys.seal(body, _aad(organization_id)),
            job=job,
        )
    log.info("delivery for a skill", extra={"of_skill": skill, "bytes": len(body), "is_new": is_new})
    return Answer.TAKEN if is_new else Answer.KNOWN


def _aad(organization_id: UUID) -> bytes:
    return column_aad(organization_id, "trigger_deliveries", "sealed_body")


async def open_delivery(organization_id: UUID, delivery_id: UUID, skill: str) -> WebhookDelivery:
    """
    Raises:
        Permanent: the skill has no such delivery, or it is not kept any more.
    """
    with organization_scope(organization_id):
        found = await triggers.delivery(delivery_id, skill)
    if found is None:
        raise Permanent(f"there is no delivery {delivery_id} for the skill {skill}, or not any more")
    keys = await keyring().keys(organization_id)
    body = keys.open(found.sealed_body, _aad(organization_id))
    return WebhookDelivery(found.delivery_id, found.external_id, found.content_type, body, found.received_at)
