"""What a person does on the phone: write, tap, share, react, answer a form, edit, take back, change the number."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from channels.emulator.courier import Courier
from channels.emulator.errors import GraphError
from channels.emulator.faults import FaultPlan
from channels.emulator.limits import LimitKeeper
from channels.emulator.options import Option, find_option, flow_token_of
from channels.emulator.payload import Update, contact_of, media_object, message_item
from channels.emulator.settings import UserSettings
from channels.emulator.state import Attempt, Media, Message, Number, Thread, User
from channels.emulator.stream import Hub
from channels.emulator.validate.media_types import bare, kind_of
from channels.emulator.views import message_view
from channels.emulator.world import World

_SILENT_KINDS = frozenset({"system", "edit", "revoke"})  # these do not open the window


class CannotDo(ValueError):
    """The person cannot do this now: nothing to tap, no such number."""


class MediaShare(BaseModel):
    """A file: already uploaded to the emulator (`id`), or its bytes in base64."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = None
    content: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    caption: str | None = None
    kind: str | None = None  # image video audio document sticker; by the type when absent
    voice: bool = False


class PersonSends(BaseModel):
    """One thing that a person sends. Exactly one of the fields from `text` to `raw` is set."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str | None = None  # None: the number last chatted with, else the first
    text: str | None = None
    tap: int | str | None = None  # option by index, id, title, or /pattern/
    media: MediaShare | None = None
    location: dict[str, Any] | None = None
    contacts: list[dict[str, Any]] | None = None
    reaction: dict[str, Any] | None = None  # message_id, emoji
    flow: dict[str, Any] | str | None = None  # the form's answer; a string is sent as it is, valid JSON or not
    order: dict[str, Any] | None = None
    edit: dict[str, Any] | None = None  # message_id, text
    revoke: str | None = None  # message_id
    request_welcome: bool = False
    unsupported: dict[str, Any] | None = None
    raw: dict[str, Any] | None = None  # type and its object, as they shall stand in messages[]
    message_id: str | None = None  # which message is tapped or answered; the latest that fits when absent
    reply_to: str | None = None
    forwarded: bool = False
    referral: dict[str, Any] | None = None
    group_id: str | None = None
    extras: dict[str, Any] = Field(default_factory=dict)  # further keys of the item


class Phones:
    """All the phones. Each verb makes the message, counts it and hands it to the courier."""

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
        self.base_url = ""

    def send(self, wa_id: str, request: PersonSends) -> Message:
        """One message from this person to one number.

        Raises:
            KeyError: there is no such person or number.
            CannotDo: there is nothing to tap, or the request names nothing to send.
        """
        user = self._world.users[wa_id]
        number = self._number(user, request.phone_number_id)
        thread = self._world.thread(number.id, wa_id)
        kind, content, context_id = self._content(thread, request)
        extras: dict[str, Any] = {
            k: v for k, v in (("referral", request.referral), ("group_id", request.group_id)) if v
        }
        if request.forwarded:
            extras["forwarded"] = True
        if kind == "unsupported":
            error = GraphError(131051, "Message type is currently not supported.").status_error()
            extras["errors"] = [error]
        if request.contacts is not None and context_id:
            extras["origin"] = "contact_request"
        message = self._record(user, number, kind, content, context_id or request.reply_to, extras)
        self._apply(thread, message)
        if wa_id in number.blocked:  # the business blocked this person: nothing reaches it
            message.marks = ("blocked",)
            return message
        self._post(user, number, message, request.extras)
        return message

    def change_number(self, wa_id: str, new_wa_id: str) -> User:
        """The person gets another phone number; every business they wrote to gets the system message with old and new id."""
        old = self._world.users[wa_id]
        before = dict(old.bsuids)
        threads = list(self._world.threads_of(wa_id))
        self._world.remove_user(wa_id)
        self._touch("user_gone", old)
        user = self._world.add_user(
            UserSettings(wa_id=new_wa_id, name=old.name, username=old.username, hide_phone=old.hide_phone)
        )
        self._touch("user", user)
        for thread in threads:
            number = self._world.numbers[thread.phone_number_id]
            portfolio = number.settings.portfolio
            content: dict[str, Any] = {
                "type": "user_changed_number",
                "body": f"User {old.name} changed from {wa_id} to {new_wa_id}",
                "user_id": user.bsuids[portfolio],
                "previous_user_id": before[portfolio],
            }
            if not user.hide_phone:
                content["wa_id"] = new_wa_id
            message = self._record(user, number, "system", content, None, {})
            item = {
                "from": wa_id,
                "id": message.id,
                "timestamp": str(int(message.timestamp)),
                "type": "system",
                "system": content,
            }
            self._courier.post(Update(number, "messages", "messages", item, wa_id=wa_id, message=message))
        self._hub.publish("user", lambda: {"wa_id": new_wa_id, "was": wa_id})
        return user

    def set_marketing(self, wa_id: str, phone_number_id: str, *, stop: bool) -> None:
        """The person stops or resumes marketing of one business; field `user_preferences` tells it."""
        user, number = self._world.users[wa_id], self._world.numbers[phone_number_id]
        (user.opted_out.add if stop else user.opted_out.discard)(phone_number_id)
        self._touch("user", user)
        item: dict[str, Any] = {
            "user_id": self._world.bsuid_for(user, number),
            "detail": f"User requested to {'stop' if stop else 'resume'} marketing messages",
            "category": "marketing_messages",
            "value": "stop" if stop else "resume",
            "timestamp": int(self._world.clock.now()),
        }
        if not user.hide_phone:
            item["wa_id"] = wa_id
        contact = contact_of(user, self._world.bsuid_for(user, number))
        self._courier.post(Update(number, "user_preferences", "user_preferences", item, wa_id=wa_id, contact=contact))

    def note_attempt(self, update: Update, attempt: Attempt, accepted: bool) -> None:
        """Keeps what one POST meant for the message it carried."""
        message = update.message
        if message is None:
            return
        if message.direction == "out":
            if accepted and update.status not in message.told:
                message.told.append(update.status)
                self._touch("message", message)
            return
        message.attempts.append(attempt)
        if attempt.code == 200 and message.first_200_at is None:
            message.first_200_at, message.first_200_started_at = attempt.ended_at, attempt.started_at
        if accepted and message.acked_at is None:
            message.acked_at = attempt.ended_at
            if message.status == "pending":  # the business may have marked it read already
                message.status = "delivered"
            self._hub.publish("status", lambda: {"id": message.id, "wa_id": message.wa_id, "status": message.status})
        self._touch("message", message)

    def repost(self, message: Message) -> None:
        """Delivers once more what had not been answered 200 when the emulator stopped."""
        user = self._world.users.get(message.wa_id)
        if user is not None:
            self._post(user, self._world.numbers[message.phone_number_id], message, {})

    def _number(self, user: User, wanted: str | None) -> Number:
        if wanted is not None:
            return self._world.numbers[wanted]
        threads = [t for t in self._world.threads_of(user.wa_id) if t.messages]
        if threads:
            return self._world.numbers[max(threads, key=lambda t: t.messages[-1].seq).phone_number_id]
        if not self._world.numbers:
            raise CannotDo("the emulator has no number")
        return next(iter(self._world.numbers.values()))

    def _content(self, thread: Thread, request: PersonSends) -> tuple[str, dict[str, Any], str | None]:
        """Kind, the object under it, and the message that is answered."""
        if request.text is not None:
            return "text", {"body": request.text}, None
        if request.tap is not None:
            found = find_option(thread.messages, request.tap, request.message_id)
            if found is None:
                raise CannotDo(f"no option {request.tap!r} to tap")
            return _tapped(*found)
        if request.media is not None:
            return *self._media(request.media), None
        if request.location is not None:
            return "location", request.location, _asked(thread, request, "location_request_message")
        if request.contacts is not None:
            return "contacts", {"contacts": request.contacts}, _asked(thread, request, "request_contact_info")
        if request.reaction is not None:
            return "reaction", {k: v for k, v in request.reaction.items() if v not in (None, "")}, None
        if request.flow is not None:
            return _flow_reply(thread, request)
        if request.order is not None:
            return "order", request.order, None
        if request.edit is not None:
            inner = {"type": "text", "text": {"body": request.edit["text"]}}
            return "edit", {"original_message_id": request.edit["message_id"], "message": inner}, None
        if request.revoke is not None:
            return "revoke", {"original_message_id": request.revoke}, None
        if request.request_welcome:
            return "request_welcome", {}, None
        if request.unsupported is not None:
            return "unsupported", request.unsupported, None
        if request.raw is not None:
            kind = str(request.raw.get("type", "unknown"))
            content = request.raw.get(kind)
            return kind, ({"contacts": content} if kind == "contacts" else content) or {}, None
        raise CannotDo("nothing to send")

    def _media(self, share: MediaShare) -> tuple[str, dict[str, Any]]:
        if share.id is not None:
            media = self._world.media[share.id]
        elif share.content is not None and share.mime_type:
            media = self._world.add_media(
                base64.b64decode(share.content), share.mime_type, filename=share.filename, voice=share.voice
            )
            self._touch("media", media)
        else:
            raise CannotDo("media needs an id, or content and mime_type")
        return self.media_content(media, share)

    def media_content(self, media: Media, share: MediaShare) -> tuple[str, dict[str, Any]]:
        kind = share.kind or kind_of(media.mime_type) or "document"
        media.voice = media.voice or share.voice
        if kind == "audio" and bare(media.mime_type) == "audio/ogg" and "codecs" not in media.mime_type:
            media.mime_type = "audio/ogg; codecs=opus"
        return kind, media_object(
            media, kind, caption=share.caption, url=f"{self.base_url}/whatsapp_business/attachments/?mid={media.id}"
        )

    def _record(
        self,
        user: User,
        number: Number,
        kind: str,
        content: dict[str, Any],
        context_id: str | None,
        extras: dict[str, Any],
    ) -> Message:
        world = self._world
        message = Message(
            id=world.mint.wamid(user.wa_id, outbound=False),
            direction="in",
            phone_number_id=number.id,
            wa_id=user.wa_id,
            kind=kind,
            content=content,
            seq=world.next_seq(),
            at=world.clock.real(),
            timestamp=world.clock.now(),
            context_id=context_id,
            status="pending",
            rendered=extras or None,
        )
        world.put_message(message)
        self._limits.count_inbound(number)
        self._touch("message", message)
        self._hub.publish("message", lambda: message_view(message))
        return message

    def _apply(self, thread: Thread, message: Message) -> None:
        if message.kind not in _SILENT_KINDS:
            thread.last_inbound_at = message.timestamp
        if message.kind == "reaction":
            thread.reactions.setdefault(str(message.content.get("message_id")), {})["in"] = str(
                message.content.get("emoji", "")
            )

    def _post(self, user: User, number: Number, message: Message, extras: dict[str, Any]) -> None:
        bsuid = self._world.bsuid_for(user, number)
        item = message_item(
            message, user, bsuid, sent_to=number.settings.display_phone_number.strip("+").replace(" ", "")
        )
        item |= extras
        update = Update(number, "messages", "messages", item, user.wa_id, contact_of(user, bsuid), message)
        early = self._faults.draw("early", number.id, user.wa_id) if message.kind == "text" else None
        if early is None:
            self._courier.post(update)
            return
        self._courier.post(self._early(str(early["kind"]), user, number, message))
        asyncio.get_running_loop().call_later(float(early["after_s"]), self._courier.post, update)

    def _early(self, kind: str, user: User, number: Number, message: Message) -> Update:
        """What refers to a message that the bot has not seen yet."""
        content: dict[str, dict[str, Any]] = {
            "reaction": {"message_id": message.id, "emoji": "\U0001f44d"},
            "edit": {"original_message_id": message.id, "message": {"type": "text", "text": {"body": message.text}}},
            "revoke": {"original_message_id": message.id},
        }
        early = self._record(user, number, kind, content[kind], None, {})
        bsuid = self._world.bsuid_for(user, number)
        return Update(
            number, "messages", "messages", message_item(early, user, bsuid), user.wa_id, contact_of(user, bsuid), early
        )


def opens_window(message: Message) -> bool:
    return message.direction == "in" and message.kind not in _SILENT_KINDS


def _tapped(message: Message, option: Option) -> tuple[str, dict[str, Any], str | None]:
    match option.kind:
        case "reply":
            return (
                "interactive",
                {"type": "button_reply", "button_reply": {"id": option.id, "title": option.title}},
                message.id,
            )
        case "row":
            row = {"id": option.id, "title": option.title}
            if option.description:
                row["description"] = option.description
            return "interactive", {"type": "list_reply", "list_reply": row}, message.id
        case "quick_reply":
            return "button", {"payload": option.id, "text": option.title}, message.id
        case _:
            raise CannotDo(f"tapping a {option.kind} sends nothing; share what it asks for")


def _asked(thread: Thread, request: PersonSends, kind: str) -> str | None:
    """The message that asked for a location or a contact card."""
    if request.message_id is not None:
        return request.message_id
    for message in reversed(thread.messages[-20:]):
        if message.direction == "out" and message.content.get("type") == kind:
            return message.id
    return None


def _flow_reply(thread: Thread, request: PersonSends) -> tuple[str, dict[str, Any], str | None]:
    for message in reversed(thread.messages):
        is_flow = message.direction == "out" and message.content.get("type") == "flow"
        if message.id == request.message_id or (request.message_id is None and is_flow):
            break
    else:
        raise CannotDo("no form was sent in this chat")
    answer = request.flow
    if isinstance(answer, dict):
        answer = json.dumps({"flow_token": flow_token_of(message), **answer})
    reply = {"name": "flow", "body": "Sent", "response_json": answer}
    return "interactive", {"type": "nfm_reply", "nfm_reply": reply}, message.id
