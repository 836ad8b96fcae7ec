"""What the provider says of numbers and of their message templates, kept beside what we know ourselves."""

from typing import Any

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS

_MOMENTS = ("facts_at", "templates_at", "token_expires_at", "refused_at")


def _moment() -> Any:
    return fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)


class Migration(migrations.Migration):
    dependencies = [("store", "0011_triggers")]

    operations = [
        ops.AddField(model_name="ChannelAccount", name="facts", field=JsonField(null=True)),
        ops.AddField(model_name="ChannelAccount", name="findings", field=JsonField(null=True)),
        *[ops.AddField(model_name="ChannelAccount", name=name, field=_moment()) for name in _MOMENTS],
        ops.CreateModel(
            name="MessageTemplate",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("waba_id", fields.CharField(max_length=64)),
                ("external_id", fields.CharField(max_length=64)),
                ("name", fields.CharField(max_length=512)),
                ("language", fields.CharField(max_length=16)),
                ("category", fields.CharField(default="", max_length=24)),
                ("status", fields.CharField(default="", max_length=24)),
                ("reason", fields.CharField(default="", max_length=300)),
                ("quality", fields.CharField(default="", max_length=12)),
                ("parameter_format", fields.CharField(default="POSITIONAL", max_length=12)),
                ("components", JsonField(default=list)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("fetched_at", _moment()),
            ],
            options={
                "table": "message_templates",
                "app": "store",
                "unique_together": (("organization_id", "waba_id", "external_id"),),
                "indexes": [Index(fields=["organization_id", "name", "language"])],
                "pk_attr": "id",
                "table_description": "A message template of a WhatsApp business account, as the provider last told it; a deleted or refused one stays, with the reason.",
            },
            bases=["OrgModel"],
        ),
        ops.RunSQL(
            "ALTER TABLE message_templates ADD CONSTRAINT fk_message_templates_organization"
            " FOREIGN KEY (organization_id) REFERENCES organizations (id)",
            "ALTER TABLE message_templates DROP CONSTRAINT fk_message_templates_organization",
        ),
        EnableOrganizationRLS("message_templates"),
    ]
