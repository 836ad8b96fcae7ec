"""The numbers people write to, their connection doctor, and the message templates of their accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from bot.http import Answer, Ask, Filter, Listed, Page, Routes, found
from bot.numbers import Finding, Number, examine_all, list_numbers
from store.models import MessageTemplate

routes = Routes("Channels", "The WhatsApp numbers that people write to, and what may be written first.")


class ChannelOut(Answer):
    id: UUID
    kind: Literal["whatsapp"] = "whatsapp"
    phone_number_id: str
    waba_id: str
    name: str
    display_phone_number: str
    state: str = Field(description="Ours: connected, paused, stopped (by the provider) or disconnected.")
    state_reason: str
    status: str = Field(description="The provider's word, such as CONNECTED; empty: not asked yet.")
    quality: str
    messaging_limit: str
    token_expires_at: datetime | None = Field(description="None: never, or not asked yet.")
    heard_at: datetime | None = Field(description="When a person wrote to it last.")
    asked_at: datetime | None = Field(description="When the provider was asked for all this last.")


class FindingOut(Answer):
    check: str
    outcome: Literal["good", "warn", "bad", "skipped"]
    tried: str
    came: str = Field(description="What came back.")
    mend: str = Field(description="What to do about it; empty where nothing is wrong.")
    ms: int


class TemplateFilter(Filter):
    status: str | None = Field(None, max_length=24, pattern=r"^[A-Z_]*$", description="Such as APPROVED.")


class TemplateOut(Answer):
    id: UUID
    waba_id: str
    name: str
    language: str
    category: str
    status: str
    reason: str = Field(description="Why it was rejected or paused.")
    quality: str
    parameter_format: str
    components: list[dict[str, Any]]
    changed_at: datetime


@routes.get("/channels", permission="channels.view")
async def list_channels(ask: Ask) -> Listed[ChannelOut]:
    """List your numbers."""
    return Listed([_shown(each) for each in await list_numbers(ask.organization_id)])


@routes.get("/channels/{channel_id}", permission="channels.view")
async def get_channel(ask: Ask, channel_id: UUID) -> ChannelOut:
    """Read a number."""
    return _shown(await _number(ask, channel_id))


@routes.post("/channels/{channel_id}/examination", permission="channels.manage")
async def examine_channel(ask: Ask, channel_id: UUID) -> Listed[FindingOut]:
    """Let the connection doctor look.

    Every check is asked over HTTP, of the provider and of our own webhook; that takes some seconds and changes nothing.
    """
    await _number(ask, channel_id)
    return Listed([_finding(each) for each in await examine_all(ask.runtime, ask.organization_id, channel_id)])


@routes.get("/templates", permission="channels.view")
async def list_templates(ask: Ask, query: TemplateFilter, page: Page) -> Listed[TemplateOut]:
    """List message templates, those first that came last."""
    wanted = {"status": query.status} if query.status else {}
    return await page.of(MessageTemplate.filter(**wanted), TemplateOut.model_validate)


async def _number(ask: Ask, channel_id: UUID) -> Number:
    numbers = {each.id: each for each in await list_numbers(ask.organization_id)}
    return found(numbers.get(channel_id), "channel")


def _shown(each: Number) -> ChannelOut:
    return ChannelOut(
        id=each.id,
        phone_number_id=each.phone_number_id,
        waba_id=each.waba_id,
        name=each.name,
        display_phone_number=each.display_phone_number,
        state=each.state,
        state_reason=each.state_reason,
        status=each.facts.status,
        quality=each.facts.quality,
        messaging_limit=each.facts.messaging_limit,
        token_expires_at=each.token_expires_at,
        heard_at=each.heard_at,
        asked_at=each.facts_at,
    )


def _finding(each: Finding) -> FindingOut:
    return FindingOut(
        check=each.check,
        outcome=each.outcome.value,
        tried=each.tried["en"],
        came=each.came["en"],
        mend=each.mend.get("en", ""),
        ms=each.ms,
    )
