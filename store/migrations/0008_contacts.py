"""Labels, fields of an organization's own, segments, imports, merges that can be undone, proofs of consents; golden questions."""

from pathlib import Path
from typing import Any

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey

SQL = Path(__file__).parent / "sql"
TABLES = (
    "contact_labels",
    "contact_fields",
    "contact_segments",
    "contact_imports",
    "contact_import_rows",
    "knowledge_questions",
)


def _key() -> list[tuple[str, Any]]:
    return [
        ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
        ("organization_id", fields.UUIDField()),
    ]


def _moment(name: str, *, now: bool = False) -> tuple[str, Any]:
    if now:
        return (name, fields.DatetimeField(auto_now=False, auto_now_add=True))
    return (name, fields.DatetimeField(null=True, auto_now=False, auto_now_add=False))


class Migration(migrations.Migration):
    dependencies = [("store", "0007_conversations")]

    operations = [
        ops.AddField(model_name="Contact", name="labels", field=JsonField(null=True)),
        ops.AddField(model_name="Contact", name="custom", field=JsonField(null=True)),
        ops.AddField(model_name="Contact", name="merged_into", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Contact", name="import_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Consent", name="message_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Consent", name="import_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="MergeProposal", name="decision", field=fields.CharField(default="", max_length=12)),
        ops.AddField(model_name="MergeProposal", name="decided_by", field=fields.CharField(default="", max_length=120)),
        ops.AddField(model_name="MergeProposal", name="undo", field=JsonField(null=True)),
        # Rows that are written by SQL name none of these; and an added column with a default has it in old rows too, whatever the policy lets see.
        ops.RunSQL(
            "ALTER TABLE contacts DROP COLUMN labels, DROP COLUMN custom;"
            " ALTER TABLE contacts ADD COLUMN labels jsonb DEFAULT '[]', ADD COLUMN custom jsonb DEFAULT '{}';"
            " ALTER TABLE contact_merge_proposals ALTER COLUMN decision SET DEFAULT '', ALTER COLUMN decided_by SET DEFAULT '';"
            " CREATE INDEX ix_contacts_labels ON contacts USING gin (labels jsonb_path_ops);"
            " CREATE INDEX ix_contacts_name ON contacts USING gin (name gin_trgm_ops);"
            " CREATE INDEX ix_contacts_age ON contacts (organization_id, created_at DESC, id DESC);"
            " CREATE INDEX ix_contacts_merged ON contacts (organization_id, merged_into) WHERE merged_into IS NOT NULL;"
            " CREATE INDEX ix_sessions_contact ON sessions (organization_id, contact_id);"
            " CREATE INDEX ix_audit_subject ON audit_entries (organization_id, subject, at DESC)",
            "DROP INDEX ix_contacts_labels, ix_contacts_name, ix_contacts_age, ix_contacts_merged, ix_sessions_contact, ix_audit_subject",
        ),
        OrganizationForeignKey("contacts", "merged_into", "contacts", "SET NULL"),
        ops.CreateModel(
            name="ContactLabel",
            fields=[
                *_key(),
                ("key", fields.CharField(max_length=60)),
                ("name", fields.CharField(max_length=60)),
                ("colour", fields.CharField(default="plain", max_length=12)),
                _moment("created_at", now=True),
            ],
            options={
                "table": "contact_labels",
                "app": "store",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "`contacts.labels` holds keys; the name may change.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ContactField",
            fields=[
                *_key(),
                ("key", fields.CharField(max_length=60)),
                ("name", fields.CharField(max_length=80)),
                ("kind", fields.CharField(default="text", max_length=12)),
                ("options", JsonField(null=True)),
                ("position", fields.IntField(default=0)),
                _moment("created_at", now=True),
            ],
            options={
                "table": "contact_fields",
                "app": "store",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "`contacts.custom` holds values by key, as `kind` says: text, number, date (ISO), boolean, choice, email, url.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Segment",
            fields=[
                *_key(),
                ("name", fields.CharField(max_length=80)),
                ("conditions", JsonField(default=dict)),
                ("created_by", fields.CharField(default="", max_length=120)),
                _moment("created_at", now=True),
            ],
            options={
                "table": "contact_segments",
                "app": "store",
                "unique_together": (("organization_id", "name"),),
                "pk_attr": "id",
                "table_description": "A filter under a name; whoever fits it at the moment is in it.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ContactImport",
            fields=[
                *_key(),
                ("filename", fields.CharField(max_length=200)),
                ("sealed_file", fields.BinaryField()),
                ("plan", JsonField(default=dict)),
                ("state", fields.CharField(default="draft", max_length=8)),
                *(
                    (name, fields.IntField(default=0))
                    for name in (
                        "total",
                        "reached",
                        "created",
                        "updated",
                        "unchanged",
                        "rejected",
                        "restored",
                        "kept",
                    )
                ),
                ("error", fields.CharField(default="", max_length=300)),
                ("created_by", fields.CharField(default="", max_length=120)),
                _moment("created_at", now=True),
                _moment("started_at"),
                _moment("finished_at"),
            ],
            options={
                "table": "contact_imports",
                "app": "store",
                "indexes": [Index(fields=["organization_id", "created_at"])],
                "pk_attr": "id",
                "table_description": "A file of contacts, from its upload on. `state`: draft | running | done | undoing | undone | failed.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ContactImportRow",
            fields=[
                *_key(),
                ("import_id", fields.UUIDField()),
                ("number", fields.IntField()),
                ("outcome", fields.CharField(max_length=12)),
                ("contact_id", fields.UUIDField(null=True)),
                ("before", JsonField(null=True)),
                ("after", JsonField(null=True)),
                ("problems", JsonField(null=True)),
                ("undone", fields.CharField(default="", max_length=12)),
            ],
            options={
                "table": "contact_import_rows",
                "app": "store",
                "unique_together": (("organization_id", "import_id", "number"),),
                "pk_attr": "id",
                "table_description": "What became of one row: `outcome` created | updated | unchanged | rejected. `number` is the row's in a spreadsheet, the header being 1.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="KnowledgeQuestion",
            fields=[
                *_key(),
                ("ask", fields.CharField(max_length=500)),
                ("source", fields.CharField(default="", max_length=620)),
                ("locale", fields.CharField(default="en", max_length=12)),
                _moment("created_at", now=True),
            ],
            options={
                "table": "knowledge_questions",
                "app": "store",
                "unique_together": (("organization_id", "ask"),),
                "pk_attr": "id",
                "table_description": "A golden question: what should answer it (`source` as it is quoted), or an empty text where nothing should.",
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
        OrganizationForeignKey("contact_import_rows", "import_id", "contact_imports"),
        OrganizationForeignKey("contact_import_rows", "contact_id", "contacts", "SET NULL", index=True),
        OrganizationForeignKey("consents", "import_id", "contact_imports", "SET NULL"),
        ops.RunSQL(
            (SQL / "contacts.sql").read_text(),
            "DROP FUNCTION IF EXISTS cn_repoint(uuid, text, text, uuid, uuid, uuid[])",
        ),
    ]
