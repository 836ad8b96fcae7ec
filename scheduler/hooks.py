"""Jobs of webhooks out: `core.deliver_hooks` for an endpoint with something due."""

from __future__ import annotations

import logging

from bot.hooks.deliver import deliver
from bot.hooks.jobs import DeliverHooks
from bot.runtime import Runtime
from bot.skill import TaskContext
from store import hooks
from store.tenancy import unscoped

__all__ = ["DeliverHooks", "deliver_hooks", "put_hook_jobs"]

log = logging.getLogger(__name__)


async def put_hook_jobs(per_organization: int) -> int:
    """For the clock. One less than an organization's jobs at a time: slow receivers leave room for its other work."""
    with unscoped("hooks"):
        return await hooks.put_jobs(max(1, per_organization - 1))


async def deliver_hooks(runtime: Runtime, job: DeliverHooks, ctx: TaskContext) -> None:
    tried = await deliver(runtime, ctx.organization.id, job.endpoint_id)
    log.info("webhooks sent", extra={"endpoint_id": str(job.endpoint_id), "tries": tried})
