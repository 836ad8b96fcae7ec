"""Conversations and their messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from bot.bodies import decode_inbound, decode_outbound
from bot.conversations import NotSent, say
from bot.http import Answer, Ask, Body, Filter, Kind, Line, Listed, Page, Routes, found
from bot.messages import MediaKind, MediaOut, Outbound, Template, Text
from bot.policy import WINDOW
from bot.unit import Unit
from store.crypto import OrganizationKeys, keyring
from store.models import Message, Session, UploadedFile

routes = Routes("Conversations", "What was said, and saying something.")

NOT_SENT = Kind("message-refused", 409, "The message may not be sent")

Said = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]


class TextIn(Body):
    type: Literal["text"]
    text: Said


class MediaIn(Body):
    type: Literal["media"]
    kind: Literal["image", "video", "audio", "document"]
    media_id: UUID = Field(description="Of an upload to /media.")
    caption: Annotated[Line, StringConstraints(max_length=1024)] = ""
    filename: Annotated[Line, StringConstraints(max_length=240)] = ""


class TemplateIn(Body):
    type: Literal["template"]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")]
    values: list[Annotated[Line, StringConstraints(min_length=1, max_length=1024)]] = Field(
        default_factory=list, max_length=20, description="Of the placeholders in its body, in order."
    )


class MessageIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"part": {"type": "text", "text": "See you at 9!"}}]})

    part: Annotated[TextIn | MediaIn | TemplateIn, Field(discriminator="type")]


class ConversationOut(Answer):
    id: UUID
    contact_id: UUID
    account_id: UUID
    phase: str
    last_user_at: datetime | None
    window_until: datetime | None = Field(description="Until then anything may be written; afterwards templates only.")
    created_at: datetime


class MessageOut(Answer):
    id: UUID
    conversation_id: UUID
    direction: Literal["in", "out"]
    type: str
    part: dict[str, Any]
    status: str
    origin: str
    created_at: datetime
    delivered_at: datetime | None
    read_at: datetime | None


class ConversationFilter(Filter):
    contact_id: UUID | None = None


@routes.get("/conversations", permission="inbox.view")
async def list_conversations(ask: Ask, query: ConversationFilter, page: Page) -> Listed[ConversationOut]:
    """List conversations, the newest first."""
    wanted = {"contact_id": query.contact_id} if query.contact_id else {}
    return await page.of(Session.filter(**wanted), _conversation)


@routes.get("/conversations/{conversation_id}", permission="inbox.view")
async def get_conversation(ask: Ask, conversation_id: UUID) -> ConversationOut:
    """Read a conversation."""
    return _conversation(await _session(conversation_id))


@routes.get("/conversations/{conversation_id}/messages", permission="inbox.view")
async def list_messages(ask: Ask, conversation_id: UUID, page: Page) -> Listed[MessageOut]:
    """List a conversation's messages, the newest first."""
    await _session(conversation_id)
    keys = await keyring().keys(ask.organization_id)
    return await page.of(Message.filter(session_id=conversation_id), lambda row: _message(row, keys))


@routes.post(
    "/conversations/{conversation_id}/messages", permission="inbox.reply", status=201, raises={NotSent: NOT_SENT}
)
async def send_message(ask: Ask, work: Unit, conversation_id: UUID, body: MessageIn) -> MessageOut:
    """Write to the person.

    It is queued, and its status says what became of it. More than 24 hours after the person's last message only templates may be sent.
    """
    key = found(await say(work, conversation_id, await _part(body), key=f"api:{ask.request_id}"), "conversation")
    await work.write()
    return _message(await Message.get(key=key), work.keys)


async def _part(body: MessageIn) -> Outbound:
    match body.part:
        case TextIn(text=text):
            return Text(text=text)
        case TemplateIn() as template:
            values = [{"type": "text", "text": each} for each in template.values]
            components = ({"type": "body", "parameters": values},) if values else ()
            return Template(name=template.name, language=template.language, components=components)
        case media:
            file = found(await UploadedFile.filter(id=media.media_id).first(), "media")
            return MediaOut(
                kind=MediaKind(media.kind),
                blob=file.blob,
                mime_type=file.mime_type,
                caption=media.caption,
                filename=media.filename or file.filename,
            )


async def _session(conversation_id: UUID) -> Session:
    return found(await Session.filter(id=conversation_id).first(), "conversation")


def _conversation(row: Session) -> ConversationOut:
    values = {name: getattr(row, name) for name in ConversationOut.model_fields if name != "window_until"}
    return ConversationOut(**values, window_until=row.last_user_at + WINDOW if row.last_user_at else None)


def _message(row: Message, keys: OrganizationKeys) -> MessageOut:
    part = decode_inbound(row.body, keys) if row.direction == "in" else decode_outbound(row.body, keys).part
    return MessageOut(
        id=row.id,
        conversation_id=row.session_id,
        direction="in" if row.direction == "in" else "out",
        type=row.type,
        part=part.model_dump(mode="json"),
        status=row.status,
        origin=row.origin,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
        read_at=row.read_at,
    )
