"""What the API remembers of requests."""

from __future__ import annotations

from tortoise import fields

from store.tenancy import OrgModel


class ApiAnswer(OrgModel):
    """The answer to a POST, kept for its Idempotency-Key. Without `sealed` the request is at work, until `held_until` at the latest."""

    actor = fields.CharField(max_length=120)
    key = fields.CharField(max_length=200)
    fingerprint = fields.BinaryField()
    sealed = fields.BinaryField(null=True)
    held_until = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "api_answers"
        unique_together = (("organization_id", "actor", "key"),)
        indexes = (("organization_id", "expires_at"),)
