"""The numbers an organization speaks through, and what Meta says of them."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.fields import JsonField
from store.ids import uuid7
from store.tenancy import OrgModel


class MetaApp(Model):
    """A Meta app: its secrets sign deliveries. Platform table, read through `store.directory` only.

    `sealed` is JSON `{"secrets": [...], "verify_token": "..."}` sealed by the master key; several secrets are valid at once
    while one is being rotated.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    app_id = fields.CharField(max_length=40, unique=True)
    name = fields.CharField(max_length=120, default="")
    sealed = fields.BinaryField()

    class Meta:
        table = "meta_apps"


class ChannelAccount(OrgModel):
    """One WhatsApp number of an organization. `external_id` is Meta's phone_number_id."""

    kind = fields.CharField(max_length=20, default="whatsapp")
    external_id = fields.CharField(max_length=64)
    waba_id = fields.CharField(max_length=64, default="")
    portfolio = fields.CharField(max_length=64, default="")  # business portfolio: the scope of BSUIDs and of the tier
    meta_app_id = fields.UUIDField(null=True)
    name = fields.CharField(max_length=200, default="")
    display_phone_number = fields.CharField(max_length=32, default="")
    sealed_token = fields.BinaryField()  # access token, sealed by the organization's key
    number_per_s = fields.FloatField(null=True)  # throughput of the number; null: the setting `limits.number_per_s`
    state = fields.CharField(max_length=20, default="connected")  # connected | paused | disconnected | stopped
    state_reason = fields.CharField(max_length=300, default="")
    # Stopped by the provider: its messages wait, one of them is tried at `probe_at`, ever more rarely, or at once with another token.
    stopped_seal = fields.CharField(max_length=64, null=True)  # SHA-256 of the sealed token that was refused
    probe_at = fields.DatetimeField(null=True)
    probe_steps = fields.SmallIntField(null=True)
    state_at = fields.DatetimeField(null=True)  # it stopped or went on last
    needs_delivery = fields.BooleanField(null=True)  # stopped by a status: what is accepted may fail all the same
    # Throttled by the provider: nothing, or nothing in bulk, before this time; a step more each time until a send succeeds.
    hold_until = fields.DatetimeField(null=True)
    hold_steps = fields.SmallIntField(null=True)
    bulk_hold_until = fields.DatetimeField(null=True)
    bulk_hold_steps = fields.SmallIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    facts = JsonField(null=True)  # what the provider said of the number last: `bot.provider.NumberFacts`
    facts_at = fields.DatetimeField(null=True)
    templates_at = fields.DatetimeField(null=True)  # its account's templates were fetched last
    token_expires_at = fields.DatetimeField(null=True)  # null: never, or nobody knows
    findings = JsonField(null=True)  # of the connection doctor, by check
    refused_at = fields.DatetimeField(null=True)  # a delivery that names the number came with a wrong signature last

    class Meta:
        table = "channel_accounts"
        unique_together = (("kind", "external_id"),)


class WebhookDelivery(Model):
    """A raw delivery as it came, sealed by the master key. Platform table: the app role may only insert.

    `outcome`: accepted | unparsed (the sweep tries again) | unrouted (nobody's number; once more when its Meta app gets another) | malformed (not a JSON object).
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    received_at = fields.DatetimeField(auto_now_add=True, db_index=True)
    meta_app_id = fields.UUIDField(null=True)
    sealed_body = fields.BinaryField()
    size_bytes = fields.IntField()
    outcome = fields.CharField(max_length=12, default="accepted")
    detail = fields.CharField(max_length=300, default="")
    attempts = fields.SmallIntField(default=0)

    class Meta:
        table = "webhook_deliveries"


class ChannelEvent(OrgModel):
    """What the provider said about an account, a template or a contact, and is no message: kept, logged, applied later."""

    account_id = fields.UUIDField(null=True)
    kind = fields.CharField(max_length=60)
    external_id = fields.CharField(max_length=255)
    sealed_payload = fields.BinaryField()
    at = fields.DatetimeField()
    applied_at = fields.DatetimeField(null=True)

    class Meta:
        table = "channel_events"
        unique_together = (("organization_id", "external_id"),)


class MessageTemplate(OrgModel):
    """A message template of a WhatsApp business account, as the provider last told it; a deleted or refused one stays, with the reason.

    `status` is Meta's word, or DELETED for one that is not listed any more. `external_id` is text: Meta's number is beyond 2^53.
    """

    waba_id = fields.CharField(max_length=64)
    external_id = fields.CharField(max_length=64)
    name = fields.CharField(max_length=512)
    language = fields.CharField(max_length=16)
    category = fields.CharField(max_length=24, default="")
    status = fields.CharField(max_length=24, default="")
    reason = fields.CharField(max_length=300, default="")
    quality = fields.CharField(max_length=12, default="")
    parameter_format = fields.CharField(max_length=12, default="POSITIONAL")
    components = JsonField(default=list)
    changed_at = fields.DatetimeField(auto_now_add=True)
    fetched_at = fields.DatetimeField(null=True)

    class Meta:
        table = "message_templates"
        unique_together = (("organization_id", "waba_id", "external_id"),)
        indexes = (("organization_id", "name", "language"),)
