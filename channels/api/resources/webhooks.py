"""Webhooks out: addresses that are told of what happens."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from bot.hooks import desk
from bot.http import Answer, Ask, Body, Filter, Line, Listed, Moment, Page, Routes, found
from bot.unit import Unit
from store.crypto import keyring
from store.fields import reveal
from store.models import HookDelivery, HookEndpoint, HookState, TellingState

routes = Routes(
    "Webhooks",
    "Addresses of yours that are told of what happens, signed as standardwebhooks.com says. What is sent is described under `webhooks` of this document.",
)

MANAGE = "webhooks.manage"

Url = Annotated[str, StringConstraints(min_length=10, max_length=2000, pattern=r"^[^\x00-\x20\x7f]+$")]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=80)]


class WebhookIn(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"url": "https://crm.example.com/chatnation", "event_types": ["message.received"]}]
        }
    )

    url: Url = Field(description="An address that the world can reach, beginning with https://.")
    event_types: list[EventType] = Field(min_length=1, max_length=100, description="Names of `/webhook-events`.")
    description: Annotated[Line, StringConstraints(max_length=200)] = ""
    whole_phones: bool = Field(False, description="Numbers are masked without it. Needs `contacts.phone`.")


class WebhookOut(Answer):
    volatile: ClassVar[frozenset[str]] = frozenset(
        {"state_reason", "failures", "failing_since", "hold_until", "last_success_at"}
    )

    id: UUID
    url: str
    event_types: list[str]
    description: str
    whole_phones: bool
    state: HookState = Field(
        description="`failing`: off, since it took nothing for days; `gone`: off, since it answered 410."
    )
    state_reason: str
    failures: int = Field(description="In a row.")
    failing_since: datetime | None
    hold_until: datetime | None = Field(description="After failures in a row everything waits until then.")
    last_success_at: datetime | None
    old_until: datetime | None = Field(description="Until then the secret before this one signs, too.")
    created_by: str
    created_at: datetime


class NewWebhookOut(WebhookOut):
    secret: str = Field(description="Signs what is sent. It is shown this once.")


class SecretOut(Answer):
    secret: str = Field(description="The new one. It is shown this once.")
    old_until: datetime = Field(description="Until then the old one signs, too.")


class SwitchIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"on": True}]})

    on: bool
    catch_up: bool = Field(False, description="Send what was kept while it was failing.")


class ReplayIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-01-01T00:00:00Z"}]})

    since: Moment = Field(description="What happened since then.")
    delivered_too: bool = Field(False, description="For a receiver that lost its data; else only what was given up.")


class ReplayedOut(Answer):
    events: int = Field(description="How many go out again.")


class TryOut(Answer):
    at: datetime
    status: int | None = Field(description="Null: there was no answer.")
    ms: int
    error: str


class DeliveryOut(Answer):
    id: UUID
    event_id: UUID = Field(description="The header `webhook-id`: the same for each try.")
    type: str
    state: TellingState
    attempts: int
    next_attempt_at: datetime | None = Field(description="Of what is `ready`.")
    last_status: int | None
    last_error: str
    occurred_at: datetime
    delivered_at: datetime | None


class DeliveryDetail(DeliveryOut):
    body: Any = Field(description="What was sent; null before the first try.")
    response: str = Field(description="The beginning of the last answer.")
    tries: list[TryOut] = Field(description="The last twenty, the latest last.")


class DeliveryFilter(Filter):
    state: TellingState | None = None
    type: EventType | None = None


class EventTypeOut(Answer):
    name: str
    title: str
    about: str
    permission: str = Field(description="What is needed to subscribe to it.")


@routes.get("/webhook-events", permission=MANAGE)
async def list_webhook_events(ask: Ask) -> Listed[EventTypeOut]:
    """List what webhooks can be told of."""
    known = await desk.told_here(ask.runtime, ask.organization_id)
    return Listed(
        [
            EventTypeOut(name=each.name, title=each.title["en"], about=each.about, permission=each.permission)
            for each in known.values()
        ]
    )


@routes.get("/webhooks", permission=MANAGE)
async def list_webhooks(ask: Ask, page: Page) -> Listed[WebhookOut]:
    """List webhooks, the newest first."""
    return await page.of(HookEndpoint.all(), WebhookOut.model_validate)


@routes.get("/webhooks/{webhook_id}", permission=MANAGE)
async def get_webhook(ask: Ask, webhook_id: UUID) -> WebhookOut:
    """Read a webhook."""
    return WebhookOut.model_validate(await _endpoint(webhook_id))


@routes.post("/webhooks", permission=MANAGE, status=201, location="/webhooks/{id}")
async def create_webhook(ask: Ask, work: Unit, body: WebhookIn) -> NewWebhookOut:
    """Subscribe an address.

    You need the permission to read what it is told: `inbox.view` for messages, and so on.
    """
    row, secret = await desk.create_endpoint(work, ask.principal, **body.model_dump())
    return NewWebhookOut(**WebhookOut.model_validate(row).model_dump(), secret=secret)


@routes.put("/webhooks/{webhook_id}", permission=MANAGE, of=get_webhook)
async def change_webhook(ask: Ask, work: Unit, webhook_id: UUID, body: WebhookIn) -> WebhookOut:
    """Change address, events or description. What waits goes to the new address."""
    row = await _endpoint(webhook_id)
    await desk.change_endpoint(work, ask.principal, row, **body.model_dump())
    return WebhookOut.model_validate(row)


@routes.delete("/webhooks/{webhook_id}", permission=MANAGE)
async def delete_webhook(ask: Ask, work: Unit, webhook_id: UUID) -> None:
    """Delete a webhook, with all that it was told."""
    await desk.remove_endpoint(work, ask.principal, await _endpoint(webhook_id))


@routes.post("/webhooks/{webhook_id}/switch", permission=MANAGE)
async def switch_webhook(ask: Ask, work: Unit, webhook_id: UUID, body: SwitchIn) -> WebhookOut:
    """Turn it on or off.

    While it is off by your hand nothing is kept for it. One that we turned off because it took nothing keeps what happens, for 30 days.
    """
    row = await _endpoint(webhook_id)
    if body.on:
        await desk.turn_on(work, ask.principal, row, catch_up=body.catch_up)
    else:
        await desk.turn_off(work, ask.principal, row)
    return WebhookOut.model_validate(row)


@routes.post("/webhooks/{webhook_id}/secret", permission=MANAGE)
async def rotate_webhook_secret(ask: Ask, work: Unit, webhook_id: UUID) -> SecretOut:
    """Get a new secret. For a day both sign, so receivers can be changed in peace."""
    row = await _endpoint(webhook_id)
    secret = await desk.rotate_secret(work, ask.principal, row)
    return SecretOut(secret=secret, old_until=row.old_until)


@routes.post("/webhooks/{webhook_id}/test", permission=MANAGE, status=202)
async def test_webhook(ask: Ask, work: Unit, webhook_id: UUID) -> DeliveryOut:
    """Send a `webhook.test`. Read the delivery a moment later for what came back."""
    return _shown(await desk.send_test(work, ask.principal, await _endpoint(webhook_id)))


@routes.post("/webhooks/{webhook_id}/replay", permission=MANAGE, status=202)
async def replay_webhook(ask: Ask, work: Unit, webhook_id: UUID, body: ReplayIn) -> ReplayedOut:
    """Send again what happened since a moment, with the same ids and bodies."""
    row = await _endpoint(webhook_id)
    events = await desk.replay_since(work, ask.principal, row, body.since, delivered_too=body.delivered_too)
    return ReplayedOut(events=events)


@routes.get("/webhooks/{webhook_id}/deliveries", permission=MANAGE)
async def list_webhook_deliveries(ask: Ask, webhook_id: UUID, query: DeliveryFilter, page: Page) -> Listed[DeliveryOut]:
    """List what it was told, the newest first. It is kept for 30 days."""
    await _endpoint(webhook_id)
    wanted = query.model_dump(include=set(DeliveryFilter.model_fields), exclude_none=True)
    return await page.of(HookDelivery.filter(endpoint_id=webhook_id, **wanted), _shown)


@routes.get("/webhooks/{webhook_id}/deliveries/{delivery_id}", permission=MANAGE)
async def get_webhook_delivery(ask: Ask, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail:
    """Read one, with what was sent and what came back."""
    row = await _delivery(webhook_id, delivery_id)
    await keyring().keys(ask.organization_id)
    body = reveal(row, "body")
    return DeliveryDetail(
        **_shown(row).model_dump(),
        body=json.loads(body) if body else None,
        response=reveal(row, "response") or "",
        tries=row.tries,
    )


@routes.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", permission=MANAGE, status=202)
async def replay_webhook_delivery(ask: Ask, work: Unit, webhook_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Send one again, with the same id and body."""
    row, delivery = await _endpoint(webhook_id), await _delivery(webhook_id, delivery_id)
    await desk.replay_one(work, ask.principal, row, delivery)
    return _shown(await _delivery(webhook_id, delivery_id))


# -- below


async def _endpoint(webhook_id: UUID) -> HookEndpoint:
    return found(await HookEndpoint.filter(id=webhook_id).first(), "webhook")


async def _delivery(webhook_id: UUID, delivery_id: UUID) -> HookDelivery:
    return found(await HookDelivery.filter(id=delivery_id, endpoint_id=webhook_id).first(), "delivery")


def _shown(row: HookDelivery) -> DeliveryOut:
    values = {name: getattr(row, name) for name in DeliveryOut.model_fields if name != "next_attempt_at"}
    is_due = row.state is TellingState.READY
    return DeliveryOut(**values, next_attempt_at=row.next_attempt_at if is_due else None)
