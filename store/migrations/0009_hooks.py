"""Webhooks out: endpoints, what they are told, and the triggers that tell of the core's own facts."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.fields import EncryptedField, JsonField, StrEnumField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey

SQL = Path(__file__).parent / "sql" / "hooks.sql"
UNDO = """
DROP TRIGGER tell_received ON messages; DROP TRIGGER tell_settled ON messages; DROP TRIGGER tell_created ON contacts;
DROP TRIGGER tell_updated ON contacts; DROP TRIGGER tell_opted_out ON contacts; DROP TRIGGER tell_taken ON conversations;
DROP TRIGGER tell_published ON skill_versions;
DROP FUNCTION cn_tell_received(), cn_tell_settled(), cn_tell_contact(), cn_tell_conversation(), cn_tell_published(), cn_put_hook_jobs(int),
    cn_tell_hooks(uuid, text, uuid, jsonb, bytea, timestamptz)
"""


class Migration(migrations.Migration):
    dependencies = [("store", "0008_contacts")]

    operations = [
        ops.CreateModel(
            name="HookEndpoint",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("url", fields.CharField(max_length=2000)),
                ("description", fields.CharField(default="", max_length=200)),
                ("event_types", JsonField(default=list)),
                ("whole_phones", fields.BooleanField(default=False)),
                ("secret", EncryptedField()),
                ("old_secret", EncryptedField(null=True)),
                ("old_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("state", StrEnumField(default="on", max_length=40)),  # type: ignore[call-arg]  # the column needs no enum
                ("state_reason", fields.CharField(default="", max_length=300)),
                ("failures", fields.IntField(default=0)),
                ("failing_since", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("hold_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_success_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_by", fields.CharField(max_length=120)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "hook_endpoints",
                "app": "store",
                "pk_attr": "id",
                "table_description": "`hold_until`: after failures in a row everything waits but one try at a time. `old_secret` signs too, until `old_until`.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="HookDelivery",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("endpoint_id", fields.UUIDField()),
                ("event_id", fields.UUIDField()),
                ("type", fields.CharField(max_length=80)),
                ("about", JsonField(null=True)),
                ("body", EncryptedField(null=True)),
                ("state", StrEnumField(default="ready", max_length=40)),  # type: ignore[call-arg]  # the column needs no enum
                ("attempts", fields.SmallIntField(default=0)),
                ("next_attempt_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_status", fields.SmallIntField(null=True)),
                ("last_error", fields.CharField(default="", max_length=300)),
                ("response", EncryptedField(null=True)),
                ("tries", JsonField(default=list)),
                ("occurred_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("delivered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "hook_deliveries",
                "app": "store",
                "indexes": [Index(fields=["organization_id", "endpoint_id", "id"])],
                "pk_attr": "id",
                "table_description": "One event on its way to one endpoint. `event_id` is the same for all endpoints and all tries: receivers dedupe by it.",
            },
            bases=["OrgModel"],
        ),
        ops.RunSQL(
            "ALTER TABLE hook_endpoints ADD CONSTRAINT fk_hook_endpoints_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
            "ALTER TABLE hook_endpoints DROP CONSTRAINT fk_hook_endpoints_organization",
        ),
        EnableOrganizationRLS("hook_endpoints"),
        EnableOrganizationRLS("hook_deliveries"),
        OrganizationForeignKey("hook_deliveries", "endpoint_id", "hook_endpoints"),
        ops.RunSQL(
            "CREATE INDEX ix_hook_deliveries_due ON hook_deliveries (organization_id, endpoint_id, next_attempt_at) WHERE state = 'ready';"
            " CREATE INDEX ix_hook_deliveries_left ON hook_deliveries (organization_id, endpoint_id, state) WHERE state IN ('held', 'dead')",
            "DROP INDEX ix_hook_deliveries_due, ix_hook_deliveries_left",
        ),
        ops.RunSQL(SQL.read_text(), UNDO),
    ]
