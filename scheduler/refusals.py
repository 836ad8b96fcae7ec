"""Core job `core.apply_refusal`: a provider said yes to a message and no later, by a status. What that means beyond the message takes effect.

The same as after a no at the send (`bot/standing.py`); the message itself is failed and is not sent again.
"""

from __future__ import annotations

import logging
from uuid import UUID

from bot import standing
from bot.bodies import decode_outbound
from bot.messages import MediaOut, Template
from bot.ports import DeliveryAccount, SendRefused
from bot.runtime import Runtime
from bot.skill import Job, TaskContext
from store import db
from store.crypto import keyring

__all__ = ["ApplyRefusal", "apply_refusal"]

log = logging.getLogger(__name__)


class ApplyRefusal(Job):
    """`stops`: number | kind | recipient_marketing | template | file. `reason` is of the channel's table, not of the provider's words."""

    name = "core.apply_refusal"
    queue = "interactive"
    message_id: UUID
    stops: str
    code: int
    reason: str


async def apply_refusal(runtime: Runtime, job: ApplyRefusal, ctx: TaskContext) -> None:
    message = await db.fetchrow("SELECT account_id, body, accepted_at FROM messages WHERE id = $1", job.message_id)
    if message is None:
        return
    account = await runtime.directory.account(ctx.organization.id, message["account_id"])
    refused = SendRefused(job.code, job.reason, stops=job.stops)
    log.warning("message refused by a status", extra={"code": job.code, "stops": job.stops})
    if job.stops in standing.STOPPING:
        await standing.stop(runtime, account, refused, is_probe=False, accepted_at=message["accepted_at"])
    elif job.stops == "recipient_marketing":
        await standing.withdraw_marketing(runtime, account, job.message_id)
    else:
        await _apply_to_part(runtime, account, message["body"], refused)


async def _apply_to_part(runtime: Runtime, account: DeliveryAccount, body: bytes, refused: SendRefused) -> None:
    part = decode_outbound(body, await keyring().keys(account.organization_id)).part
    if refused.stops == "template" and isinstance(part, Template):
        await standing.hold_template(runtime, account, part, refused.code)
    if refused.stops == "file" and isinstance(part, MediaOut):
        await runtime.channel.forget_upload(account, part)
