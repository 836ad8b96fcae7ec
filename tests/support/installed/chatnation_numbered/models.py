"""One row per answer that was given. Nothing here is unique on purpose: a message handled twice must show."""

from __future__ import annotations

from tortoise import fields

from store.tenancy import OrgModel

__all__ = ["Answer"]


class Answer(OrgModel):
    contact_id = fields.UUIDField()
    number = fields.IntField()
    count = fields.IntField()  # of the conversation, as its state had it
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "numbered_answers"
        unique_together = (("organization_id", "id"),)
