"""The business side: a send is judged and accepted here, and climbs its ladder of statuses."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import aiohttp

from channels.emulator.courier import Courier
from channels.emulator.errors import GraphError, invalid, invalid_parameter, no_such_object
from channels.emulator.faults import FaultPlan
from channels.emulator.limits import LimitKeeper
from channels.emulator.media_parts import media_parts, parts_of
from channels.emulator.payload import Update, contact_of, pricing_of, status_item
from channels.emulator.settings import UserSettings
from channels.emulator.state import Media, Message, Number, Template, Thread, User
from channels.emulator.stream import Hub
from channels.emulator.validate.media_types import SIZES, bare, fits
from channels.emulator.validate.send import MarkRead, Send
from channels.emulator.validate.template import check_and_render
from channels.emulator.views import message_view
from channels.emulator.world import World

log = logging.getLogger(__name__)

TYPING_S = 25.0
REACTION_TARGET_S = 30 * 86_400.0
_TEMPLATE_ERRORS = {"PAUSED": 132015, "DISABLED": 132016}


class Business:
    """Accepts sends and marks; `climb` starts the statuses of what was accepted."""

    def __init__(
        self,
        world: World,
        courier: Courier,
        faults: FaultPlan,
        limits: LimitKeeper,
        hub: Hub,
        *,
        touch: Callable[[str, Any], None],
    ) -> None:
        self._world = world
        self._courier = courier
        self._faults = faults
        self._limits = limits
        self._hub = hub
        self._touch = touch
        self._timers: set[asyncio.TimerHandle] = set()
        self._fetches: set[asyncio.Task[None]] = set()
        self.refused: dict[int, int] = {}
        self.outside_window = 0  # free-form sends that came outside the window, refused or not

    def close(self) -> None:
        for handle in self._timers:
            handle.cancel()
        for task in self._fetches:
            task.cancel()
        self._timers.clear()

    @property
    def pending(self) -> int:
        """Statuses that are still to come."""
        return len(self._timers) + len(self._fetches)

    def accept(self, number: Number, send: Send, *, marketing_api: bool = False) -> Message:
        """The accepted message; nothing is told about it yet.

        Raises:
            GraphError: Meta would refuse the send.
        """
        if number.status == "BANNED":
            raise GraphError(131031, "The account has been locked.")
        self._limits.check_throughput(number)
        user, wa_id = self._recipient(number, send)
        thread = self._world.thread(number.id, wa_id)
        self._limits.check_pair(thread)
        is_open = self._limits.is_window_open(thread)
        if marketing_api and send.kind != "template":
            raise GraphError(131055, "Only marketing templates can be sent here.")
        doom: GraphError | None = None
        template: Template | None = None
        rendered: dict[str, Any] | None = None
        if send.kind == "template":
            template = self._template(number, send)
            rendered = asdict(
                check_and_render(
                    {"components": template.components, "parameter_format": template.parameter_format}, send.content
                )
            )
            if marketing_api and template.category != "MARKETING":
                raise GraphError(131055, "Only marketing templates can be sent here.")
            if not is_open:
                self._limits.check_tier(number, wa_id)
            doom = self._marketing_doom(number, user, thread, template)
        elif not is_open:
            self.outside_window += 1
            if self._limits.limits.enforce_window:
                refusal = GraphError(
                    131047,
                    "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
                )
                if self._limits.limits.window_error == "sync":
                    raise refusal
                doom = refusal
        self._check_references(number, thread, send)
        message = self._record(number, thread, send, template, rendered, is_open=is_open)
        if user is None or not user.on_whatsapp or number.id in user.blocked:
            doom = GraphError(131026, "Message undeliverable.")
        if doom is not None:
            message.error = doom.status_error()
        self._limits.count_sent(number, thread)
        return message

    def mark_read(self, number: Number, mark: MarkRead) -> None:
        """Raises GraphError 131009 for a message that this number never received."""
        message = self._world.messages.get(mark.message_id)
        if message is None or message.direction != "in" or message.phone_number_id != number.id:
            raise invalid("message_id: the message does not exist or was not received by this number.")
        thread = self._world.thread(number.id, message.wa_id)
        for earlier in reversed(thread.messages):
            if earlier.direction == "in" and earlier.seq <= message.seq:
                if earlier.status == "read":
                    break
                self._mark_one(earlier)
        if mark.typing:
            thread.typing_until = self._world.clock.real() + TYPING_S
            self._hub.publish(
                "typing", lambda: {"phone_number_id": number.id, "wa_id": message.wa_id, "for_s": TYPING_S}
            )

    def climb(self, message: Message, *, from_status: str = "accepted") -> None:
        """Starts the ladder: sent, delivered, read, or failed."""
        settings = self._world.settings
        if message.error is not None and message.status != "failed":
            self._later(settings.sent_after_s, lambda: self.advance(message, "failed"))
            return
        parts = list(media_parts(message))
        if parts and from_status == "accepted":
            task = asyncio.get_running_loop().create_task(self._climb_with_media(message, parts))
            self._fetches.add(task)
            task.add_done_callback(self._fetches.discard)
            return
        self._schedule(message, from_status)

    def advance(
        self, message: Message, status: str, *, answered: asyncio.Event | None = None, silent: bool = False
    ) -> None:
        """One step of the ladder, told by webhook unless `silent`."""
        now = self._world.clock.real()
        message.times.setdefault(status, now)
        if status != "sent" or message.status == "accepted":
            message.status = status
        if silent:
            message.told.append(status)
        self._touch("message", message)
        self._hub.publish(
            "status",
            lambda: {
                "id": message.id,
                "wa_id": message.wa_id,
                "status": message.status,
                "error": message.error,
                "visible_at": message.visible_at,
            },
        )
        if not silent:
            self.tell(message, status, answered=answered)

    def tell(self, message: Message, status: str, *, answered: asyncio.Event | None = None) -> None:
        """The webhook of one step."""
        number = self._world.numbers[message.phone_number_id]
        user = self._world.users.get(message.wa_id)
        bsuid = self._world.bsuid_for(user, number) if user else None
        item = status_item(message, status, self._world.clock.now(), user, bsuid)
        if status == "sent" or status == "delivered" or (status == "read" and "delivered" not in message.times):
            item["pricing"] = pricing_of(message)
        contact = contact_of(user, bsuid) if user and bsuid and status != "failed" else None
        update = Update(number, "messages", "statuses", item, message.wa_id, contact, message, status)
        self._courier.post(update, answered=answered)

    def hold(self, message: Message, *, hold_s: float, release: bool) -> None:
        """Quality assessment: the message waits, then goes on its way or is dropped with 132015."""
        message.status = "held"
        self._touch("message", message)

        def decide() -> None:
            message.status = "accepted"
            if not release:
                message.error = GraphError(132015, "The template was paused while the message was held.").status_error()
            self.climb(message)

        self._later(hold_s, decide)

    def read_by(self, user: User, phone_number_id: str | None, message_id: str | None = None) -> int:
        """The person looks at a chat: what was delivered becomes read. How many did."""
        count = 0
        for thread in self._world.threads_of(user.wa_id):
            if phone_number_id not in (None, thread.phone_number_id):
                continue
            for message in thread.messages:
                if (
                    message.direction == "out"
                    and message.status == "delivered"
                    and message_id in (None, message.id)
                    and message.kind != "reaction"
                ):
                    self.advance(message, "read")
                    count += 1
        return count

    def come_online(self, user: User) -> None:
        for thread in self._world.threads_of(user.wa_id):
            for message in thread.messages:
                if message.direction == "out" and message.status == "sent" and message.kind != "reaction":
                    self._schedule(message, "sent")

    def _recipient(self, number: Number, send: Send) -> tuple[User | None, str]:
        if send.group:
            raise invalid_parameter("Groups need an official business account; this number has none.")
        if send.recipient is not None:
            user = self._world.user_by_bsuid(send.recipient, number)
            return user, user.wa_id if user else send.recipient
        wa_id = send.to or ""
        if wa_id == "".join(c for c in number.settings.display_phone_number if c.isdigit()):
            raise GraphError(131021, "The recipient is the sender.")
        user = self._world.users.get(wa_id)
        if user is None and self._world.settings.unknown_recipients == "create":
            user = self._world.add_user(UserSettings(wa_id=wa_id))
            self._touch("user", user)
        return user, wa_id

    def _template(self, number: Number, send: Send) -> Template:
        name, language = send.content["name"], send.content["language"]["code"]
        for template in self._world.templates_of(number.settings.waba_id, name):
            if template.language != language:
                continue
            if template.status in _TEMPLATE_ERRORS:
                raise GraphError(_TEMPLATE_ERRORS[template.status], f"Template {name} is {template.status.lower()}.")
            if template.status == "APPROVED":
                return template
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")

    def _marketing_doom(
        self, number: Number, user: User | None, thread: Thread, template: Template
    ) -> GraphError | None:
        """Marketing that is accepted and then fails: this is how Meta tells an opt-out or the per-person cap."""
        if template.category != "MARKETING":
            return None
        if user is not None and number.id in user.opted_out:
            return GraphError(131050, "The recipient has chosen to stop receiving marketing messages.")
        try:
            self._limits.check_marketing(thread)
        except GraphError as error:
            return error
        return None

    def _check_references(self, number: Number, thread: Thread, send: Send) -> None:
        if send.kind == "reaction":
            target = self._world.messages.get(send.content["message_id"])
            if target is None or target.phone_number_id != number.id or target.wa_id != thread.wa_id:
                raise invalid("reaction.message_id: the message does not exist.")
            if self._world.clock.now() - target.timestamp > REACTION_TARGET_S:
                raise invalid("reaction.message_id: the message is older than 30 days.")
        for part in parts_of(send.kind, send.content):
            if part[1].get("id") and self.media(number, str(part[1]["id"])) is None:
                raise no_such_object(str(part[1]["id"]))

    def media(self, number: Number, media_id: str) -> Media | None:
        """The file if this number may use it and it has not expired."""
        media = self._world.media.get(media_id)
        if (
            media is None
            or media.phone_number_id not in (None, number.id)
            or media.expires_at <= self._world.clock.now()
        ):
            return None
        return media

    def _record(
        self,
        number: Number,
        thread: Thread,
        send: Send,
        template: Template | None,
        rendered: dict[str, Any] | None,
        *,
        is_open: bool,
    ) -> Message:
        world = self._world
        message = Message(
            id=world.mint.wamid(thread.wa_id, outbound=True),
            direction="out",
            phone_number_id=number.id,
            wa_id=thread.wa_id,
            kind=send.kind,
            content=send.content,
            seq=world.next_seq(),
            at=world.clock.real(),
            timestamp=world.clock.now(),
            context_id=send.context_id,
            opaque=send.opaque,
            category=template.category.lower() if template else "service",
            free=template is None or (template.category == "UTILITY" and is_open),
            outside_window=template is None and not is_open,
            rendered=rendered,
        )
        world.put_message(message)
        thread.typing_until = 0.0
        if send.kind == "reaction":
            thread.reactions.setdefault(send.content["message_id"], {})["out"] = send.content["emoji"]
        self._touch("message", message)
        self._hub.publish("message", lambda: message_view(message))
        return message

    def _mark_one(self, message: Message) -> None:
        message.status = "read"
        message.times["read"] = self._world.clock.real()
        self._touch("message", message)
        self._hub.publish("status", lambda: {"id": message.id, "wa_id": message.wa_id, "status": "read"})

    def _schedule(self, message: Message, from_status: str) -> None:
        """The steps still to come, with the faults that bend the ladder."""
        settings = self._world.settings
        draw = self._faults.draw
        number, wa_id = message.phone_number_id, message.wa_id
        if draw("no_status", number, wa_id) is not None:
            self._later(settings.delivered_after_s, lambda: self.advance(message, "delivered", silent=True))
            return
        late = draw("late_status", number, wa_id)
        base_s = float(late["delay_s"]) if late else 0.0
        if failed := draw("failed_after_sent", number, wa_id):
            self._later(base_s + settings.sent_after_s, lambda: self.advance(message, "sent"))
            self._later(base_s + settings.delivered_after_s, lambda: self._fail(message, int(failed["code"])))
            return
        steps = self._steps(message, from_status)
        if draw("read_without_delivered", number, wa_id) is not None:
            steps = [(s, t) for s, t in steps if s != "delivered"]
            if all(s != "read" for s, _ in steps):
                steps.append(("read", settings.delivered_after_s))
        if draw("statuses_reversed", number, wa_id) is not None:
            steps = [(s, t) for (s, _), (_, t) in zip(reversed(steps), steps, strict=True)]
        for status, after_s in steps:
            self._later(base_s + after_s, partial(self.advance, message, status))

    def _steps(self, message: Message, from_status: str) -> list[tuple[str, float]]:
        settings = self._world.settings
        user = self._world.users.get(message.wa_id)
        steps = [("sent", settings.sent_after_s)] if from_status == "accepted" else []
        if message.kind == "reaction":
            return steps
        if user is None or not user.online:
            return steps
        if from_status in ("accepted", "sent"):
            steps.append(("delivered", settings.delivered_after_s))
        if user.auto_read if user.auto_read is not None else settings.auto_read:
            steps.append(("read", settings.read_after_s))
        return steps

    def _fail(self, message: Message, code: int) -> None:
        message.error = GraphError(code).status_error()
        self.advance(message, "failed")

    async def _climb_with_media(self, message: Message, parts: list[tuple[str, dict[str, Any]]]) -> None:
        """Fetches links as Meta does, and fails the message (131053) when a file is not what its kind needs."""
        for kind, part in parts:
            problem = await self._media_problem(kind, part)
            if problem is not None:
                message.error = GraphError(131053, problem).status_error()
                self.advance(message, "failed")
                return
        self._touch("message", message)
        self._hub.publish("message", lambda: message_view(message))
        self._schedule(message, "accepted")

    async def _media_problem(self, kind: str, part: dict[str, Any]) -> str | None:
        if part.get("id"):
            media = self._world.media.get(str(part["id"]))
            return fits(kind, media.mime_type, len(media.content)) if media else f"Media {part['id']} does not exist."
        if not self._world.settings.fetch_links:
            return None
        try:
            mime_type, content = await self._download(str(part["link"]), SIZES[kind])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.info("media link not fetched", extra={"error": type(error).__name__})
            return f"Downloading media from weblink failed: {type(error).__name__}"
        problem = fits(kind, mime_type, len(content))
        if problem is None:
            media = self._world.add_media(content, mime_type, filename=part.get("filename"))
            self._touch("media", media)
            part["_media_id"] = media.id
        return problem

    async def _download(self, link: str, most: int) -> tuple[str, bytes]:
        async with self._courier.session.get(link) as response:
            response.raise_for_status()
            content = await response.content.read(most + 1)
            while len(content) <= most and (more := await response.content.read(most + 1 - len(content))):
                content += more
            return bare(response.headers.get("Content-Type", "application/octet-stream")), content

    def _later(self, delay_s: float, call: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(handle)
            call()

        handle = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(handle)
