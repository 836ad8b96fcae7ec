"""Webhook delivery: signed POSTs, concurrent, each tried again until it was answered 200."""

import asyncio
import logging
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import aiohttp

from channels.emulator.clock import Clock
from channels.emulator.delivery import Delivery, Held, reserialised, trickle
from channels.emulator.faults import FaultPlan
from channels.emulator.payload import Update, add_alien, add_unknown_fields, drop_contacts, envelope, pad
from channels.emulator.settings import FIELDS, EmulatorSettings
from channels.emulator.state import UNTAKEN, Attempt
from channels.emulator.stream import Hub, WireEntry
from channels.emulator.wire import SIGNATURE_HEADER, body_of, signature_of

log = logging.getLogger(__name__)

_HEADERS = {"Content-Type": "application/json", "User-Agent": "facebookexternalua", "Accept": "*/*"}
_UNREACHED = b"unreached"


class Courier:
    """Takes updates, applies the webhook faults, posts. `start` and `close` bound its life."""

    def __init__(
        self,
        settings: EmulatorSettings,
        clock: Clock,
        faults: FaultPlan,
        hub: Hub,
        *,
        mint_wamid: Callable[[str], str],
        on_attempt: Callable[[Update, Attempt, bool], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._faults = faults
        self._hub = hub
        self._mint_wamid = mint_wamid
        self._on_attempt = on_attempt
        self._random = random.Random(settings.seed)
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._waiting: set[asyncio.TimerHandle] = set()
        self._held: dict[str, list[Held]] = defaultdict(list)
        self._batch_timers: dict[str, asyncio.TimerHandle] = {}
        self._batches: dict[str, list[Update]] = defaultdict(list)
        self._recent: dict[str, deque[Update]] = defaultdict(lambda: deque(maxlen=3))
        self._lanes: dict[tuple[str, str], deque[Delivery]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self.posted = 0
        self.acked = 0
        self.in_flight = 0
        self.closed = False

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        timeout = aiohttp.ClientTimeout(total=self._settings.webhook_timeout_s)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        self._workers = [
            asyncio.create_task(self._work(), name=f"courier-{i}") for i in range(self._settings.webhook_concurrency)
        ]
        for worker in self._workers:
            worker.add_done_callback(_complain)

    async def close(self) -> None:
        self.closed = True
        for handle in self._waiting:
            handle.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None, "the courier was not started"
        return self._session

    @property
    def pending(self) -> int:
        """Deliveries not answered 200 yet, whether queued, in flight, held or waiting for their next try."""
        lanes = sum(len(lane) for lane in self._lanes.values())
        held = sum(len(h) for h in self._held.values()) + sum(len(b) for b in self._batches.values())
        return self._queue.qsize() + self.in_flight + len(self._waiting) + lanes + held

    def forget(self) -> None:
        """Drops everything that is still to be delivered."""
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()
        self._held.clear()
        self._batches.clear()
        self._recent.clear()
        self._lanes.clear()
        while not self._queue.empty():
            self._queue.get_nowait()

    def post(self, update: Update, *, answered: asyncio.Event | None = None) -> None:
        """Queues one update; whichever webhook fault strikes it is applied here."""
        unheard = update.field in FIELDS and update.field not in update.number.settings.fields
        if not update.number.subscribed or unheard:
            return
        if not self._faults.all():
            self._launch((update,), answered=answered)
            return
        number, wa_id, part = update.number.id, update.wa_id, update.part
        if part == "messages" and self._faults.draw("standby", number, wa_id) is not None:
            update.field = "standby"
        if hit := self._faults.draw("delay", number, wa_id, part=part):
            self._later(float(hit["delay_s"]), lambda: self._launch((update,), marks=["delay"], answered=answered))
        elif hit := self._faults.draw("reorder", number, wa_id, part=part):
            self._hold(update, behind=int(hit["behind"]), hold_s=float(hit["hold_s"]))
        elif hit := self._faults.draw("batch", number, wa_id, part=part):
            self._collect(update, size=int(hit["size"]), wait_s=float(hit["wait_s"]), spread=str(hit["spread"]))
        else:
            self._launch((update,), answered=answered)
            self._let_pass(number)

    def post_many(self, updates: list[Update], *, spread: str = "mixed") -> None:
        """Posts several updates as one body, for scripted batches."""
        self._launch(tuple(updates), marks=["batch"], spread=spread)

    def _hold(self, update: Update, *, behind: int, hold_s: float) -> None:
        held = Held(update, behind)
        held.timer = self._later(hold_s, lambda: self._release(update.number.id, held))
        self._held[update.number.id].append(held)

    def _let_pass(self, number: str) -> None:
        for held in list(self._held.get(number, ())):
            held.behind -= 1
            if held.behind <= 0:
                self._release(number, held)

    def _release(self, number: str, held: Held) -> None:
        self._held[number].remove(held)
        self._drop_timer(held.timer)
        # A moment later than the one it fell behind, or both would race.
        self._later(0.02, lambda: self._launch((held.update,), marks=["reorder"]))

    def _collect(self, update: Update, *, size: int, wait_s: float, spread: str) -> None:
        batch = self._batches[update.number.id]
        batch.append(update)
        if len(batch) >= size:
            self._flush(update.number.id, spread)
        elif len(batch) == 1:
            self._batch_timers[update.number.id] = self._later(wait_s, lambda: self._flush(update.number.id, spread))

    def _flush(self, number: str, spread: str) -> None:
        self._drop_timer(self._batch_timers.pop(number, None))
        if batch := self._batches.pop(number, None):
            self._launch(tuple(batch), marks=["batch"], spread=spread)

    def _launch(
        self,
        updates: tuple[Update, ...],
        *,
        marks: list[str] | None = None,
        spread: str = "value",
        answered: asyncio.Event | None = None,
    ) -> None:
        first = updates[0]
        delivery = Delivery(
            updates, first.number.webhook_url, first.number.secret, spread=spread, marks=marks or [], answered=answered
        )
        if self._faults.all():
            self._spoil(delivery)
        self._recent[first.number.id].append(first)
        self._enqueue(delivery)

    def _spoil(self, delivery: Delivery) -> None:
        first = delivery.updates[0]
        number, wa_id, part = first.number.id, first.wa_id, first.part

        def hit(name: str) -> Any:
            params = self._faults.draw(name, number, wa_id, part=part)
            if params is not None:
                delivery.marks.append(name)
            return params

        if part == "messages" and (p := hit("unknown_type")):
            wamid = self._mint_wamid(wa_id or "0")
            delivery.edits.append(partial(add_alien, kind=str(p["type"]), wamid=wamid))
        if hit("unknown_field") is not None:
            delivery.edits.append(add_unknown_fields)
        if hit("no_contacts") is not None:
            delivery.edits.append(drop_contacts)
        if p := hit("big_body"):
            delivery.edits.append(partial(pad, size=int(p["size_bytes"])))
        if p := hit("slow_body"):
            delivery.slow = (int(p["chunks"]), float(p["pause_s"]))
        if p := hit("wrong_signature"):
            delivery.bad_signature = str(p["mode"])
        if hit("drop_ack") is not None:
            delivery.drop_acks = 1
        if hit("concurrent") is not None:
            self._enqueue(self._copy(delivery, "same", "concurrent"), alone=True)
        if p := hit("duplicate"):
            for i in range(int(p["times"])):
                copy = self._copy(delivery, str(p["mode"]), f"duplicate:{p['mode']}")
                self._later(float(p["after_s"]) * (i + 1), partial(self._enqueue, copy, alone=True))

    def _copy(self, delivery: Delivery, mode: str, mark: str) -> Delivery:
        """The same facts once more: the same bytes, the same items in other bytes, or among other items."""
        self._build(delivery)
        if mode == "regrouped":
            others = [u for u in self._recent[delivery.updates[0].number.id] if u not in delivery.updates]
            return Delivery((*others, *delivery.updates), delivery.url, delivery.secret, spread="mixed", marks=[mark])
        copy = Delivery(delivery.updates, delivery.url, delivery.secret, body=delivery.body, marks=[mark])
        if mode == "reserialised":
            copy.body = reserialised(envelope(delivery.updates, spread="changes", at=self._clock.now()))
        return copy

    def _enqueue(self, delivery: Delivery, *, alone: bool = False) -> None:
        if self._settings.ordered_per_user and not alone:
            key = (delivery.updates[0].number.id, delivery.updates[0].wa_id)
            if key in self._lanes:
                self._lanes[key].append(delivery)
                return
            self._lanes[key] = deque()
        self._queue.put_nowait(delivery)

    def _later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        def run() -> None:
            self._waiting.discard(handle)
            if not self.closed:
                call()

        handle = asyncio.get_running_loop().call_later(delay_s, run)
        self._waiting.add(handle)
        return handle

    def _drop_timer(self, handle: asyncio.TimerHandle | None) -> None:
        if handle is not None:
            handle.cancel()
            self._waiting.discard(handle)

    async def _work(self) -> None:
        while True:
            delivery = await self._queue.get()
            if self._settings.batch_max > 1 and delivery.is_plain:
                delivery = self._merge(delivery)
            self.in_flight += 1
            try:
                await self._try(delivery)
            finally:
                self.in_flight -= 1
                self._hub.nudge()

    def _merge(self, delivery: Delivery) -> Delivery:
        """Takes plain deliveries to the same place off the queue, up to `batch_max` updates in one POST."""
        updates = list(delivery.updates)
        while len(updates) < self._settings.batch_max and not self._queue.empty():
            other = self._queue.get_nowait()
            if not other.is_plain or other.url != delivery.url or other.secret != delivery.secret:
                self._queue.put_nowait(other)
                break
            updates.extend(other.updates)
        delivery.updates = tuple(updates)
        return delivery

    def _build(self, delivery: Delivery) -> bytes:
        if delivery.body is None:
            value = envelope(delivery.updates, spread=delivery.spread, at=self._clock.now())
            for edit in delivery.edits:
                edit(value)
            delivery.body = body_of(value)
        return delivery.body

    async def _try(self, delivery: Delivery) -> None:
        body = self._build(delivery)
        delivery.attempts += 1
        headers = {**_HEADERS, **self._signature(delivery, body)}
        started = self._clock.real()
        try:
            code, answer = await self._send(delivery, body, headers)
        except asyncio.CancelledError:
            # We stop; the server may have taken it all the same.
            marks = (*delivery.marks, *((UNTAKEN,) if delivery.is_signed_wrongly else ()))
            cut = Attempt(started, self._clock.real(), 0, marks)
            for update in delivery.updates:
                self._on_attempt(update, cut, False)
            raise
        ended = self._clock.real()
        self.posted += 1
        marks = tuple(delivery.marks)
        if code == 0 and (answer == _UNREACHED or delivery.is_signed_wrongly):
            marks = (*marks, UNTAKEN)
        dropped = code == 200 and delivery.drop_acks > 0
        attempt = Attempt(started, ended, code, marks)
        for update in delivery.updates:
            self._on_attempt(update, attempt, code == 200 and not dropped)
        number = delivery.updates[0].number.id
        self._hub.log_wire(
            WireEntry(
                0,
                started,
                "webhook",
                "POST",
                delivery.url,
                headers,
                body,
                code,
                (ended - started) * 1000,
                answer,
                marks,
                delivery.attempts,
                number,
            )
        )
        if code == 200 and not dropped:
            self._done(delivery)
            return
        if dropped:
            delivery.drop_acks -= 1
        if delivery.answered is not None and code == 200:
            delivery.answered.set()
        self._later(self._back_off(delivery.attempts), lambda: self._queue.put_nowait(delivery))

    def _done(self, delivery: Delivery) -> None:
        self.acked += 1
        if delivery.answered is not None:
            delivery.answered.set()
        if not self._settings.ordered_per_user:
            return
        key = (delivery.updates[0].number.id, delivery.updates[0].wa_id)
        lane = self._lanes.get(key)
        if lane:
            self._queue.put_nowait(lane.popleft())
        else:
            self._lanes.pop(key, None)

    def _back_off(self, attempts: int) -> float:
        schedule = self._settings.retry_schedule_s
        delay_s = schedule[min(attempts, len(schedule)) - 1]
        return delay_s * (1 + self._settings.retry_jitter * (2 * self._random.random() - 1))

    def _signature(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        right = signature_of(delivery.secret, body)
        if delivery.bad_signature is None or delivery.attempts > 1:
            return {SIGNATURE_HEADER: right}
        match delivery.bad_signature:
            case "missing":
                return {}
            case "non_ascii":
                return {SIGNATURE_HEADER: "sha256=é" + right[8:]}
            case "upper":
                return {SIGNATURE_HEADER: "sha256=" + right[7:].upper()}
            case _:
                return {SIGNATURE_HEADER: signature_of(b"not the secret", body)}

    async def _send(self, delivery: Delivery, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        data: bytes | AsyncIterator[bytes] = body
        if delivery.slow is not None:
            headers = {**headers, "Content-Length": str(len(body))}
            data = trickle(body, *delivery.slow)
        try:
            async with self.session.post(delivery.url, data=data, headers=headers, allow_redirects=False) as response:
                return response.status, await response.content.read(16_384)
        except aiohttp.ClientConnectorError:
            return 0, _UNREACHED
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # A server that is not up yet, or an address that is none: both are a try that failed.
            log.debug("webhook not answered", extra={"error": type(error).__name__})
            return 0, type(error).__name__.encode()


def _complain(worker: asyncio.Task[None]) -> None:
    """A worker only ends by being cancelled; anything else is a fault of the emulator and must be seen."""
    if not worker.cancelled() and worker.exception() is not None:
        log.error("a webhook worker died", exc_info=worker.exception())
