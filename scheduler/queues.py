"""The three queues as JetStream knows them: one stream and one consumer each, made by whoever comes first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

import orjson
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError

__all__ = ["QUEUES", "Queue", "ensure", "ensure_all", "hint_message"]

STREAM_EXISTS_OTHERWISE = 10058  # JetStream's error code: the name is in use with a different configuration
MAX_AGE_S = (
    3600.0  # an older hint says nothing that the sweep has not said since; also ends what was delivered five times
)
DUPLICATE_WINDOW_S = 120.0
API_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Queue:
    """`task_timeout_s` ends a task that hangs; the server waits longer than that for the acknowledgement."""

    name: str
    task_timeout_s: float

    @property
    def stream(self) -> str:
        return f"cn_{self.name}"

    @property
    def subject(self) -> str:
        return f"cn.{self.name}"

    @property
    def durable(self) -> str:
        return f"cn_worker_{self.name}"

    @property
    def ack_wait_s(self) -> float:
        return self.task_timeout_s + 30

    def stream_config(self) -> StreamConfig:
        return StreamConfig(
            name=self.stream,
            subjects=[self.subject],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            max_age=MAX_AGE_S,
            duplicate_window=DUPLICATE_WINDOW_S,
        )

    def consumer_config(self) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=self.durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait_s,
            max_deliver=5,
            max_ack_pending=50_000,  # hints of killed workers stay pending until ack_wait; they must not stop the others
            max_waiting=512,
            filter_subject=self.subject,
        )


QUEUES: Final = {
    queue.name: queue for queue in (Queue("interactive", 120.0), Queue("bulk", 600.0), Queue("render", 300.0))
}


async def ensure(client: Client, queue: Queue) -> None:
    """Makes stream and consumer, or brings their configuration up to date. Raises nats errors."""
    js = client.jetstream(timeout=API_TIMEOUT_S)
    try:
        await js.add_stream(queue.stream_config())
    except BadRequestError as e:
        if e.err_code != STREAM_EXISTS_OTHERWISE:
            raise
        await js.update_stream(queue.stream_config())
    await js.add_consumer(queue.stream, queue.consumer_config())


async def ensure_all(client: Client) -> None:
    for queue in QUEUES.values():
        await ensure(client, queue)


def hint_message(task_name: str, labels: dict[str, str], kwargs: dict[str, Any]) -> bytes:
    """A task in taskiq's wire format, written by hand: the web process need not import taskiq, which takes it half a second."""
    return orjson.dumps(
        {
            "task_id": uuid.uuid4().hex,
            "task_name": task_name,
            "labels": labels,
            "labels_types": None,
            "args": [],
            "kwargs": kwargs,
        }
    )
