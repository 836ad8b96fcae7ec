"""People who sign in, and where they belong."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.ids import uuid7
from store.tenancy import OrgModel


class User(Model):
    """A person of any number of organizations; visible to an organization through a membership only (RLS)."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    email = fields.CharField(max_length=320, unique=True)
    name = fields.CharField(max_length=200, default="")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "users"


class Membership(OrgModel):
    user_id = fields.UUIDField()
    role = fields.CharField(max_length=40)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "memberships"
        unique_together = (("organization_id", "user_id"),)
