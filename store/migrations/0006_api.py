"""Answers that are kept for their Idempotency-Key."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.ids import uuid7
from store.rls import EnableOrganizationRLS


class Migration(migrations.Migration):
    dependencies = [("store", "0004_publishing")]

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
        ops.RunSQL(
            "ALTER TABLE api_answers ADD CONSTRAINT fk_api_answers_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
            "ALTER TABLE api_answers DROP CONSTRAINT fk_api_answers_organization",
        ),
        EnableOrganizationRLS("api_answers"),
    ]
