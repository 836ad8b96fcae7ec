"""The Dispatcher port on NATS: what any process uses to wake a worker. Light: no taskiq behind it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bot.config import Configuration
from bot.errors import ConfigError
from bot.ports import Lane
from bot.runtime import Runtime
from scheduler.link import NATS_ERRORS, Link
from scheduler.queues import API_TIMEOUT_S, QUEUES, ensure_all, hint_message
from scheduler.settings import NatsSettings
from scheduler.wakes import Wakes

__all__ = ["NatsDispatcher", "nats_url", "open_dispatcher"]

MESSAGE_ID = "Nats-Msg-Id"  # JetStream drops a second message with the same one for two minutes (decision 21)


class NatsDispatcher:
    """
    dispatcher = NatsDispatcher(url, name="web")
    await dispatcher.open()
    await dispatcher.hint(organization_id, session_id, attempt=f"{inbox_id}:0")

    No call raises or waits longer than a second, whatever NATS does: a lost hint is found by the sweep. With `sparing` a conversation
    that is hinted again and again is hinted less often (`scheduler.wakes`).
    """

    def __init__(self, url: str, *, name: str, sparing: bool = False) -> None:
        self._link = Link(url, name=f"chatnation {name}", prepare=ensure_all)
        self._wakes = Wakes(self._hint) if sparing else None

    async def open(self, *, wait_s: float = 2.0) -> bool:
        """False: NATS is away for now."""
        return await self._link.open(wait_s=wait_s)

    async def close(self) -> None:
        if self._wakes is not None:
            await self._wakes.close()
        await self._link.close()

    def is_up(self) -> bool:
        return self._link.is_up()

    async def depths(self) -> dict[str, int]:
        """Hints that wait or are at work, by queue; empty while NATS is away."""
        try:
            if not self._link.is_up():
                return {}
            js = (await self._link.connected()).jetstream(timeout=API_TIMEOUT_S)
            found = {name: await js.consumer_info(queue.stream, queue.durable) for name, queue in QUEUES.items()}
        except NATS_ERRORS:
            return {}
        return {name: (each.num_pending or 0) + (each.num_ack_pending or 0) for name, each in found.items()}

    async def hint(self, organization_id: UUID, session_id: UUID, *, attempt: str) -> None:
        wake = self._wakes.wake if self._wakes is not None else self._hint
        await wake(organization_id, session_id, attempt)

    async def _hint(self, organization_id: UUID, session_id: UUID, attempt: str) -> None:
        kwargs = {"session_id": str(session_id)}
        await self._send("interactive", "process_session", organization_id, kwargs, f"s:{session_id}:{attempt}")

    async def kick(self, organization_id: UUID, job_id: UUID, *, queue: str, attempt: int) -> None:
        kwargs = {"job_id": str(job_id)}
        await self._send(queue, "run_job", organization_id, kwargs, f"j:{job_id}:{attempt}")

    async def deliver(self, organization_id: UUID, *, lane: Lane, attempt: str) -> None:
        queue = "bulk" if lane == Lane.BULK else "interactive"
        kwargs = {"lane": int(lane)}
        await self._send(queue, "deliver", organization_id, kwargs, f"d:{organization_id}:{int(lane)}:{attempt}")

    async def _send(
        self, queue: str, task_name: str, organization_id: UUID, kwargs: dict[str, Any], message_id: str
    ) -> None:
        labels = {"organization_id": str(organization_id), MESSAGE_ID: message_id}
        await self._link.publish(
            QUEUES[queue].subject, hint_message(task_name, labels, kwargs), {MESSAGE_ID: message_id}
        )


async def open_dispatcher(runtime: Runtime) -> NatsDispatcher:
    """Also while NATS is away: the process serves, the sweep hints."""
    dispatcher = NatsDispatcher(nats_url(runtime.configuration), name="dispatcher", sparing=True)
    await dispatcher.open()
    return dispatcher


def nats_url(configuration: Configuration) -> str:
    """
    Raises:
        ConfigError: It is not set.
    """
    url = configuration.section(NatsSettings, "nats").url
    if url is None:
        raise ConfigError("nats.url is not set: give CHATNATION__NATS__URL, or start everything with `chatnation up`")
    return url.get_secret_value()
