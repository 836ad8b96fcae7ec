"""Webhooks out: which addresses are told of what, and what became of each telling. The incoming ones are `WebhookDelivery`."""

from __future__ import annotations

from enum import StrEnum

from tortoise import fields
from tortoise.indexes import Index

from store.fields import EncryptedField, JsonField, StrEnumField
from store.tenancy import OrgModel

__all__ = ["HookDelivery", "HookEndpoint", "HookState", "TellingState"]


class HookState(StrEnum):
    ON = "on"
    OFF = "off"  # by a person; nothing is kept for it
    FAILING = "failing"  # by us, after failing for days; what happens meanwhile is kept for when it is on again
    GONE = "gone"  # it answered 410


class TellingState(StrEnum):
    READY = "ready"  # due at `next_attempt_at`; while it is tried, that is the end of the lease
    HELD = "held"  # its endpoint is failing
    DELIVERED = "delivered"
    DEAD = "dead"  # given up, with the reason; may be replayed


class HookEndpoint(OrgModel):
    """`hold_until`: after failures in a row everything waits but one try at a time. `old_secret` signs too, until `old_until`."""

    url = fields.CharField(max_length=2000)
    description = fields.CharField(max_length=200, default="")
    event_types = JsonField(default=list)
    whole_phones = fields.BooleanField(default=False)
    secret = EncryptedField()
    old_secret = EncryptedField(null=True)
    old_until = fields.DatetimeField(null=True)
    state = StrEnumField(HookState, default=HookState.ON)
    state_reason = fields.CharField(max_length=300, default="")
    failures = fields.IntField(default=0)  # in a row
    failing_since = fields.DatetimeField(null=True)
    hold_until = fields.DatetimeField(null=True)
    last_success_at = fields.DatetimeField(null=True)
    created_by = fields.CharField(max_length=120)  # as audit entries name people
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "hook_endpoints"


class HookDelivery(OrgModel):
    """One event on its way to one endpoint. `event_id` is the same for all endpoints and all tries: receivers dedupe by it.

    `about` names what a core event is about; `body` is what is sent, made from it at the first try and never made again. `tries`: one
    object each, the latest last (`bot.hooks.deliver.Try`).
    """

    endpoint_id = fields.UUIDField()
    event_id = fields.UUIDField()
    type = fields.CharField(max_length=80)
    about = JsonField(null=True)
    body = EncryptedField(null=True)
    state = StrEnumField(TellingState, default=TellingState.READY)
    attempts = fields.SmallIntField(default=0)
    next_attempt_at = fields.DatetimeField()
    last_status = fields.SmallIntField(null=True)
    last_error = fields.CharField(max_length=300, default="")
    response = EncryptedField(null=True)  # the beginning of the last answer
    tries = JsonField(default=list)
    occurred_at = fields.DatetimeField()
    delivered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "hook_deliveries"
        indexes = [Index(fields=["organization_id", "endpoint_id", "id"])]
