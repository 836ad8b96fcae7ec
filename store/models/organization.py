"""Organizations and what each has switched on."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.fields import JsonField
from store.ids import uuid7
from store.tenancy import OrgModel


class Organization(Model):
    """The isolated unit. Its rows are seen only in its own scope; RLS goes by `id` here."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    name = fields.CharField(max_length=200)
    slug = fields.CharField(max_length=80, unique=True)
    country = fields.CharField(max_length=2, default="KE")  # ISO 3166-1, for numbers and dates people type
    locale = fields.CharField(max_length=12, default="en")
    timezone = fields.CharField(max_length=64, default="Africa/Nairobi")
    settings = JsonField(default=dict)
    created_at = fields.DatetimeField(auto_now_add=True)
    suspended_at = fields.DatetimeField(null=True)
    suspended_until = fields.DatetimeField(null=True)  # then the clock resumes it
    suspended_reason = fields.CharField(max_length=300, null=True)
    suspended_says = JsonField(null=True)  # what the bot answers meanwhile, by language; null: nothing

    class Meta:
        table = "organizations"


class OrganizationKey(OrgModel):
    """A data key of the organization, wrapped by the master key (`store/crypto.py`). The newest version seals, every one opens."""

    version = fields.SmallIntField(default=1)
    wrapped = fields.BinaryField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "organization_keys"
        unique_together = (("organization_id", "version"),)


class SkillInstall(OrgModel):
    """Which skills the organization has on, and their settings. Installed is not enabled."""

    skill = fields.CharField(max_length=64)
    enabled = fields.BooleanField(default=True)
    settings = JsonField(default=dict)
    position = fields.SmallIntField(default=0)  # order in the menu and in the router

    class Meta:
        table = "skill_installs"
        unique_together = (("organization_id", "skill"),)
