"""What an organization makes of a skill: one draft, and versions that are only ever added."""

from __future__ import annotations

from tortoise import fields

from store.fields import JsonField
from store.tenancy import OrgModel


class SkillDraft(OrgModel):
    """What is being written. `revision` grows with every save: the optimistic lock. `base` is the version it was made from; 0: as shipped."""

    skill = fields.CharField(max_length=64)
    files = JsonField(default=dict)  # path -> text, or null for a shipped file taken away
    revision = fields.IntField(default=1)
    base = fields.IntField(default=0)
    edited_by = fields.CharField(max_length=120, default="")
    edited_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "skill_drafts"
        unique_together = (("organization_id", "skill"),)


class SkillVersion(OrgModel):
    """An overlay that was published; the highest number counts. `dialogue_hash` is empty when flows and texts are as shipped."""

    skill = fields.CharField(max_length=64)
    number = fields.IntField()
    files = JsonField(default=dict)
    content_hash = fields.CharField(max_length=64)
    dialogue_hash = fields.CharField(max_length=64, default="")
    shipped_version = fields.CharField(max_length=40, default="")  # of the skill, when it was published
    restores = fields.IntField(null=True)  # the version that a roll back brought again
    note = fields.CharField(max_length=300, default="")
    published_by = fields.CharField(max_length=120)
    published_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "skill_versions"
        unique_together = (("organization_id", "skill", "number"),)
