"""The answers."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey


class Migration(migrations.Migration):
    initial = True

    dependencies = [("store", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="Answer",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("number", fields.IntField()),
                ("count", fields.IntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "numbered_answers",
                "app": "numbered",
                "unique_together": (("organization_id", "id"),),
                "pk_attr": "id",
                "table_description": "One row per answer that was given. Nothing here is unique on purpose: a message handled twice must show.",
            },
            bases=["OrgModel"],
        ),
        EnableOrganizationRLS("numbered_answers"),
        OrganizationForeignKey("numbered_answers", "contact_id", "contacts", index=True),
    ]
