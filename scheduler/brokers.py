"""The three brokers: taskiq on JetStream, for hints only. The one place with module singletons.

The stock broker keeps messages for ever, runs a task longer than its `ack_wait` twice, prefetches for seconds and does not survive a NATS that
lost its disk; this one does not. It never retries: whether there is something to do is written in the rows (architecture.md, section 3).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from taskiq import AckableMessage, AsyncBroker, BrokerMessage
from taskiq.serializers import ORJSONSerializer
from taskiq_nats import PullBasedJetStreamBroker

from bot import background
from scheduler.link import NATS_ERRORS, Link
from scheduler.lookout import Lookout
from scheduler.queues import QUEUES, Queue, ensure

__all__ = ["BROKERS", "HintBroker", "PullBroken"]

log = logging.getLogger(__name__)

MESSAGE_ID = "Nats-Msg-Id"
PULL_EXPIRES_S = 30.0
PULL_HEARTBEAT_S = 5.0
PULL_SILENCE_S = 12.0  # two heartbeats missed: the consumer is gone, or the server forgot the request
PULL_AGAIN_S = 0.2
PULL_ENDED = ("404", "408")  # no messages, request timeout: ask again


class PullBroken(Exception):
    """The consumer does not answer: it is made anew."""


class HintBroker(PullBasedJetStreamBroker):
    """One queue's broker. `configure` it before `startup`."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(
            [],
            subject=queue.subject,
            stream_name=queue.stream,
            durable=queue.durable,
            stream_config=queue.stream_config(),
            consumer_config=queue.consumer_config(),
        )
        self.cn_queue: Final = queue
        self.serializer = ORJSONSerializer()
        self._url = ""
        self._capacity = 1
        self._lookout: Lookout | None = None
        self._link: Link | None = None
        self._unfinished: dict[int, Msg] = {}
        self._beats: asyncio.Task[None] | None = None

    def configure(self, url: str, *, capacity: int, lookout: Lookout | None = None) -> None:
        """`capacity`: how many tasks this process runs at a time, so that it never takes hints that another could start at once.

        `lookout` finds them while NATS is away.
        """
        self._url = url
        self._capacity = capacity
        self._lookout = lookout

    async def startup(self) -> None:
        """Returns also while NATS is away; pulling begins when it comes."""
        assert self._url, "configure() comes before startup()"
        await AsyncBroker.startup(self)
        self._link = Link(self._url, name=f"worker {self.cn_queue.name}", prepare=self._ensure)
        await self._link.open()
        self._beats = asyncio.create_task(self._beat(), name=f"heartbeats {self.cn_queue.name}")

    async def shutdown(self) -> None:
        if self._beats is not None:
            await background.end([self._beats])
        if self._link is not None:
            await self._link.close()
        self._unfinished.clear()
        await AsyncBroker.shutdown(self)

    async def kick(self, message: BrokerMessage) -> None:
        assert self._link is not None, "startup() comes before kick()"
        message_id = str(message.labels.get(MESSAGE_ID, message.task_id))
        await self._link.publish(self.subject, message.message, {MESSAGE_ID: message_id})

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        assert self._link is not None, "startup() comes before listen()"
        while True:
            if self._lookout is not None and not self._link.is_up():
                async with aclosing(self._lookout.hints(self._link)) as hints:
                    async for hint in hints:
                        yield AckableMessage(data=hint, ack=_nothing)
            client = await self._link.connected()
            try:
                async with aclosing(self._pull(client)) as messages:
                    async for message in messages:
                        yield self._ackable(message)
            except (PullBroken, *NATS_ERRORS) as e:
                log.debug("pull ended", extra={"queue": self.cn_queue.name, "error": repr(e)})
            await asyncio.sleep(PULL_AGAIN_S)
            await self._mend()

    async def _ensure(self, client: Client) -> None:
        await ensure(client, self.cn_queue)

    async def _mend(self) -> None:
        """The stream may have been deleted under a connection that is still up."""
        assert self._link is not None
        try:
            if self._link.is_up():
                await self._ensure(await self._link.connected())
        except NATS_ERRORS as e:
            log.debug("cannot make the consumer yet", extra={"queue": self.cn_queue.name, "error": repr(e)})

    def _ackable(self, message: Msg) -> AckableMessage:
        async def ack() -> None:
            self._unfinished.pop(id(message), None)
            try:
                await message.ack()
            except NATS_ERRORS:
                log.debug("hint not acknowledged")  # it comes again and finds nothing to do

        return AckableMessage(data=message.data, ack=ack)

    async def _pull(self, client: Client) -> AsyncGenerator[Msg, None]:
        """Messages as they arrive: one standing request, as large as what could start now."""
        assert self._link is not None
        inbox = client.new_inbox()
        arrived: asyncio.Queue[Msg | None] = asyncio.Queue()

        async def receive(message: Msg) -> None:
            if not _status(message):
                self._unfinished[id(message)] = message
            arrived.put_nowait(message)

        forget = self._link.on_down(lambda: arrived.put_nowait(None))
        subscription = await client.subscribe(inbox, cb=receive)
        expected = 0
        try:
            while True:
                if expected <= 0:
                    expected = max(1, self._capacity - len(self._unfinished))
                    await self._request(client, inbox, expected)
                message = await _next(arrived)
                status = _status(message)
                if not status:
                    expected -= 1
                    yield message
                elif status in PULL_ENDED:
                    expected = 0
                elif status != "100":
                    raise PullBroken(f"{status} {message.data!r}")
        finally:
            forget()
            try:
                await subscription.unsubscribe()
            except NATS_ERRORS:
                log.debug("unsubscribing from a closed connection")
            await self._give_back(arrived)

    async def _request(self, client: Client, inbox: str, count: int) -> None:
        request = {
            "batch": count,
            "expires": int(PULL_EXPIRES_S * 1e9),
            "idle_heartbeat": int(PULL_HEARTBEAT_S * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream_name}.{self.durable}"
        await client.publish(subject, orjson.dumps(request), reply=inbox)

    async def _give_back(self, arrived: asyncio.Queue[Msg | None]) -> None:
        """What was fetched and not started goes to another worker at once."""
        while not arrived.empty():
            message = arrived.get_nowait()
            if message is not None and not _status(message):
                self._unfinished.pop(id(message), None)
                try:
                    await message.nak()
                except NATS_ERRORS:
                    return

    async def _beat(self) -> None:
        """Tells the server that unfinished work goes on, prefetched messages included; one message each, well within `ack_wait`."""
        while True:
            started = time.monotonic()
            for message in list(self._unfinished.values()):
                try:
                    await message.in_progress()
                except NATS_ERRORS:
                    self._unfinished.pop(id(message), None)  # of a connection that is gone
            await asyncio.sleep(max(1.0, self.cn_queue.ack_wait_s / 4 - (time.monotonic() - started)))


async def _nothing() -> None:
    """Nobody waits for word of what was found without NATS: the row tells."""


def _status(message: Msg) -> str:
    """JetStream's word about the request itself; empty for a real message."""
    headers: dict[str, Any] | None = message.headers
    return str(headers.get("Status", "")) if headers and not message.data else ""


async def _next(arrived: asyncio.Queue[Msg | None]) -> Msg:
    if arrived.empty():
        async with asyncio.timeout(PULL_SILENCE_S):
            message = await arrived.get()
    else:
        message = arrived.get_nowait()
    if message is None:
        raise PullBroken("the connection was lost")
    return message


BROKERS: Final = {name: HintBroker(queue) for name, queue in QUEUES.items()}
