"""Answers that are kept for their Idempotency-Key, and files that were uploaded."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.ids import uuid7
from store.rls import EnableOrganizationRLS

TABLES = ("api_answers", "uploaded_files")


class Migration(migrations.Migration):
    dependencies = [("store", "0005_identity")]

    operations = [
        ops.CreateModel(
            name="ApiAnswer",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("actor", fields.CharField(max_length=120)),
                ("key", fields.CharField(max_length=200)),
                ("fingerprint", fields.BinaryField()),
                ("sealed", fields.BinaryField(null=True)),
                ("held_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_answers",
                "app": "store",
                "unique_together": (("organization_id", "actor", "key"),),
                "indexes": [Index(fields=["organization_id", "expires_at"])],
                "pk_attr": "id",
                "table_description": "The answer to a POST, kept for its Idempotency-Key. Without `sealed` the request is at work, until `held_until` at the latest.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="UploadedFile",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("blob", fields.CharField(max_length=64)),
                ("mime_type", fields.CharField(max_length=120)),
                ("filename", fields.CharField(default="", max_length=240)),
                ("size_bytes", fields.BigIntField()),
                ("uploaded_by", fields.CharField(max_length=120)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "uploaded_files",
                "app": "store",
                "pk_attr": "id",
                "table_description": "A file that the organization's staff or programs brought, to be sent.",
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
