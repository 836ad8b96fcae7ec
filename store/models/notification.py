"""What people are told of in the admin app: in an organization, and as the platform's own."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.fields import JsonField
from store.ids import uuid7
from store.tenancy import OrgModel


class Notification(OrgModel):
    """One line for one person. While it is unread another of the same `key` makes it newer and counts in `times`."""

    user_id = fields.UUIDField()
    kind = fields.CharField(max_length=60)  # bot.notifications.KINDS
    subject = JsonField()  # a text, or one in each language
    link = fields.CharField(max_length=300, default="")
    key = fields.CharField(max_length=200)
    times = fields.IntField(default=1)
    at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notifications"


class PlatformNotification(Model):
    """The same for the platform's own people, about no organization's."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    user_id = fields.UUIDField(db_index=True)
    kind = fields.CharField(max_length=60)
    subject = JsonField()
    link = fields.CharField(max_length=300, default="")
    key = fields.CharField(max_length=200)
    times = fields.IntField(default=1)
    at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "platform_notifications"
