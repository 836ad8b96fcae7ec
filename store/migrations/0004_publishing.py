"""Drafts and versions of what organizations make of skills."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS

TABLES = ("skill_drafts", "skill_versions")


class Migration(migrations.Migration):
    dependencies = [("store", "0003_knowledge")]

    operations = [
        ops.CreateModel(
            name="SkillDraft",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("skill", fields.CharField(max_length=64)),
                ("files", JsonField(default=dict)),
                ("revision", fields.IntField(default=1)),
                ("base", fields.IntField(default=0)),
                ("edited_by", fields.CharField(default="", max_length=120)),
                ("edited_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "skill_drafts",
                "app": "store",
                "unique_together": (("organization_id", "skill"),),
                "pk_attr": "id",
                "table_description": "What is being written. `revision` grows with every save: the optimistic lock. `base` is the version it was made from; 0: as shipped.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="SkillVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("skill", fields.CharField(max_length=64)),
                ("number", fields.IntField()),
                ("files", JsonField(default=dict)),
                ("content_hash", fields.CharField(max_length=64)),
                ("dialogue_hash", fields.CharField(default="", max_length=64)),
                ("shipped_version", fields.CharField(default="", max_length=40)),
                ("restores", fields.IntField(null=True)),
                ("note", fields.CharField(default="", max_length=300)),
                ("published_by", fields.CharField(max_length=120)),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "skill_versions",
                "app": "store",
                "unique_together": (("organization_id", "skill", "number"),),
                "pk_attr": "id",
                "table_description": "An overlay that was published; the highest number counts. `dialogue_hash` is empty when flows and texts are as shipped.",
            },
            bases=["OrgModel"],
        ),
        *[
            ops.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
                f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_organization",
            )
            for table in TABLES
        ],
        *[EnableOrganizationRLS(table) for table in TABLES],
        # What was published is not rewritten.
        ops.RunSQL(
            "REVOKE UPDATE ON skill_versions FROM chatnation_app, chatnation_system",
            "GRANT UPDATE ON skill_versions TO chatnation_app, chatnation_system",
        ),
    ]
