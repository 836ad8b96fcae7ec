"""One worker process of one queue: `python -m scheduler worker interactive`."""

from __future__ import annotations

import asyncio
import logging

from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver

from bot.config import Configuration
from bot.runtime import Runtime
from scheduler import tasks
from scheduler.brokers import BROKERS
from scheduler.dispatch import nats_url
from scheduler.heartbeat import beating
from scheduler.knowledge import keeping_embedded
from scheduler.lookout import Lookout
from scheduler.middlewares import ErrorPolicy, Measures, OrganizationBinding
from scheduler.process import opened, say_ready
from scheduler.settings import ClockSettings, WorkerSettings
from scheduler.warm import warm

__all__ = ["receive", "run_worker"]

log = logging.getLogger(__name__)

CUT_OFF_S = 0.8  # for what is left to write down that it was stopped


async def run_worker(configuration: Configuration, queue: str, stop: asyncio.Event) -> None:
    """Runs until `stop`; then takes no more hints, lets running tasks end for a while, and cuts off the rest: the rows know."""
    settings = configuration.section(WorkerSettings, "worker")
    async with opened(configuration, f"worker {queue}", queue=queue, stop=stop) as runtime:
        if runtime is None:
            return
        beat = beating(f"worker.{queue}", configuration.section(ClockSettings, "clock"))
        async with beat, keeping_embedded(runtime, queue):
            await receive(runtime, settings, queue, stop)


async def receive(runtime: Runtime, settings: WorkerSettings, queue: str, stop: asyncio.Event) -> None:
    """Follows the queue's hints until `stop`."""
    capacity: int = getattr(settings, f"{queue}_concurrency")
    broker = BROKERS[queue]
    broker.is_worker_process = True
    lookout = Lookout(runtime, queue, capacity=capacity)
    broker.configure(nats_url(runtime.configuration), capacity=capacity, lookout=lookout)
    broker.middlewares.clear()
    broker.add_middlewares(OrganizationBinding(), ErrorPolicy(), Measures(queue))
    broker.state[tasks.STATE_RUNTIME] = runtime
    broker.state[tasks.STATE_SETTINGS] = settings
    broker.state[tasks.STATE_STOPPING] = stop
    logging.getLogger("taskiq.receiver.receiver").setLevel(logging.CRITICAL)  # ErrorPolicy tells, once and with care
    await broker.startup()
    receiver = Receiver(
        broker,
        max_async_tasks=capacity,
        run_startup=False,
        validate_params=False,
        ack_type=AcknowledgeType.WHEN_EXECUTED,
        wait_tasks_timeout=settings.stop_s - CUT_OFF_S,
    )
    say_ready()
    log.info("worker is ready", extra={"queue": queue, "capacity": capacity})
    if queue == "interactive":
        runtime.beside(warm(runtime))
    try:
        await receiver.listen(stop)
    finally:
        await _cut_off()
        await broker.shutdown()


async def _cut_off() -> None:
    """Ends the tasks that did not make it; they have a moment to say so in their rows."""
    left = [task for task in asyncio.all_tasks() if _is_of_receiver(task)]
    for task in left:
        task.cancel()
    if left:
        log.warning("tasks cut off by the stop", extra={"tasks": len(left)})
        await asyncio.wait(left, timeout=CUT_OFF_S)


def _is_of_receiver(task: asyncio.Task[object]) -> bool:
    return getattr(task.get_coro(), "__qualname__", "") == "Receiver.callback"
