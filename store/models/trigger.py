"""What starts skills from outside a conversation: times that come, and deliveries of other systems."""

from __future__ import annotations

from tortoise import fields

from store.fields import EncryptedField
from store.tenancy import OrgModel


class TriggerSchedule(OrgModel):
    """The next time of a schedule of a skill that is on. `at` and `timezone` are what `next_at` was reckoned from."""

    skill = fields.CharField(max_length=40)
    name = fields.CharField(max_length=120)
    at = fields.CharField(max_length=200)
    timezone = fields.CharField(max_length=64)
    next_at = fields.DatetimeField(db_index=True)
    last_at = fields.DatetimeField(null=True)  # the last time that made a job

    class Meta:
        table = "trigger_schedules"
        unique_together = (("organization_id", "skill", "name"),)


class TriggerSecret(OrgModel):
    """What signs the deliveries for a webhook of a skill. `old_secret` is good until `old_until`."""

    skill = fields.CharField(max_length=40)
    name = fields.CharField(max_length=120)
    secret = EncryptedField()
    old_secret = EncryptedField(null=True)
    old_until = fields.DatetimeField(null=True)
    made_by = fields.CharField(max_length=120)
    made_at = fields.DatetimeField()

    class Meta:
        table = "trigger_secrets"
        unique_together = (("organization_id", "skill", "name"),)


class TriggerDelivery(OrgModel):
    """One delivery as it came, sealed; kept once for the id that its sender gave it."""

    skill = fields.CharField(max_length=40)
    name = fields.CharField(max_length=120)
    external_id = fields.CharField(max_length=200)
    content_type = fields.CharField(max_length=120)
    sealed_body = fields.BinaryField()
    received_at = fields.DatetimeField(auto_now_add=True, db_index=True)

    class Meta:
        table = "trigger_deliveries"
        unique_together = (("organization_id", "skill", "name", "external_id"),)
