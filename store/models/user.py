"""People who sign in, and where they belong."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.fields import JsonField
from store.ids import uuid7
from store.tenancy import OrgModel


class User(Model):
    """A person of any number of organizations; visible to an organization through a membership only (RLS)."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    email = fields.CharField(max_length=320, unique=True)
    name = fields.CharField(max_length=200, default="")
    locale = fields.CharField(max_length=12, default="en")
    email_verified_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    notify_by = JsonField(null=True)  # {"kind": ["app", "email"]}; what is not there goes as its kind says

    class Meta:
        table = "users"


class Membership(OrgModel):
    """`role` is one of `bot.identity.roles.Role`, or "custom" with `role_id`. `events`, `exhibitors`: lists of ids; null: all."""

    user_id = fields.UUIDField()
    role = fields.CharField(max_length=40)
    role_id = fields.UUIDField(null=True)
    events = JsonField(null=True)
    exhibitors = JsonField(null=True)
    invited_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "memberships"
        unique_together = (("organization_id", "user_id"),)


class CustomRole(OrgModel):
    """A set of permissions with a name."""

    name = fields.CharField(max_length=80)
    description = fields.CharField(max_length=300, default="")
    permissions = JsonField(default=list)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "roles"
        unique_together = (("organization_id", "name"),)


class Invitation(OrgModel):
    """A place that waits for whoever reads this e-mail address."""

    email = fields.CharField(max_length=320)
    role = fields.CharField(max_length=40)
    role_id = fields.UUIDField(null=True)
    events = JsonField(null=True)
    exhibitors = JsonField(null=True)
    token_hash = fields.CharField(max_length=64, unique=True)
    invited_by = fields.UUIDField()
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    accepted_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "invitations"


class ApiKey(OrgModel):
    """`kind`: api | internal. It may what is in `scopes` and what `created_by` may at that moment; null: made by the platform."""

    kind = fields.CharField(max_length=8, default="api")
    name = fields.CharField(max_length=120)
    prefix = fields.CharField(max_length=16, unique=True)
    secret_hash = fields.CharField(max_length=64)
    scopes = JsonField(default=list)
    allowed_ips = JsonField(default=list)
    rate_per_min = fields.IntField(default=600)
    created_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    last_used_ip = fields.CharField(max_length=45, default="")
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_keys"
