"""Rows of knowledge: documents in and out, and the candidates that may answer a question. In the organization's scope.

Three ways find candidates, and the filter by organization stands in each query: the planner of vector indexes does not see a policy. Nor may a
full text or trigram index be asked under one (their operators are not leakproof): words and spelling are compared in the organization's passages,
but for the words of a large organization, whose index the system's role asks.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from store import db
from store.fields import vector_text
from store.ids import uuid7
from store.tenancy import unscoped

__all__ = [
    "Candidate",
    "DocumentRow",
    "NewPassage",
    "Unembedded",
    "candidates",
    "documents",
    "put_document",
    "put_embeddings",
    "queue_embedding",
    "queue_embeddings",
    "remove_document",
    "unembedded",
]

LOCK_KEY = 0x43_4E_4B_45  # "CNKE": whoever queues embeddings for many organizations holds it
BY_VECTOR, BY_WORDS, BY_LIKENESS = 24, 24, 8
LIKENESS_AMONG = 2000


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
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    document_id: UUID
    base: str
    source: str
    title: str
    locale: str
    passages: int
    waiting: int  # passages that the model asked about has not embedded


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
        # These passages are new even when the text was there before: one job for each time.
        await tx.execute(_QUEUE, uuid7(), tx.organization_id)
        return True


async def remove_document(base: str, source: str) -> bool:
    tag = await db.execute(
        "DELETE FROM knowledge_documents d USING knowledge_bases b"
        " WHERE b.organization_id = d.organization_id AND b.id = d.base_id AND b.name = $1 AND d.source = $2",
        base,
        source,
    )
    return tag != "DELETE 0"


async def documents(model: str) -> list[DocumentRow]:
    rows = await db.fetch(
        "SELECT d.id, b.name, d.source, d.title, d.locale, count(p.id), count(p.id) FILTER (WHERE p.model <> $1)"
        " FROM knowledge_documents d JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.base_id"
        " LEFT JOIN knowledge_passages p ON p.organization_id = d.organization_id AND p.document_id = d.id"
        " GROUP BY d.id, b.name, d.source, d.title, d.locale ORDER BY b.name, d.source",
        model,
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


async def queue_embedding() -> None:
    """One more job for the organization in scope: the one that runs had not the time for everything."""
    async with db.transaction() as tx:
        await tx.execute(_QUEUE, uuid7(), tx.organization_id)


async def queue_embeddings(model: str) -> int:
    """A job for each organization with passages that this model did not embed, unless one is open; how many were made."""
    with unscoped("knowledge that another model embedded"):
        async with db.transaction() as tx:
            await tx.execute(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")  # of workers that start together one does it
            rows = await tx.fetch(
                "SELECT DISTINCT p.organization_id FROM knowledge_passages p WHERE p.model <> $1 AND NOT EXISTS (SELECT FROM jobs j"
                " WHERE j.organization_id = p.organization_id AND j.name = 'core.embed_knowledge' AND j.state IN ('ready', 'running'))",
                model,
            )
            await tx.executemany(_QUEUE, [(uuid7(), row["organization_id"]) for row in rows])
    return len(rows)


async def put_embeddings(model: str, vectors: Sequence[tuple[UUID, Sequence[float]]]) -> None:
    async with db.transaction() as tx:
        await tx.executemany(
            "UPDATE knowledge_passages SET embedding = $3::text::vector, model = $4 WHERE organization_id = $1 AND id = $2",
            [(tx.organization_id, passage_id, vector_text(vector), model) for passage_id, vector in vectors],
        )


_QUEUE = (
    "INSERT INTO jobs (id, organization_id, name, queue, payload, state, run_at, attempts, last_error, created_at)"
    " VALUES ($1, $2, 'core.embed_knowledge', 'bulk', '{}', 'ready', clock_timestamp(), 0, '', clock_timestamp())"
)
_COLUMNS = (
    "p.id, p.text, p.heading, d.title, d.source, b.name, b.skill, p.locale,"
    " CASE WHEN p.model = $2 THEN vector_send(p.embedding) END AS vector"
)
_FROM = (
    " FROM knowledge_passages p JOIN knowledge_documents d ON d.organization_id = p.organization_id AND d.id = p.document_id"
    " JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.base_id"
)


async def candidates(
    organization_id: UUID, words: Sequence[str], query: str, *, model: str, vector: Sequence[float] | None, skill: str
) -> list[Candidate]:
    """Passages near the question by meaning, by words and by spelling, each once, in no order. `words` are the question's content words.

    Spelling costs 60 us a passage, so it is compared only where words find little, and in the first passages of a large organization.
    """
    near = (
        f"(SELECT cn_knowledge_near($1, $2, $6, {BY_VECTOR}) AS id)"
        if vector is not None
        else "(SELECT NULL::uuid AS id WHERE $6::text IS NOT NULL)"
    )
    worded = await _worded(organization_id, words)
    rows = await db.fetch(
        f"WITH by_words AS MATERIALIZED (SELECT unnest($7::uuid[]) AS id UNION ALL (SELECT p.id FROM knowledge_passages p, to_tsquery('simple', $3) s, to_tsquery('english', $3) e"  # noqa: S608
        "   WHERE $7 IS NULL AND p.organization_id = $1 AND $3 <> '' AND (p.search @@ s OR p.search @@ e)"
        f"   ORDER BY ts_rank(p.search, s) + ts_rank(p.search, e) DESC LIMIT {BY_WORDS})),"
        " by_likeness AS (SELECT p.id, p.text FROM knowledge_passages p"
        f"   WHERE p.organization_id = $1 AND $3 <> '' AND (SELECT count(*) FROM by_words) < {BY_LIKENESS} LIMIT {LIKENESS_AMONG}),"
        f" found AS ({near} UNION SELECT id FROM by_words"
        f" UNION (SELECT id FROM by_likeness WHERE $4 <% text ORDER BY word_similarity($4, text) DESC LIMIT {BY_LIKENESS}))"
        f" SELECT {_COLUMNS}{_FROM} WHERE p.organization_id = $1"
        # By key: as a join it is planned once for all, and then reads every passage of a large organization.
        " AND p.id = ANY (ARRAY(SELECT id FROM found)) AND ($5 = '' OR b.skill = $5)",
        organization_id,
        model,
        " | ".join(words),
        query,
        skill,
        vector_text(vector) if vector is not None else None,
        worded,
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
            _vector(row["vector"]),
        )
        for row in rows
    ]


async def _worded(organization_id: UUID, words: Sequence[str]) -> list[UUID] | None:
    """Of a large organization; None: its passages are to be compared one by one. Ids alone leave the system's role: rows are read under the policy."""
    if not words:
        return None
    with unscoped("the index of a large organization's words"):
        ids: list[UUID] | None = await db.fetchval(
            f"SELECT cn_knowledge_worded($1, $2, {BY_WORDS})", organization_id, list(words)
        )
    return ids


def _vector(sent: bytes | None) -> Sequence[float]:
    """Of what `vector_send` writes: two 16-bit numbers, then 32-bit floats, all big-endian."""
    found = array("f", sent[4:] if sent else b"")
    if sys.byteorder == "little":
        found.byteswap()
    return found
