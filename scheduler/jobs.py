"""Runs one job: claim, run, and write down what became of it. The row decides; a doubled hint finds nothing to do."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError

from bot.contacts.importing.jobs import ImportContacts, UndoImport
from bot.contacts.importing.write import import_contacts, undo_import
from bot.errors import Permanent, Refused, Retryable, reason_of
from bot.identity.impersonation import EndImpersonation, end_impersonation
from bot.logs import bound
from bot.metrics import failed, succeeded
from bot.notifications import MailNotification, mail_notification
from bot.notifications.failing import tell_of_buried_job
from bot.runtime import Runtime
from bot.skill import Job, TaskContext, UnitOfWork, WebhookDelivery
from bot.trace import traced
from bot.triggers import StartFlowJob, open_delivery, start_flow
from bot.unit import open_unit
from scheduler.channel_events import ApplyChannelEvent, FetchNumber, apply_channel_event, fetch_number
from scheduler.hooks import DeliverHooks, deliver_hooks
from scheduler.knowledge import EmbedKnowledge, embed_knowledge
from scheduler.media import FetchMedia, fetch_media
from scheduler.metrics import JOBS_FINISHED
from scheduler.queues import QUEUES
from scheduler.refusals import ApplyRefusal, apply_refusal
from scheduler.uploads import UploadMedia, upload_media
from store import jobs
from store.access import asking
from store.jobs import ClaimedJob

__all__ = ["CORE_JOBS", "run_job"]

log = logging.getLogger(__name__)

FIRST_LEASE_S = 60.0
RETRY_MIN_S, RETRY_MAX_S = 2.0, 4 * 3600.0
STOPPED_AGAIN_S = 0.5
TIMEOUT_MARGIN_S = 5.0
ENDED_EACH_TIME = "the process ended each time it was run"

# Jobs of no skill: their functions get the process's services too.
CORE_JOBS: dict[str, tuple[type[Job], Any]] = {
    FetchMedia.name: (FetchMedia, fetch_media),
    UploadMedia.name: (UploadMedia, upload_media),
    ApplyChannelEvent.name: (ApplyChannelEvent, apply_channel_event),
    FetchNumber.name: (FetchNumber, fetch_number),
    ApplyRefusal.name: (ApplyRefusal, apply_refusal),
    EmbedKnowledge.name: (EmbedKnowledge, embed_knowledge),
    ImportContacts.name: (ImportContacts, import_contacts),
    UndoImport.name: (UndoImport, undo_import),
    DeliverHooks.name: (DeliverHooks, deliver_hooks),
    MailNotification.name: (MailNotification, mail_notification),
    StartFlowJob.name: (StartFlowJob, start_flow),
    EndImpersonation.name: (EndImpersonation, end_impersonation),
}


async def run_job(runtime: Runtime, organization_id: UUID, job_id: UUID) -> None:
    """Runs in the organization's scope. Raises only what says that the database is away: then the lease runs out, and the relay kicks again."""
    row = await jobs.claim(job_id, uuid4(), lease_s=FIRST_LEASE_S)
    if row is None:
        return
    with traced(row.trace_id, f"job {row.name}"), bound(job_id=job_id, job=row.name):
        await _run(runtime, organization_id, row)


async def _run(runtime: Runtime, organization_id: UUID, row: ClaimedJob) -> None:
    found = _function_of(runtime, row.name)
    max_attempts = found[0].max_attempts if found is not None else Job.max_attempts
    if row.attempts > max_attempts:
        await _bury(runtime, organization_id, row, row.last_error or ENDED_EACH_TIME)
        log.error("job is dead", extra={"reason": row.last_error, "action": "job.buried"})
        return
    try:
        if found is None:
            raise Retryable(f"no skill of this worker runs job {row.name}", after_s=60)
        job_class, function = found
        # A little less than the task's own time, so that a job that hangs is told from a process that stops.
        timeout_s = QUEUES[job_class.queue].task_timeout_s - TIMEOUT_MARGIN_S
        async with asyncio.timeout(timeout_s), _renewing(row, job_class.lease_s):
            payload, context = _payload(job_class, row), await _context(runtime, organization_id, row)
            with asking(None if row.name in CORE_JOBS else runtime.registry.asker(context.skill)):
                await function(payload, context)
    except asyncio.CancelledError:
        # The process stops: somebody else goes on from the last commit.
        await asyncio.shield(jobs.retry(row, after_s=STOPPED_AGAIN_S, error="stopped", counts=False))
        raise
    except (Permanent, Refused) as e:
        log.error("job cannot be done", extra={"reason": str(e), "action": "job.buried"})
        await _bury(runtime, organization_id, row, str(e))
    except Retryable as e:
        await _again(runtime, organization_id, row, max_attempts, str(e), e.after_s)
    except Exception as e:
        log.exception("job raised", extra={"attempt": row.attempts, "action": "job.failed"})
        await _again(runtime, organization_id, row, max_attempts, reason_of(e), None)
    else:
        await _end(jobs.finish(row), row, "done")
        log.info("job done", extra={"attempt": row.attempts, "action": "job.done"})


def _function_of(runtime: Runtime, name: str) -> tuple[type[Job], Any] | None:
    if name in CORE_JOBS:
        job_class, function = CORE_JOBS[name]
        return job_class, partial(function, runtime)
    return runtime.registry.task(name)


def _payload(job_class: type[Job], row: ClaimedJob) -> Job:
    try:
        return job_class.model_validate(row.payload)
    except ValidationError as e:
        raise Permanent(f"payload of job {row.name} does not fit: {e.error_count()} errors") from e


async def _context(runtime: Runtime, organization_id: UUID, row: ClaimedJob) -> TaskContext:
    skill = row.name.partition(".")[0]

    def unit_of_work() -> AbstractAsyncContextManager[UnitOfWork]:
        return open_unit(runtime, organization_id, actor=f"job:{row.job_id}", skill=skill)

    async def delivery(delivery_id: UUID) -> WebhookDelivery:
        return await open_delivery(organization_id, delivery_id, _skill_of(row))

    base = runtime.skill_context(skill)
    profile = await runtime.directory.organization(organization_id)
    services = {name: getattr(base, name) for name in base.__dataclass_fields__}
    return TaskContext(
        **services,
        organization=profile.info,
        job_id=row.job_id,
        attempt=row.attempts,
        unit_of_work=unit_of_work,
        delivery=delivery,
    )


def _skill_of(row: ClaimedJob) -> str:
    """Whose deliveries it may read: a flow's start reads for the flow's skill."""
    owner = str(row.payload.get("flow", "")).partition(":")[0] if row.name == StartFlowJob.name else ""
    return owner or row.name.partition(".")[0]


async def _bury(runtime: Runtime, organization_id: UUID, row: ClaimedJob, error: str) -> None:
    await _end(jobs.bury(row, error=error), row, "dead")
    await tell_of_buried_job(runtime, organization_id, row.name)


async def _again(
    runtime: Runtime, organization_id: UUID, row: ClaimedJob, max_attempts: int, error: str, after_s: float | None
) -> None:
    if row.attempts >= max_attempts:
        log.error("job is dead", extra={"reason": error, "action": "job.buried"})
        await _bury(runtime, organization_id, row, error)
        return
    wait_s = after_s if after_s is not None else back_off_s(row.attempts)
    log.warning("job postponed", extra={"reason": error, "after_s": round(wait_s, 1), "action": "job.postponed"})
    await _end(jobs.retry(row, after_s=wait_s, error=error), row, "retry")


def back_off_s(attempts: int) -> float:
    """2 s, 4 s, 8 s ... up to four hours, spread by a quarter so that a crowd does not come back as one."""
    return min(RETRY_MIN_S * 2.0 ** (attempts - 1), RETRY_MAX_S) * random.uniform(0.875, 1.125)


async def _end(change: Any, row: ClaimedJob, outcome: str) -> None:
    if not await change:
        log.warning("lease of a job lost while it ran", extra={"action": "job.lost"})
    JOBS_FINISHED.labels(row.name, outcome).inc()
    (succeeded if outcome == "done" else failed)()


@asynccontextmanager
async def _renewing(row: ClaimedJob, lease_s: float) -> AsyncIterator[None]:
    """Keeps the lease while the block runs; a database that is away for a moment is asked again."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease_s / 3)
            try:
                if not await jobs.renew(row, lease_s=lease_s):
                    return
            except Retryable as e:
                log.warning("lease of a job not renewed", extra={"reason": str(e)})

    if lease_s > FIRST_LEASE_S:
        await jobs.renew(row, lease_s=lease_s)
    keeper = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeper.cancel()
