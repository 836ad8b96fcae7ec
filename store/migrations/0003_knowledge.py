"""Knowledge: bases, documents, and passages with embedding and full text."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey

NEAR = (Path(__file__).parent / "sql" / "knowledge.sql").read_text()
TABLES = ("knowledge_bases", "knowledge_documents", "knowledge_passages")

# English words are stemmed; Swahili and the rest are not, PostgreSQL has no stemmer for them. Headings weigh more than text.
SEARCH = """
ALTER TABLE knowledge_passages ADD COLUMN embedding vector, ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', heading), 'A')
    || to_tsvector(CASE WHEN locale LIKE 'en%' THEN 'english'::regconfig ELSE 'simple'::regconfig END, heading || ' ' || text)) STORED;
CREATE INDEX ix_passages_search ON knowledge_passages USING gin (search);
CREATE INDEX ix_passages_similar ON knowledge_passages USING gin (text gin_trgm_ops);
CREATE INDEX ix_passages_model ON knowledge_passages (organization_id, model);
"""
NO_SEARCH = "ALTER TABLE knowledge_passages DROP COLUMN search, DROP COLUMN embedding; DROP INDEX ix_passages_similar, ix_passages_model"


class Migration(migrations.Migration):
    dependencies = [("store", "0002_models_asked")]

    operations = [
        ops.CreateModel(
            name="KnowledgeBase",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=80)),
                ("skill", fields.CharField(default="", max_length=40)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "knowledge_bases",
                "app": "store",
                "unique_together": (("organization_id", "name"),),
                "pk_attr": "id",
                "table_description": 'Documents that belong together: "faq", "savanna-summit". `skill` is set where a skill brought it for this organization.',
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="KnowledgeDocument",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("base_id", fields.UUIDField()),
                ("source", fields.CharField(max_length=300)),
                ("title", fields.CharField(max_length=300)),
                ("locale", fields.CharField(default="", max_length=12)),
                ("mime_type", fields.CharField(max_length=120)),
                ("content_hash", fields.CharField(max_length=64)),
                ("text", fields.TextField(unique=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "knowledge_documents",
                "app": "store",
                "unique_together": (("organization_id", "base_id", "source"),),
                "pk_attr": "id",
                "table_description": "`source` is what it is found by again: a file's name, an address. `content_hash` is of the bytes as they came.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="KnowledgePassage",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("document_id", fields.UUIDField()),
                ("position", fields.IntField()),
                ("heading", fields.CharField(default="", max_length=300)),
                ("text", fields.TextField(unique=False)),
                ("locale", fields.CharField(default="", max_length=12)),
                ("model", fields.CharField(default="", max_length=120)),
            ],
            options={
                "table": "knowledge_passages",
                "app": "store",
                "unique_together": (("organization_id", "document_id", "position"),),
                "pk_attr": "id",
                "table_description": "One piece of a document, small enough to be quoted.",
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
        OrganizationForeignKey("knowledge_documents", "base_id", "knowledge_bases", on_delete="CASCADE"),
        OrganizationForeignKey("knowledge_passages", "document_id", "knowledge_documents", on_delete="CASCADE"),
        ops.RunSQL(SEARCH, NO_SEARCH),
        ops.RunSQL(NEAR, "DROP FUNCTION cn_knowledge_near; DROP FUNCTION cn_knowledge_worded"),
    ]
