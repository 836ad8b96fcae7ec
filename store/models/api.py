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


class UploadedFile(OrgModel):
    """A file that the organization's staff or programs brought, to be sent."""

    blob = fields.CharField(max_length=64)
    mime_type = fields.CharField(max_length=120)
    filename = fields.CharField(max_length=240, default="")
    size_bytes = fields.BigIntField()
    uploaded_by = fields.CharField(max_length=120)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "uploaded_files"
