"""What organizations have written down: bases, the documents in them, and the passages that are searched."""

from __future__ import annotations

from tortoise import fields

from store.tenancy import OrgModel


class KnowledgeBase(OrgModel):
    """Documents that belong together: "faq", "savanna-summit". `skill` is set where a skill brought it for this organization."""

    name = fields.CharField(max_length=80)
    skill = fields.CharField(max_length=40, default="")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "knowledge_bases"
        unique_together = (("organization_id", "name"),)


class KnowledgeDocument(OrgModel):
    """`source` is what it is found by again: a file's name, an address. `content_hash` is of the bytes as they came."""

    base_id = fields.UUIDField()
    source = fields.CharField(max_length=300)
    title = fields.CharField(max_length=300)
    locale = fields.CharField(max_length=12, default="")  # "" serves every language
    mime_type = fields.CharField(max_length=120)
    content_hash = fields.CharField(max_length=64)
    text = fields.TextField()  # Markdown
    updated_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "knowledge_documents"
        unique_together = (("organization_id", "base_id", "source"),)


class KnowledgePassage(OrgModel):
    """One piece of a document, small enough to be quoted.

    The columns `embedding` (pgvector, any dimension) and `search` (tsvector) are made in SQL. `model` names what made the embedding, "" where
    there is none yet.
    """

    document_id = fields.UUIDField()
    position = fields.IntField()
    heading = fields.CharField(max_length=300, default="")
    text = fields.TextField()
    locale = fields.CharField(max_length=12, default="")
    model = fields.CharField(max_length=120, default="")

    class Meta:
        table = "knowledge_passages"
        unique_together = (("organization_id", "document_id", "position"),)
