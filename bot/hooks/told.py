"""The catalogue: what organizations can be told of, with the models of what is sent. The core's own stand here, those of skills in their `events.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from bot.bodies import decode_inbound, decode_outbound
from bot.contacts.directory import phones_of
from bot.registry import Registry
from store.crypto import keyring
from store.models import Contact, Message
from store.tenancy import current_organization

__all__ = ["CORE", "TEST", "TESTING", "Reading", "ToldType", "catalogue", "told_types"]

TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a body is made: from what the fact's row names, for this endpoint."""

    about: Mapping[str, Any]
    whole_phones: bool


@dataclass(frozen=True, slots=True)
class ToldType:
    """`read` is the core's; events of skills bring their data along. It gives None when what it is about is gone."""

    name: str
    title: Mapping[str, str]
    about: str
    permission: str
    model: type[BaseModel]
    read: Callable[[Reading], Awaitable[BaseModel | None]] | None = None


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class MessageData(_Data):
    id: UUID
    conversation_id: UUID
    contact_id: UUID
    account_id: UUID = Field(description="The number of yours that it went through.")
    direction: Literal["in", "out"]
    type: str
    part: dict[str, Any] = Field(description="What was said, as `/conversations/{conversation_id}/messages` gives it.")
    status: str
    origin: str = Field(description="Who wrote it: a flow, inbox/..., a job; empty for what people send.")
    created_at: datetime
    error: Any = Field(None, description="Why it did not arrive: `code` and `reason`, as far as anybody said.")


class ContactData(_Data):
    id: UUID
    name: str
    locale: str | None
    country: str
    phone: str | None = Field(description="Masked, unless the endpoint is to get whole numbers.")
    labels: list[str]
    custom: dict[str, Any]
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    created_at: datetime


class ConversationData(_Data):
    id: UUID
    contact_id: UUID
    by: str | None = Field(description="The user who took it over; null when it was given back.")


class PublishedData(_Data):
    skill: str
    version: int
    restores: int | None = Field(description="The version that was brought back, if it was a roll-back.")
    note: str
    by: str


class TestData(_Data):
    message: str
    sent_by: str


async def _message(reading: Reading) -> MessageData | None:
    row = await Message.filter(id=reading.about["message_id"]).first()
    if row is None:
        return None
    keys = await keyring().keys(current_organization())
    is_in = row.direction == "in"
    part = decode_inbound(row.body, keys) if is_in else decode_outbound(row.body, keys).part
    return MessageData(
        id=row.id,
        conversation_id=row.session_id,
        contact_id=row.contact_id,
        account_id=row.account_id,
        direction="in" if is_in else "out",
        type=row.type,
        part=part.model_dump(mode="json"),
        status=row.status,
        origin=row.origin,
        created_at=row.created_at,
        error=row.error,
    )


async def _contact(reading: Reading) -> ContactData | None:
    row = await Contact.filter(id=reading.about["contact_id"]).first()
    if row is None:
        return None
    phones = await phones_of([row.id], whole=reading.whole_phones)
    return ContactData(
        id=row.id,
        name=row.name,
        locale=row.locale,
        country=row.country,
        phone=phones.get(row.id),
        labels=row.labels or [],
        custom=row.custom or {},
        opted_in_at=row.opted_in_at,
        opted_out_at=row.opted_out_at,
        created_at=row.created_at,
    )


async def _conversation(reading: Reading) -> ConversationData:
    about = reading.about
    return ConversationData(id=about["conversation_id"], contact_id=about["contact_id"], by=about["by"])


async def _published(reading: Reading) -> PublishedData:
    return PublishedData.model_validate(reading.about)


CORE = (
    ToldType(
        "message.received",
        {"en": "A person wrote", "sw": "Mtu ameandika"},
        "A message of a person arrived. Files are named, not contained; a voice note comes before it was heard.",
        "inbox.view",
        MessageData,
        _message,
    ),
    ToldType(
        "message.sent",
        {"en": "A message went out", "sw": "Ujumbe umetumwa"},
        "WhatsApp took a message, of the bot or of one of you.",
        "inbox.view",
        MessageData,
        _message,
    ),
    ToldType(
        "message.failed",
        {"en": "A message did not arrive", "sw": "Ujumbe haukufika"},
        "It was refused, by our own rules or by WhatsApp, or it failed on the way, perhaps after it had been sent.",
        "inbox.view",
        MessageData,
        _message,
    ),
    ToldType(
        "contact.created",
        {"en": "A new contact", "sw": "Mwasiliani mpya"},
        "Somebody wrote for the first time, or was added or imported.",
        "contacts.view",
        ContactData,
        _contact,
    ),
    ToldType(
        "contact.updated",
        {"en": "A contact changed", "sw": "Mwasiliani amebadilika"},
        "Name, language, country, labels or a field of your own. It is told as it is when it is sent.",
        "contacts.view",
        ContactData,
        _contact,
    ),
    ToldType(
        "contact.opted_out",
        {"en": "A person wants no messages", "sw": "Mtu hataki ujumbe"},
        "By STOP, in WhatsApp itself, or noted by one of you. Write to them no more, wherever you have the number from.",
        "contacts.view",
        ContactData,
        _contact,
    ),
    ToldType(
        "conversation.taken_over",
        {"en": "A conversation was taken over", "sw": "Mazungumzo yamechukuliwa"},
        "A person answers now, the bot is silent.",
        "inbox.view",
        ConversationData,
        _conversation,
    ),
    ToldType(
        "conversation.given_back",
        {"en": "A conversation was given back", "sw": "Mazungumzo yamerudishwa"},
        "The bot answers again.",
        "inbox.view",
        ConversationData,
        _conversation,
    ),
    ToldType(
        "skill.published",
        {"en": "A skill was published", "sw": "Ujuzi umechapishwa"},
        "What the bot says and does changed, by a new version or a roll-back.",
        "skills.view",
        PublishedData,
        _published,
    ),
)
TESTING = ToldType(
    TEST,
    {"en": "A test", "sw": "Jaribio"},
    "Sent when you ask for it, whatever the endpoint is subscribed to.",
    "webhooks.manage",
    TestData,
)


def catalogue(registry: Registry) -> dict[str, ToldType]:
    """Of the core and of every skill there is, without the test."""
    found = {each.name: each for each in CORE}
    for name, event in sorted(registry.told().items()):
        assert event.webhook is not None
        about = (event.__doc__ or "").strip()
        found[name] = ToldType(name, event.webhook.title, about, event.webhook.permission, event)
    return found


def told_types(registry: Registry, skills: Iterable[str]) -> dict[str, ToldType]:
    """Of the core and of these skills."""
    on = set(skills)
    return {
        name: each
        for name, each in catalogue(registry).items()
        if each.read is not None or name.partition(".")[0] in on
    }
