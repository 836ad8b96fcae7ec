"""Schedules and webhooks of skills."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.fields import EncryptedField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS

TABLES = ("trigger_schedules", "trigger_secrets", "trigger_deliveries")


class Migration(migrations.Migration):
    dependencies = [("store", "0010_platform")]

    operations = [
        ops.CreateModel(
            name="TriggerSchedule",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("skill", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=120)),
                ("at", fields.CharField(max_length=200)),
                ("timezone", fields.CharField(max_length=64)),
                ("next_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("last_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "trigger_schedules",
                "app": "store",
                "unique_together": (("organization_id", "skill", "name"),),
                "pk_attr": "id",
                "table_description": "The next time of a schedule of a skill that is on. `at` and `timezone` are what `next_at` was reckoned from.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="TriggerSecret",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("skill", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=120)),
                ("secret", EncryptedField()),
                ("old_secret", EncryptedField(null=True)),
                ("old_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("made_by", fields.CharField(max_length=120)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "trigger_secrets",
                "app": "store",
                "unique_together": (("organization_id", "skill", "name"),),
                "pk_attr": "id",
                "table_description": "What signs the deliveries for a webhook of a skill. `old_secret` is good until `old_until`.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="TriggerDelivery",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("skill", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=120)),
                ("external_id", fields.CharField(max_length=200)),
                ("content_type", fields.CharField(max_length=120)),
                ("sealed_body", fields.BinaryField()),
                ("received_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "trigger_deliveries",
                "app": "store",
                "unique_together": (("organization_id", "skill", "name", "external_id"),),
                "pk_attr": "id",
                "table_description": "One delivery as it came, sealed; kept once for the id that its sender gave it.",
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
    ]
