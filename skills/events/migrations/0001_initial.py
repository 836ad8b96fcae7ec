"""The tables of the first cut: events, ticket types, orders, tickets, announcements."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.fields import EncryptedField, StrEnumField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey

ONE_VALID_TICKET = """
CREATE UNIQUE INDEX events_one_valid_ticket ON events_tickets (organization_id, ticket_type_id, contact_id)
WHERE status = 'valid'
"""
NEVER_OVERSOLD = """
ALTER TABLE events_ticket_types ADD CONSTRAINT events_never_oversold CHECK (sold BETWEEN 0 AND capacity AND price_minor >= 0)
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("store", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="Announcement",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("event_id", fields.UUIDField()),
                ("text", fields.CharField(max_length=4000)),
                ("requested_by", fields.CharField(max_length=120)),
                ("reached", fields.UUIDField(null=True)),
                ("queued", fields.IntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "events_announcements",
                "app": "events",
                "pk_attr": "id",
                "table_description": "A message to all who hold a valid ticket. `reached` is the last contact queued, so that a crash resumes behind it.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Event",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("slug", fields.CharField(max_length=80)),
                ("title", fields.CharField(max_length=160)),
                ("cover", fields.CharField(default="", max_length=300)),
                ("description", fields.TextField(default="", unique=False)),
                ("venue", fields.CharField(default="", max_length=160)),
                ("address", fields.CharField(default="", max_length=200)),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("timezone", fields.CharField(default="Africa/Nairobi", max_length=64)),
                ("currency", fields.CharField(default="KES", max_length=3)),
                ("status", StrEnumField(default="draft", max_length=40)),  # type: ignore[call-arg]  # the column needs no enum
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "events_events",
                "app": "events",
                "unique_together": (("organization_id", "slug"),),
                "indexes": [Index(fields=["organization_id", "status", "starts_at"])],
                "pk_attr": "id",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Order",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("event_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("key", fields.CharField(max_length=200)),
                ("name", fields.CharField(max_length=160)),
                ("email", EncryptedField()),
                ("total_minor", fields.BigIntField(default=0)),
                ("currency", fields.CharField(max_length=3)),
                ("status", StrEnumField(default="confirmed", max_length=40)),  # type: ignore[call-arg]  # the column needs no enum
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("cancelled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "events_orders",
                "app": "events",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "One registration. `key` is that of the turn that made it, so that a replayed turn finds it again.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Ticket",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("order_id", fields.UUIDField()),
                ("event_id", fields.UUIDField()),
                ("ticket_type_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("holder_name", fields.CharField(max_length=160)),
                ("code", fields.CharField(max_length=9)),
                ("status", StrEnumField(default="valid", max_length=40)),  # type: ignore[call-arg]  # the column needs no enum
                ("picture", fields.CharField(default="", max_length=64)),
                ("picture_due", StrEnumField(default="not", max_length=40)),  # type: ignore[call-arg]  # the column needs no enum
                ("checked_in_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("checked_in_by", fields.CharField(null=True, max_length=120)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("cancelled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "events_tickets",
                "app": "events",
                "unique_together": (("organization_id", "code"),),
                "indexes": [
                    Index(fields=["organization_id", "contact_id"]),
                    Index(fields=["organization_id", "event_id", "contact_id"]),
                ],
                "pk_attr": "id",
                "table_description": "A seat that somebody has. One valid ticket per contact and ticket type (a partial unique index of the migration).",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="TicketType",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("event_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=80)),
                ("description", fields.CharField(default="", max_length=200)),
                ("price_minor", fields.BigIntField(default=0)),
                ("capacity", fields.IntField()),
                ("sold", fields.IntField(default=0)),
                ("opens_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("closes_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("position", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "events_ticket_types",
                "app": "events",
                "unique_together": (("organization_id", "event_id", "name"),),
                "pk_attr": "id",
                "table_description": "`sold` counts valid tickets. It is changed under the lock of its row only (`service.registration`).",
            },
            bases=["OrgModel"],
        ),
        EnableOrganizationRLS("events_events"),
        EnableOrganizationRLS("events_ticket_types"),
        EnableOrganizationRLS("events_orders"),
        EnableOrganizationRLS("events_tickets"),
        EnableOrganizationRLS("events_announcements"),
        OrganizationForeignKey("events_ticket_types", "event_id", "events_events"),
        OrganizationForeignKey("events_orders", "event_id", "events_events", index=True),
        OrganizationForeignKey("events_orders", "contact_id", "contacts", index=True),
        OrganizationForeignKey("events_orders", "account_id", "channel_accounts", "RESTRICT"),
        OrganizationForeignKey("events_tickets", "order_id", "events_orders", index=True),
        OrganizationForeignKey("events_tickets", "event_id", "events_events"),
        OrganizationForeignKey("events_tickets", "ticket_type_id", "events_ticket_types"),
        OrganizationForeignKey("events_tickets", "contact_id", "contacts"),
        OrganizationForeignKey("events_tickets", "account_id", "channel_accounts", "RESTRICT"),
        OrganizationForeignKey("events_announcements", "event_id", "events_events", index=True),
        ops.RunSQL(ONE_VALID_TICKET, "DROP INDEX events_one_valid_ticket"),
        ops.RunSQL(NEVER_OVERSOLD, "ALTER TABLE events_ticket_types DROP CONSTRAINT events_never_oversold"),
    ]
