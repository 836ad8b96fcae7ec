"""Rows of knowledge: documents in and out, and the candidates that may answer a question. In the organization's scope.

Three ways find candidates, and the filter by organization stands in each query: the planner of vector indexes does not see a policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from store import db
from store.fields import vector_text
from store.ids import uuid7

__all__ = [
    "Candidate",
    "DocumentRow",
    "NewPassage",
    "Unembedded",
    "candidates",
    "documents",
    "put_document",
    "put_embeddings",
    "remove_document",
    "unembedded",
]

BY_VECTOR, BY_WORDS, BY_LIKENESS = 24, 24, 8


@dataclass(frozen=True, slots=True)
class NewPassage:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """`vector` is empty where the passage has no embedding by the model that was asked with."""

    passage_id: UUID
    text: str
    heading: str
    title: str
    source: str
    base: str
    skill: str
    locale: str
    vector: list[float]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    document_id: UUID
    base: str
    source: str
    title: str
    locale: str
    passages: int
    unembedded: int


@dataclass(frozen=True, slots=True)
class Unembedded:
    passage_id: UUID
    title: str
    heading: str
    text: str


async def put_document(
    base: str,
    source: str,
    *,
    title: str,
    locale: str,
    mime_type: str,
    content_hash: str,
    text: str,
    passages: Sequence[NewPassage],
    skill: str = "",
) -> bool:
    """Puts a document in place of an earlier one of the same source; False when it is the same and nothing was written."""
    async with db.transaction() as tx:
        base_id = await tx.fetchval(
            "INSERT INTO knowledge_bases (id, organization_id, name, skill, created_at) VALUES ($1, $2, $3, $4, clock_timestamp())"
            " ON CONFLICT (organization_id, name) DO UPDATE SET name = EXCLUDED.name RETURNING id",
            uuid7(),
            tx.organization_id,
            base,
            skill,
        )
        document_id = await tx.fetchval(
            "INSERT INTO knowledge_documents AS d (id, organization_id, base_id, source, title, locale, mime_type, content_hash, text, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())"
            " ON CONFLICT (organization_id, base_id, source) DO UPDATE SET title = $5, locale = $6, mime_type = $7, content_hash = $8, text = $9,"
            " updated_at = clock_timestamp() WHERE (d.content_hash, d.title, d.locale) IS DISTINCT FROM ($8, $5, $6) RETURNING id",
            uuid7(),
            tx.organization_id,
            base_id,
            source[:300],
            title[:300],
            locale,
            mime_type[:120],
            content_hash,
            text,
        )
        if document_id is None:
            return False
        await tx.execute(
            "DELETE FROM knowledge_passages WHERE organization_id = $1 AND document_id = $2",
            tx.organization_id,
            document_id,
        )
        await tx.executemany(
            "INSERT INTO knowledge_passages (id, organization_id, document_id, position, heading, text, locale, model)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, '')",
            [
                (uuid7(), tx.organization_id, document_id, n, each.heading[:300], each.text, locale)
                for n, each in enumerate(passages)
            ],
        )
        await tx.execute(
            "INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at)"
            " VALUES ($1, $2, 'core.embed_knowledge', 'bulk', '{}', $3, 'ready', clock_timestamp(), 0, '', clock_timestamp())"
            " ON CONFLICT (organization_id, key) DO NOTHING",
            job_id := uuid7(),
            tx.organization_id,
            # These passages are new even when the text was there before: one job for each time.
            f"embed:{document_id}:{job_id}",
        )
        return True


async def remove_document(base: str, source: str) -> bool:
    tag = await db.execute(
        "DELETE FROM knowledge_documents d USING knowledge_bases b"
        " WHERE b.organization_id = d.organization_id AND b.id = d.base_id AND b.name = $1 AND d.source = $2",
        base,
        source,
    )
    return tag != "DELETE 0"


async def documents() -> list[DocumentRow]:
    rows = await db.fetch(
        "SELECT d.id, b.name, d.source, d.title, d.locale, count(p.id), count(p.id) FILTER (WHERE p.model = '')"
        " FROM knowledge_documents d JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.base_id"
        " LEFT JOIN knowledge_passages p ON p.organization_id = d.organization_id AND p.document_id = d.id"
        " GROUP BY d.id, b.name, d.source, d.title, d.locale ORDER BY b.name, d.source"
    )
    return [DocumentRow(*row) for row in rows]


async def unembedded(model: str, limit: int) -> list[Unembedded]:
    """Passages without an embedding of this model, oldest first."""
    rows = await db.fetch(
        "SELECT p.id, d.title, p.heading, p.text FROM knowledge_passages p"
        " JOIN knowledge_documents d ON d.organization_id = p.organization_id AND d.id = p.document_id"
        " WHERE p.model <> $1 ORDER BY p.id LIMIT $2",
        model,
        limit,
    )
    return [Unembedded(*row) for row in rows]


async def put_embeddings(model: str, vectors: Sequence[tuple[UUID, Sequence[float]]]) -> None:
    async with db.transaction() as tx:
        await tx.executemany(
            "UPDATE knowledge_passages SET embedding = $3::text::vector, model = $4 WHERE organization_id = $1 AND id = $2",
            [(tx.organization_id, passage_id, vector_text(vector), model) for passage_id, vector in vectors],
        )


_COLUMNS = (
    "p.id, p.text, p.heading, d.title, d.source, b.name, b.skill, p.locale,"
    " CASE WHEN p.model = $2 THEN p.embedding::text END AS vector"
)
_FROM = (
    " FROM knowledge_passages p JOIN knowledge_documents d ON d.organization_id = p.organization_id AND d.id = p.document_id"
    " JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.base_id"
)


async def candidates(
    organization_id: UUID, words: Sequence[str], query: str, *, model: str, vector: Sequence[float] | None, skill: str
) -> list[Candidate]:
    """Passages near the question by meaning, by words and by spelling, each once, in no order. `words` are the question's content words."""
    dimension = len(vector) if vector is not None else 0
    # A partial index of a large organization is on halfvec of the model's dimension; the same expression makes it usable.
    distance = f"p.embedding::halfvec({dimension}) <=> $6::text::halfvec({dimension})"
    near = (
        f"(SELECT p.id FROM knowledge_passages p WHERE p.organization_id = $1 AND p.model = $2 ORDER BY {distance} LIMIT {BY_VECTOR})"  # noqa: S608
        if vector is not None
        else "(SELECT NULL::uuid AS id WHERE $6::text IS NOT NULL)"
    )
    rows = await db.fetch(
        f"WITH found AS ({near}"  # noqa: S608
        " UNION (SELECT p.id FROM knowledge_passages p, to_tsquery('simple', $3) s, to_tsquery('english', $3) e"
        "   WHERE p.organization_id = $1 AND $3 <> '' AND (p.search @@ s OR p.search @@ e)"
        f"   ORDER BY ts_rank(p.search, s) + ts_rank(p.search, e) DESC LIMIT {BY_WORDS})"
        " UNION (SELECT p.id FROM knowledge_passages p WHERE p.organization_id = $1 AND $4 <% p.text"
        f"   ORDER BY word_similarity($4, p.text) DESC LIMIT {BY_LIKENESS}))"
        f" SELECT {_COLUMNS}{_FROM} JOIN found ON found.id = p.id WHERE p.organization_id = $1 AND ($5 = '' OR b.skill = $5)",
        organization_id,
        model,
        " | ".join(words),
        query,
        skill,
        vector_text(vector) if vector is not None else None,
    )
    return [
        Candidate(
            row["id"],
            row["text"],
            row["heading"],
            row["title"],
            row["source"],
            row["name"],
            row["skill"],
            row["locale"],
            orjson.loads(row["vector"] or "[]"),
        )
        for row in rows
    ]
