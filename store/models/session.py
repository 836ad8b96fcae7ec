"""Conversations: where each stands, what was said, and the two thin queues through which messages come and go."""

from __future__ import annotations

from tortoise import fields

from store.fields import JsonField
from store.tenancy import OrgModel


class Session(OrgModel):
    """One conversation of a contact with a number: the flow position, and the lease of the worker that drains it.

    `pair_tat` is the theoretical arrival time of the pair limit (GCRA): a number and a user are exactly one session.
    """

    account_id = fields.UUIDField()
    contact_id = fields.UUIDField()
    state = JsonField(null=True)  # bot.flows.FlowState
    phase = fields.CharField(max_length=8, default="IDLE")  # IDLE | LOCKED | WAITING
    revision = fields.IntField(default=0)
    lease_token = fields.UUIDField(null=True)
    lease_until = fields.DatetimeField(null=True)
    wait_until = fields.DatetimeField(null=True)  # deadline of an outside event
    last_user_at = fields.DatetimeField(null=True)  # provider's time of the person's last message: the 24-hour window
    pair_tat = fields.DatetimeField(null=True)
    started_at = fields.DatetimeField(
        null=True
    )  # of the current session in Rasa's sense; expires after a day's silence
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "sessions"
        unique_together = (("organization_id", "account_id", "contact_id"),)


class Message(OrgModel):
    """The truth about one message, both directions. `body` is `bot.messages` JSON through `store.crypto`'s body codec.

    Status is a ladder: queued < accepted < sent < delivered < read < played; failed and refused end it, unless a later
    status proves otherwise. `key` makes a business-initiated message happen once.
    """

    session_id = fields.UUIDField()
    account_id = fields.UUIDField()
    contact_id = fields.UUIDField()
    direction = fields.CharField(max_length=3)  # in | out
    external_id = fields.CharField(max_length=255, null=True)  # wamid
    type = fields.CharField(max_length=20)
    body = fields.BinaryField()
    reply_to = fields.CharField(max_length=255, null=True)
    key = fields.CharField(max_length=200, null=True)
    origin = fields.CharField(max_length=120, default="")  # skill:flow/step or job that made it
    status = fields.CharField(max_length=12, default="received")
    provider_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    accepted_at = fields.DatetimeField(null=True)
    sent_at = fields.DatetimeField(null=True)
    delivered_at = fields.DatetimeField(null=True)
    read_at = fields.DatetimeField(null=True)
    played_at = fields.DatetimeField(null=True)
    failed_at = fields.DatetimeField(null=True)
    error = JsonField(null=True)  # {"code", "reason", "details"}
    pricing = JsonField(null=True)
    understanding = JsonField(
        null=True
    )  # of a text that came in: what it was taken for, what else was considered, its mood

    class Meta:
        table = "messages"
        unique_together = (("organization_id", "account_id", "external_id"), ("organization_id", "key"))
        indexes = (("organization_id", "session_id", "created_at"),)


class InboxItem(OrgModel):
    """Work for a conversation: a message to answer, or an outside event to resume with. Deleted when its turn commits.

    `kind`: message | event | timeout. The head of a conversation is the lowest (`provider_at`, `seq`).
    """

    session_id = fields.UUIDField()
    message_id = fields.UUIDField(null=True)
    kind = fields.CharField(max_length=8, default="message")
    payload = JsonField(null=True)  # of an event: {"event", "key", "slots"}
    key = fields.CharField(max_length=200, null=True)  # of an event: makes it happen once
    seq = fields.BigIntField(null=True)  # arrival order, filled by the database
    provider_at = fields.DatetimeField()
    state = fields.CharField(max_length=8, default="ready")  # ready | dead
    attempts = fields.SmallIntField(default=0)
    next_attempt_at = fields.DatetimeField(auto_now_add=True)
    last_error = fields.CharField(max_length=500, default="")
    trace_id = fields.UUIDField(null=True)  # bot.trace

    class Meta:
        table = "inbox"
        unique_together = (("organization_id", "key"),)


class OutboxItem(OrgModel):
    """A message that has yet to reach the channel. Deleted when its fate is known; dead ones stay, with the reason.

    `state`: ready | sending (leased) | unknown (it may have gone; a status settles it) | held (its number is stopped) |
    probe (the one that tries a stopped number) | upload (its file is on the way to the provider) | dead.
    Order is kept per conversation and lane (0 = replies, 1 = bulk).
    """

    message_id = fields.UUIDField()
    session_id = fields.UUIDField()
    account_id = fields.UUIDField()
    contact_id = fields.UUIDField()
    lane = fields.SmallIntField(default=0)
    seq = fields.BigIntField(null=True)
    state = fields.CharField(max_length=8, default="ready")
    attempts = fields.SmallIntField(default=0)
    next_attempt_at = fields.DatetimeField(auto_now_add=True)
    lease_token = fields.UUIDField(null=True)
    last_error = fields.CharField(max_length=500, default="")
    throttled = fields.SmallIntField(null=True)  # how often in a row the provider said "not now"
    waits_for = fields.CharField(max_length=64, null=True)  # the blob that is being uploaded
    created_at = fields.DatetimeField(auto_now_add=True)
    trace_id = fields.UUIDField(null=True)

    class Meta:
        table = "outbox"


class MessageStatus(OrgModel):
    """A status webhook, waiting to be applied. One that names an unknown message is parked here and joined later."""

    account_id = fields.UUIDField()
    external_id = fields.CharField(max_length=255)
    status = fields.CharField(max_length=20)
    participant = fields.CharField(max_length=160, default="")
    message_id = fields.UUIDField(null=True)  # our id, from biz_opaque_callback_data
    at = fields.DatetimeField()
    detail = JsonField(null=True)  # {"pricing", "errors"}
    received_at = fields.DatetimeField(auto_now_add=True)
    next_attempt_at = fields.DatetimeField(auto_now_add=True)
    attempts = fields.SmallIntField(default=0)

    class Meta:
        table = "message_statuses"
        unique_together = (("organization_id", "account_id", "external_id", "status", "participant"),)


class MediaFile(OrgModel):
    """A file of a message: the provider's id, and our blob once it is fetched or uploaded."""

    message_id = fields.UUIDField(null=True)
    account_id = fields.UUIDField()
    direction = fields.CharField(max_length=3)
    external_id = fields.CharField(max_length=255, default="")
    blob = fields.CharField(max_length=64, default="")
    kind = fields.CharField(max_length=12)
    mime_type = fields.CharField(max_length=120, default="")
    filename = fields.CharField(max_length=255, default="")
    size_bytes = fields.BigIntField(null=True)
    state = fields.CharField(max_length=8, default="pending")  # pending | stored | failed
    reason = fields.CharField(max_length=300, default="")
    expires_at = fields.DatetimeField(null=True)  # of the provider's copy
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "media_files"
        indexes = (("organization_id", "account_id", "blob"), ("organization_id", "message_id"))
