"""The inbox: who answers which conversation, what is unread, notes between the messages, replies to choose from."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey

TABLES = ("conversations", "conversation_notes", "canned_replies")
SQL = Path(__file__).parent / "sql" / "conversations.sql"
FILL = """
INSERT INTO conversations (id, organization_id, account_id, contact_id, labels, unread, last_message_id, last_at, version)
SELECT DISTINCT ON (m.session_id) m.session_id, m.organization_id, m.account_id, m.contact_id, '[]', 0, m.id, m.created_at, 1
FROM messages m ORDER BY m.session_id, m.created_at DESC
"""


class Migration(migrations.Migration):
    dependencies = [("store", "0006_api")]

    operations = [
        ops.CreateModel(
            name="Conversation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("assignee_id", fields.UUIDField(null=True)),
                ("labels", JsonField(default=list)),
                ("unread", fields.IntField(default=0)),
                ("last_message_id", fields.UUIDField(null=True)),
                ("last_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("waiting_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("sealed_summary", fields.BinaryField(null=True)),
                ("taken_over_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("taken_over_by", fields.UUIDField(null=True)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.BigIntField(default=1)),
            ],
            options={
                "table": "conversations",
                "app": "store",
                "indexes": [Index(fields=["organization_id", "last_at", "id"])],
                "pk_attr": "id",
                "table_description": "The inbox's side of a session, whose id it has. `last_*`, `unread` and `version` are kept by a trigger on `messages`.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ConversationNote",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("conversation_id", fields.UUIDField()),
                ("kind", fields.CharField(default="note", max_length=16)),
                ("author_id", fields.UUIDField(null=True)),
                ("sealed_body", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "conversation_notes",
                "app": "store",
                "indexes": [Index(fields=["organization_id", "conversation_id", "created_at"])],
                "pk_attr": "id",
                "table_description": "What stands between the messages and never leaves the house. `kind`: note, or what happened (`bot.conversations.note.Kind`).",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="CannedReply",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("shortcut", fields.CharField(max_length=40)),
                ("text", fields.TextField(unique=False)),
                ("created_by", fields.UUIDField(null=True)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "canned_replies",
                "app": "store",
                "unique_together": (("organization_id", "shortcut"),),
                "pk_attr": "id",
                "table_description": "A text that is written often; `/shortcut` in the composer brings it.",
            },
            bases=["OrgModel"],
        ),
        *[EnableOrganizationRLS(table) for table in TABLES],
        # The id is the session's, whose own key says that it is of this organization.
        OrganizationForeignKey("conversations", "id", "sessions"),
        OrganizationForeignKey("conversation_notes", "conversation_id", "conversations"),
        ops.RunSQL(
            "ALTER TABLE canned_replies ADD CONSTRAINT fk_canned_replies_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
            "ALTER TABLE canned_replies DROP CONSTRAINT fk_canned_replies_organization",
        ),
        # Partial: most conversations are in neither, and each message moves its row in every index that it is in.
        ops.RunSQL(
            "CREATE INDEX ix_conversations_assignee ON conversations (organization_id, assignee_id) WHERE assignee_id IS NOT NULL",
            "DROP INDEX ix_conversations_assignee",
        ),
        ops.RunSQL(
            "CREATE INDEX ix_conversations_waiting ON conversations (organization_id, last_at) WHERE waiting_at IS NOT NULL",
            "DROP INDEX ix_conversations_waiting",
        ),
        ops.RunSQL(
            "CREATE INDEX ix_messages_templates ON messages (organization_id, id) WHERE type = 'template' AND direction = 'out'",
            "DROP INDEX ix_messages_templates",
        ),
        ops.RunSQL(SQL.read_text(), "DROP TRIGGER follow_messages ON messages; DROP FUNCTION cn_follow_messages()"),
        ops.RunSQL(FILL, "SELECT 1"),
    ]
