"""The three tasks. They carry ids, not work: each means "look at this row", so doing one twice, or not at all, changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from taskiq import Context, TaskiqDepends

from bot.delivery import deliver_due
from bot.ports import Lane
from bot.runtime import Runtime
from bot.turn.runner import process_session as drain_session
from scheduler.brokers import BROKERS
from scheduler.jobs import run_job as run_claimed_job
from scheduler.settings import WorkerSettings
from store.tenancy import current_organization

__all__ = ["STATE_RUNTIME", "STATE_SETTINGS", "STATE_STOPPING", "deliver", "process_session", "run_job"]

STATE_RUNTIME: Final = "runtime"
STATE_SETTINGS: Final = "worker_settings"
STATE_STOPPING: Final = "stopping"

TaskContext = Annotated[Context, TaskiqDepends()]


async def process_session(session_id: str, context: TaskContext) -> None:
    """Drains a conversation's inbox."""
    await drain_session(_runtime(context), current_organization(), UUID(session_id))


async def run_job(job_id: str, context: TaskContext) -> None:
    await run_claimed_job(_runtime(context), current_organization(), UUID(job_id))


async def deliver(lane: int, context: TaskContext) -> None:
    """Sends what is due, batch after batch, for a few seconds; then the next organization may have this place."""
    runtime, organization_id = _runtime(context), current_organization()
    settings: WorkerSettings = context.state[STATE_SETTINGS]
    stopping: asyncio.Event = context.state[STATE_STOPPING]
    until = time.monotonic() + settings.deliver_s
    while not stopping.is_set():
        if not await deliver_due(runtime, organization_id, Lane(lane), limit=settings.deliver_batch):
            return
        if time.monotonic() > until:
            await runtime.dispatcher.deliver(organization_id, lane=Lane(lane), attempt=uuid4().hex)
            return


def _runtime(context: Context) -> Runtime:
    runtime: Runtime = context.state[STATE_RUNTIME]
    return runtime


# By name: taskiq renames the functions that it registers.
_TASKS: dict[str, Callable[..., Any]] = {"process_session": process_session, "run_job": run_job, "deliver": deliver}
for _broker in BROKERS.values():
    for _name, _task in _TASKS.items():
        _broker.register_task(_task, task_name=_name, timeout=_broker.cn_queue.task_timeout_s)
