"""The emulator in one object: world, clock, faults, limits, courier, and the two sides that act."""

import asyncio
from collections.abc import Iterable
from typing import Any

from channels.emulator.analysis import analyse
from channels.emulator.business import Business
from channels.emulator.clock import Clock
from channels.emulator.courier import Courier
from channels.emulator.faults import FaultPlan
from channels.emulator.journal import Journal
from channels.emulator.ledger import Ledger
from channels.emulator.limits import LimitKeeper
from channels.emulator.mpesa.mpesa import Mpesa
from channels.emulator.payload import Update
from channels.emulator.person import Phones
from channels.emulator.settings import EmulatorSettings
from channels.emulator.state import Message, Template
from channels.emulator.stream import Hub
from channels.emulator.world import World


class Emulator:
    """Everything but HTTP. `start` needs a running loop; `close` leaves no task behind."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.settings = settings
        self.clock = Clock(speed=settings.clock_speed)
        self.world = World(settings, self.clock)
        self.faults = FaultPlan(settings.seed)
        self.hub = Hub(settings.wire_log_size)
        self.limits = LimitKeeper(settings.limits.model_copy(), self.clock)
        self._journal = Journal(settings.data, self.world) if settings.data is not None else None
        self.courier = Courier(
            settings,
            self.clock,
            self.faults,
            self.hub,
            mint_wamid=lambda wa_id: self.world.mint.wamid(wa_id, outbound=False),
            on_attempt=lambda update, attempt, accepted: self.phones.note_attempt(update, attempt, accepted),
        )
        self.business = Business(self.world, self.courier, self.faults, self.limits, self.hub, touch=self.touch)
        self.phones = Phones(self.world, self.courier, self.faults, self.limits, self.hub, touch=self.touch)
        self.ledger = Ledger(self.world, self.courier, self.business, self.limits)
        self.mpesa = Mpesa(
            settings.mpesa, self.world, self.clock, self.faults, self.hub, session=lambda: self.courier.session
        )
        self._reviews: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Raises OSError when the data folder cannot be written."""
        await self.courier.start()
        if self._journal is not None:
            self._journal.open()
            self._go_on()

    async def close(self) -> None:
        for handle in self._reviews:
            handle.cancel()
        self.let_go()
        self.business.close()
        await self.mpesa.close()
        await self.courier.close()
        if self._journal is not None:
            self._journal.close()

    @property
    def pending(self) -> int:
        """Webhooks not answered 200 yet, statuses and payment callbacks still to come; 0: nothing will happen by itself,
        but for a payment prompt that waits for its person.
        """
        return self.courier.pending + self.business.pending + self.mpesa.pending

    def keep(self, task: asyncio.Task[Any] | None) -> None:
        """Holds a task that shall end with the emulator: a bulk run, an event stream."""
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def let_go(self) -> None:
        for task in self._tasks:
            task.cancel()

    def touch(self, kind: str, thing: Any) -> None:
        """Says that a thing changed and has to be on disk soon; nothing without a data folder."""
        if self._journal is not None:
            self._journal.touch(kind, thing)

    def set_base_url(self, url: str) -> None:
        self.phones.base_url = url

    @property
    def base_url(self) -> str:
        return self.phones.base_url

    def shift_clock(self, seconds: float | None) -> None:
        """Moves the emulated time; None sets it back to the real one."""
        if seconds is None:
            self.clock.reset()
        else:
            self.clock.shift(seconds)
        self.touch("clock", self.clock.shift_s)
        self.hub.publish("clock", lambda: {"now": self.clock.now(), "shift_s": self.clock.shift_s})

    def reset(self, *, keep_users: bool = True) -> None:
        """Forgets chats, deliveries, faults, counts and the clock's shift; numbers and templates stay."""
        self.business.close()
        self.courier.forget()
        self.mpesa.forget()
        self.faults.clear()
        self.limits.forget()
        self.limits.limits = self.settings.limits.model_copy()
        self.world.forget_chats()
        self.business.refused.clear()
        self.business.outside_window = 0
        self.courier.posted = self.courier.acked = 0
        self.hub.wire.clear()
        self.clock.reset()
        if not keep_users:
            for wa_id in list(self.world.users):
                self.world.remove_user(wa_id)
            for user in self.settings.users:
                self.world.add_user(user)
        if self._journal is not None:
            self._journal.clear()
        self.hub.publish("reset", dict)

    def analyse(
        self, pattern: str, *, reply_pattern: str | None = None, wa_ids: Iterable[str] | None = None
    ) -> dict[str, Any]:
        wanted = set(wa_ids) if wa_ids is not None else None
        messages: Iterable[Message] = self.world.messages.values()
        if wanted is not None:
            messages = [m for m in messages if m.wa_id in wanted]
        return analyse(messages, pattern, reply_pattern=reply_pattern)

    def review(self, template: Template) -> None:
        """Approves a template after the review time, unless a test decided otherwise meanwhile."""
        self.touch("template", template)
        handle = asyncio.get_running_loop().call_later(self.settings.template_review_s, self._approve, template)
        self._reviews.add(handle)

    def set_template_status(self, template: Template, status: str, *, reason: str = "NONE") -> None:
        """Moves a template and tells it on `message_template_status_update`."""
        template.status = status
        template.rejected_reason = reason
        self.touch("template", template)
        number = next(iter(self.world.numbers_of_waba(template.waba_id)), None)
        if number is None:
            return
        value: dict[str, Any] = {
            "event": status,
            "message_template_id": int(template.id),
            "message_template_name": template.name,
            "message_template_language": template.language,
            "reason": None if status == "DELETED" else reason,
        }
        if status == "PAUSED":
            value["other_info"] = {"title": "FIRST_PAUSE", "description": "Paused for 3 hours."}
        self.courier.post(Update(number, "message_template_status_update", "", value))
        self.hub.publish("template", lambda: {"id": template.id, "status": status})

    def _approve(self, template: Template) -> None:
        if template.status == "PENDING" and template.id in self.world.templates:
            self.set_template_status(template, "APPROVED")

    def _go_on(self) -> None:
        """After a restart: deliver what was not answered 200, tell the steps nobody heard of, finish ladders, review what waits."""
        for message in sorted(self.world.messages.values(), key=lambda m: m.seq):
            if message.direction == "in" and message.acked_at is None and message.kind != "system":
                self.phones.repost(message)
            elif message.direction == "out":
                for status in [each for each in message.times if each not in message.told]:
                    self.business.tell(message, status)
                if message.status in ("accepted", "sent", "delivered"):
                    self.business.climb(message, from_status=message.status)
        for template in self.world.templates.values():
            if template.status == "PENDING":
                self.review(template)
