"""What was asked of models: usage facts, and the traces of turns that were routed."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.ids import uuid7
from store.rls import EnableOrganizationRLS

TABLES = ("usage_facts", "turn_traces")


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="UsageFact",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("inbox_id", fields.UUIDField(null=True)),
                ("kind", fields.CharField(max_length=16)),
                ("purpose", fields.CharField(max_length=80)),
                ("model", fields.CharField(max_length=120)),
                ("attempt", fields.SmallIntField(default=1)),
                ("outcome", fields.CharField(default="ok", max_length=16)),
                ("tokens_in", fields.BigIntField(default=0)),
                ("tokens_out", fields.BigIntField(default=0)),
                ("is_estimated", fields.BooleanField(default=False)),
                ("size_bytes", fields.BigIntField(default=0)),
                ("ms", fields.IntField(default=0)),
            ],
            options={
                "table": "usage_facts",
                "app": "store",
                "indexes": [Index(fields=["organization_id", "at"]), Index(fields=["organization_id", "inbox_id"])],
                "pk_attr": "id",
                "table_description": "One request to a model, also one that failed. Written at once, in a transaction of its own; unpriced until there are prices.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="TurnTrace",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("session_id", fields.UUIDField()),
                ("inbox_id", fields.UUIDField()),
                ("message_id", fields.UUIDField(null=True)),
                ("sealed", fields.BinaryField()),
            ],
            options={
                "table": "turn_traces",
                "app": "store",
                "unique_together": (("organization_id", "inbox_id"),),
                "indexes": [Index(fields=["organization_id", "session_id", "at"])],
                "pk_attr": "id",
                "table_description": "What the router considered, asked and decided for one message; sealed, it quotes people. For `chatnation explain`.",
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
