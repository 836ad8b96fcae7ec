"""What the organization has written down."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from bot.http import Answer, Ask, Filter, Kind, Line, Listed, Page, Routes, Upload, found
from bot.knowledge import KnowledgeStore
from bot.knowledge.base import is_known
from bot.knowledge.open import open_knowledge
from bot.knowledge.read import Unsupported
from bot.unit import Unit, open_unit
from store import knowledge as rows
from store.models import KnowledgeBase, KnowledgeDocument

routes = Routes("Knowledge", "What you have written down, and what the bot answers questions from.")

UNREADABLE = Kind("unreadable-document", 422, "The document cannot be read")
MOST_FOUND = 10

Text1 = Annotated[
    Line, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
Locale = Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3}(-[A-Z]{2})?)?$")]


class DocumentOut(Answer):
    id: UUID
    base: str
    source: str
    title: str
    locale: str
    mime_type: str
    updated_at: datetime


class DocumentNamed(Filter):
    source: Annotated[Text1, StringConstraints(max_length=300)] = Field(
        description="What it is found by again, such as a file's name. One of the same name in the same base is replaced."
    )
    base: Annotated[Text1, StringConstraints(max_length=80)] = "general"
    locale: Locale = Field("", description="The language of its text; empty: it serves every language.")


class Searched(Filter):
    q: Annotated[Text1, StringConstraints(max_length=300)] = Field(description="The question.")
    locale: Locale = ""


class FoundOut(Answer):
    text: str
    source: str
    score: float
    answers: bool = Field(description="Whether it is near enough that the bot would answer with it.")


@routes.get("/knowledge/documents", permission="knowledge.view")
async def list_documents(ask: Ask, page: Page) -> Listed[DocumentOut]:
    """List documents, those first that came last."""
    bases = {each.id: each.name for each in await KnowledgeBase.all()}
    return await page.of(KnowledgeDocument.all(), lambda row: _shown(row, bases[row.base_id]))


@routes.get("/knowledge/documents/{document_id}", permission="knowledge.view")
async def get_document(ask: Ask, document_id: UUID) -> DocumentOut:
    """Read what is known of a document."""
    row = found(await KnowledgeDocument.filter(id=document_id).first(), "document")
    return _shown(row, (await KnowledgeBase.get(id=row.base_id)).name)


@routes.post(
    "/knowledge/documents",
    permission="knowledge.edit",
    status=201,
    of=get_document,
    location="/knowledge/documents/{id}",
    accepts=("text/markdown", "text/plain", "text/html", "application/pdf"),
    raises={Unsupported: UNREADABLE},
)
async def add_document(ask: Ask, query: DocumentNamed, body: Upload) -> DocumentOut:
    """Take a document in. The body is its bytes.

    It is found by its words at once, by its meaning some seconds later.
    """
    knowledge = await _knowledge(ask)
    is_new = await knowledge.put(
        ask.organization_id, body.read(), body.mime_type, base=query.base, source=query.source, locale=query.locale
    )
    base = await KnowledgeBase.get(name=query.base)
    row = await KnowledgeDocument.get(base_id=base.id, source=query.source)
    if is_new:
        async with open_unit(ask.runtime, ask.organization_id, actor=ask.principal.actor) as work:
            work.audit("knowledge.added", subject=f"knowledge_documents:{row.id}", after={"source": row.source})
    return _shown(row, base.name)


@routes.delete("/knowledge/documents/{document_id}", permission="knowledge.edit")
async def remove_document(ask: Ask, work: Unit, document_id: UUID) -> None:
    """Take a document out."""
    row = found(await KnowledgeDocument.filter(id=document_id).first(), "document")
    base = await KnowledgeBase.get(id=row.base_id)
    await rows.remove_document(base.name, row.source)
    work.audit("knowledge.removed", subject=f"knowledge_documents:{row.id}", before={"source": row.source})


@routes.get("/knowledge/search", permission="knowledge.view")
async def search_knowledge(ask: Ask, query: Searched) -> Listed[FoundOut]:
    """Try a question, by its words."""
    knowledge = await _knowledge(ask)
    rated = await knowledge.rated(ask.organization_id, query.q, locale=query.locale)
    return Listed(
        [
            FoundOut(text=each.item.text, source=each.item.source, score=round(each.score, 3), answers=is_known(each))
            for each in rated[:MOST_FOUND]
        ]
    )


async def _knowledge(ask: Ask) -> KnowledgeStore:
    """The web process holds no model, so it searches by words."""
    if not isinstance(ask.runtime.knowledge, KnowledgeStore):
        ask.runtime.knowledge = await open_knowledge(ask.runtime)
    return ask.runtime.knowledge


def _shown(row: KnowledgeDocument, base: str) -> DocumentOut:
    values = {name: getattr(row, name) for name in DocumentOut.model_fields if name != "base"}
    return DocumentOut(**values, base=base)
