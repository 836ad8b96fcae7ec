"""Core job `core.upload_media`: a file that we send reaches the provider before the messages that show it are tried.

The messages wait in the outbox (`upload`) and with them what stands behind them; the job lets them go, or says why they will not come.
"""

from __future__ import annotations

import logging
from uuid import UUID

from bot import standing
from bot.delivery import STOPPED
from bot.errors import Permanent, Retryable
from bot.messages import MediaKind, MediaOut, Text
from bot.ports import Lane, SendRefused, SendThrottled, SendUnknown, UploadResult
from bot.runtime import Runtime
from bot.skill import Job, TaskContext
from store import uploads

__all__ = ["UploadMedia", "upload_media"]

log = logging.getLogger(__name__)

NOT_SENT = {
    "en": "I wanted to send you a file, but it could not be sent. Please ask again later.",
    "sw": "Nilitaka kukutumia faili, lakini haikuweza kutumwa. Tafadhali uliza tena baadaye.",
}


class UploadMedia(Job):
    """Twelve tries with the back-off of jobs reach over an hour; whoever waits for the file then hears that it does not come."""

    name = "core.upload_media"
    queue = "bulk"
    max_attempts = 12
    lease_s = 120
    account_id: UUID
    blob: str
    kind: MediaKind
    mime_type: str
    filename: str


async def upload_media(runtime: Runtime, job: UploadMedia, ctx: TaskContext) -> None:
    account = await runtime.directory.account(ctx.organization.id, job.account_id)
    part = MediaOut(kind=job.kind, blob=job.blob, mime_type=job.mime_type, filename=job.filename)
    try:
        result = await runtime.channel.upload(account, part)
        if isinstance(result, SendRefused) and result.stops in standing.STOPPING:
            await standing.stop(runtime, account, result, is_probe=account.state == STOPPED)
            await uploads.hold(job.account_id, job.blob, f"stopped by the provider: {result.code} {result.reason}")
            return
        await _raise_unless_done(runtime, result, ctx)
    except Permanent as e:
        await _give_up(ctx, job, str(e))
        raise
    except Retryable as e:
        if ctx.attempt >= UploadMedia.max_attempts:
            await _give_up(ctx, job, str(e))
        else:
            await uploads.note_waiting(job.account_id, job.blob, f"its file cannot be uploaded yet: {e}")
        raise
    if account.state == STOPPED:
        await standing.resume(runtime, account)
    for lane in await uploads.let_go(job.account_id, job.blob):
        await runtime.dispatcher.deliver(ctx.organization.id, lane=Lane(lane), attempt=f"{ctx.job_id}:{ctx.attempt}")


async def _raise_unless_done(runtime: Runtime, result: UploadResult, ctx: TaskContext) -> None:
    match result:
        case SendRefused(code=code, reason=reason, retry_after_s=None):
            raise Permanent(f"the provider does not take the file: {code} {reason}")
        case SendRefused(code=code, reason=reason):
            raise Retryable(f"{code} {reason}")
        case SendThrottled(after_s=after_s, scope=scope):
            # Uploads are no messages: only this job waits.
            growing_s = min(after_s * result.growth ** (ctx.attempt - 1), 3600.0) * standing.spread()
            raise Retryable(result.reason or f"throttled: {scope}", after_s=growing_s)
        case SendUnknown(reason=reason):
            raise Retryable(reason)


async def _give_up(ctx: TaskContext, job: UploadMedia, reason: str) -> None:
    """The messages are dead letters with the reason; a person who waits for one in a conversation hears of it, once."""
    words = NOT_SENT.get(ctx.organization.locale.partition("-")[0], NOT_SENT["en"])
    async with ctx.unit_of_work() as work:
        for dead in await uploads.bury(work.tx, job.account_id, job.blob, f"its file cannot be uploaded: {reason}"):
            if dead.lane != Lane.REPLY:
                continue
            locale = (dead.locale or "").partition("-")[0]
            work.send(
                dead.contact_id,
                job.account_id,
                Text(text=NOT_SENT.get(locale, words)),
                key=f"upload_failed:{dead.message_id}",
                lane=Lane.REPLY,
                origin=job.name,
            )
    log.error("file cannot be uploaded", extra={"kind": job.kind.value, "reason": reason})
