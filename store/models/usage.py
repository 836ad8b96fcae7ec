"""What was asked of models: what it cost us, and what a turn made of it."""

from __future__ import annotations

from tortoise import fields

from store.tenancy import OrgModel


class UsageFact(OrgModel):
    """One request to a model, also one that failed. Written at once, in a transaction of its own; unpriced until there are prices."""

    at = fields.DatetimeField(auto_now_add=True)
    inbox_id = fields.UUIDField(null=True)  # of the message; the inbox row itself is gone when its turn ends
    kind = fields.CharField(max_length=16)  # chat | embedding | transcription
    purpose = fields.CharField(max_length=80)
    model = fields.CharField(max_length=120)
    attempt = fields.SmallIntField(default=1)
    outcome = fields.CharField(max_length=16, default="ok")
    tokens_in = fields.BigIntField(default=0)
    tokens_out = fields.BigIntField(default=0)
    is_estimated = fields.BooleanField(default=False)
    size_bytes = fields.BigIntField(default=0)
    ms = fields.IntField(default=0)

    class Meta:
        table = "usage_facts"
        indexes = (("organization_id", "at"), ("organization_id", "inbox_id"))


class TurnTrace(OrgModel):
    """What the router considered, asked and decided for one message; sealed, it quotes people. For `chatnation explain`."""

    at = fields.DatetimeField(auto_now_add=True)
    session_id = fields.UUIDField()
    inbox_id = fields.UUIDField()
    message_id = fields.UUIDField(null=True)
    sealed = fields.BinaryField()

    class Meta:
        table = "turn_traces"
        unique_together = (("organization_id", "inbox_id"),)
        indexes = (("organization_id", "session_id", "at"),)
