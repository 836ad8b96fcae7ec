"""What people are told of, and the platform's alarms."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS

SYSTEM_ONLY = ("incidents", "incident_notes", "platform_notifications")


def _key() -> tuple[str, Any]:
    return "id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)


def _moment(name: str, *, null: bool = False) -> tuple[str, Any]:
    if null:
        return name, fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)
    return name, fields.DatetimeField(auto_now=False, auto_now_add=False)


def _told() -> list[tuple[str, Any]]:
    return [
        ("kind", fields.CharField(max_length=60)),
        ("subject", JsonField()),
        ("link", fields.CharField(default="", max_length=300)),
        ("key", fields.CharField(max_length=200)),
        ("times", fields.IntField(default=1)),
        _moment("at"),
        _moment("read_at", null=True),
    ]


class Migration(migrations.Migration):
    dependencies = [("store", "0009_hooks")]

    operations = [
        ops.CreateModel(
            name="Incident",
            fields=[
                _key(),
                ("kind", fields.CharField(max_length=40)),
                ("key", fields.CharField(max_length=120)),
                ("severity", fields.CharField(max_length=10)),
                ("facts", JsonField(default=dict)),
                ("state", fields.CharField(default="open", max_length=12)),
                _moment("opened_at"),
                _moment("seen_at"),
                _moment("acknowledged_at", null=True),
                ("acknowledged_by", fields.UUIDField(null=True)),
                _moment("resolved_at", null=True),
                ("resolved_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "incidents",
                "app": "store",
                "pk_attr": "id",
                "table_description": "One alarm from its first sign to its end; of a `key` one is unresolved at a time. `state`: open | acknowledged | resolved.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IncidentNote",
            fields=[
                _key(),
                ("incident_id", fields.UUIDField(db_index=True)),
                _moment("at"),
                ("by", fields.UUIDField(null=True)),
                ("kind", fields.CharField(default="note", max_length=12)),
                ("text", fields.CharField(default="", max_length=1000)),
            ],
            options={
                "table": "incident_notes",
                "app": "store",
                "pk_attr": "id",
                "table_description": "What somebody wrote or did; `kind`: note | acknowledged | resolved | over | again.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Notification",
            fields=[_key(), ("organization_id", fields.UUIDField()), ("user_id", fields.UUIDField()), *_told()],
            options={
                "table": "notifications",
                "app": "store",
                "pk_attr": "id",
                "table_description": "One line for one person. While it is unread another of the same `key` makes it newer and counts in `times`.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="PlatformNotification",
            fields=[_key(), ("user_id", fields.UUIDField(db_index=True)), *_told()],
            options={
                "table": "platform_notifications",
                "app": "store",
                "pk_attr": "id",
                "table_description": "The same for the platform's own people, about no organization's.",
            },
            bases=["Model"],
        ),
        ops.AddField(model_name="User", name="notify_by", field=JsonField(null=True)),
        ops.RunSQL(
            "ALTER TABLE notifications ADD CONSTRAINT fk_notifications_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
            "ALTER TABLE notifications DROP CONSTRAINT fk_notifications_organization",
        ),
        EnableOrganizationRLS("notifications"),
        *[
            ops.RunSQL(
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO chatnation_system",
                f"REVOKE ALL ON {table} FROM chatnation_system",
            )
            for table in SYSTEM_ONLY
        ],
        *[
            ops.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
                f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_user",
            )
            for table in ("notifications", "platform_notifications")
        ],
        ops.RunSQL(
            "ALTER TABLE incident_notes ADD CONSTRAINT fk_incident_notes_incident"
            " FOREIGN KEY (incident_id) REFERENCES incidents (id) ON DELETE CASCADE",
            "ALTER TABLE incident_notes DROP CONSTRAINT fk_incident_notes_incident",
        ),
        ops.RunSQL(
            "CREATE UNIQUE INDEX uq_notifications_unread ON notifications (organization_id, user_id, key) WHERE read_at IS NULL;"
            " CREATE INDEX ix_notifications_person ON notifications (organization_id, user_id, at);"
            " CREATE UNIQUE INDEX uq_platform_notifications_unread ON platform_notifications (user_id, key) WHERE read_at IS NULL;"
            " CREATE UNIQUE INDEX uq_incidents_unresolved ON incidents (key) WHERE state <> 'resolved'",
            "DROP INDEX uq_notifications_unread; DROP INDEX ix_notifications_person; DROP INDEX uq_platform_notifications_unread;"
            " DROP INDEX uq_incidents_unresolved",
        ),
    ]
