"""The port `Knowledge`: documents in, answers out."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from bot.bounded import Bounded
from bot.embedding.cache import VectorCache
from bot.errors import ChatNationError
from bot.knowledge import ordinary
from bot.knowledge.cut import cut
from bot.knowledge.rank import Centre, Rated, Rating, content_words, rate
from bot.knowledge.read import read
from bot.knowledge.shelf import ShelfPassage, shelf_of
from bot.ports import Embedder, Passage
from store import knowledge as rows
from store.tenancy import organization_scope

__all__ = ["KNOWN", "KNOWN_BY_WORDS", "Embedded", "Found", "KnowledgeStore", "is_known"]

log = logging.getLogger(__name__)

T = TypeVar("T")

# From here on a passage counts as an answer. The least that leaves alone what nothing answers in bot/demo/knowledge/savanna/golden.yml, a third of
# whose questions it is; golden-test.yml beside it is asked by the tests only.
KNOWN = 0.23
KNOWN_BY_WORDS = 0.33  # without embeddings

SAME_LANGUAGE = 0.08  # of two passages that say the same, the one in the person's language is quoted
SAYS_SOMETHING = (
    4  # words, of which none is about anything: "when can I come in" still asks something, "how are you" does not
)
EMBED_AT_ONCE = 64
WARM_AT_ONCE = 8  # so that what is made is kept soon, and the next thing for the background is not far
MAX_VERSIONS = 500  # of organizations' own, whose vectors are kept: a dozen passages each

Own = Mapping[str, tuple[UUID, Sequence[ShelfPassage]]]  # skill -> version, and its passages


@dataclass(frozen=True, slots=True)
class Found:
    """One passage with everything that is known of it. `source` as people should read it."""

    text: str
    source: str
    document: str
    locale: str
    skill: str
    vector: Sequence[float]
    words: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """How many passages got an embedding, and whether none is left without."""

    made: int
    is_all: bool


class KnowledgeStore:
    """One per process.

    Args:
        embedder: None: words and spelling alone.
        enabled: The skills that an organization has on.
        folders: Where each installed skill is.
        published: What an organization published in place of the knowledge of skills.
        timeout_s: How long a question waits for vectors; then words answer it. None: as long as it takes.
        cache: Keeps the vectors of the skills' own passages for the next process.
    """

    def __init__(
        self,
        embedder: Embedder | None,
        *,
        timeout_s: float | None = None,
        enabled: Callable[[UUID], Awaitable[Sequence[str]]],
        folders: Mapping[str, Path],
        published: Callable[[UUID], Awaitable[Own]] | None = None,
        cache: VectorCache | None = None,
    ) -> None:
        self._embedder = embedder
        self._timeout_s = timeout_s
        self._late: set[asyncio.Future[Any]] = set()
        self._enabled = enabled
        self._published = published
        self._published_vectors: Bounded[UUID, list[Sequence[float]]] = Bounded(MAX_VERSIONS)
        self._shelf = shelf_of(folders)
        self._shelf_vectors: list[Sequence[float]] | None = None
        self._centre: Centre | None = None
        self._lock = asyncio.Lock()
        self._cache = cache
        self._is_warming = False
        self._embedding: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def search(
        self, organization_id: UUID, query: str, *, locale: str = "", skill: str = "", limit: int = 4
    ) -> list[Passage]:
        rated = await self.rated(organization_id, query, locale=locale, skill=skill)
        return [
            Passage(each.item.text, each.item.source, min(each.score, 1.0), each.item.skill)
            for each in rated
            if is_known(each)
        ][:limit]

    async def rated(
        self, organization_id: UUID, query: str, *, locale: str = "", skill: str = ""
    ) -> list[Rated[Found]]:
        """All that could have been meant, best first, also what is too far away to answer: for evaluation and `explain`."""
        words = content_words(query)
        if not words and len(query.split()) < SAYS_SOMETHING:
            return []
        vector = await self._in_time(self._vector(organization_id, query))
        model = self._embedder.model if self._embedder is not None and vector is not None else ""
        with organization_scope(organization_id):
            candidates = await rows.candidates(organization_id, words, query, model=model, vector=vector, skill=skill)
        found = [_own(each) for each in candidates]
        found += await self._from_shelf(organization_id, skill, with_vectors=vector is not None)
        ratings = [Rating(each, each.words, each.vector) for each in found]
        # Not on the loop that answers turns.
        rated = await asyncio.to_thread(rate, query, ratings, vector=vector, centre=self._centre)
        language = locale.partition("-")[0]
        return sorted(rated, key=lambda each: -(each.score + SAME_LANGUAGE * (each.item.locale == language)))

    async def warm(self) -> None:
        """Loads the model and makes what the first question would wait for, in the background; questions that come meanwhile are
        answered by words. Some seconds, the first time on a machine.

        Raises:
            ChatNationError: the embedder is away; the next question tries again.
        """
        self._is_warming = True
        try:
            await self._prepare(background=True)
        finally:
            self._is_warming = False

    async def put(
        self,
        organization_id: UUID,
        data: bytes,
        mime_type: str,
        *,
        base: str,
        source: str,
        locale: str = "",
        skill: str = "",
    ) -> bool:
        """Takes a document in, in place of an earlier one of the same base and source; False when it has not changed.

        It is found by its words at once, by its meaning when `embed` has run.

        Raises:
            Unsupported: it cannot be read.
        """
        document = await asyncio.to_thread(read, data, mime_type, name=source)
        passages = [rows.NewPassage(each.heading, each.text) for each in cut(document.markdown)]
        with organization_scope(organization_id):
            return await rows.put_document(
                base,
                source,
                title=document.title,
                locale=locale,
                mime_type=mime_type,
                content_hash=hashlib.sha256(data).hexdigest(),
                text=document.markdown,
                passages=passages,
                skill=skill,
            )

    @property
    def model(self) -> str:
        """Whose embeddings are compared; "" where words stand alone."""
        return self._embedder.model if self._embedder is not None else ""

    async def documents(self, organization_id: UUID) -> list[rows.DocumentRow]:
        """What was taken in, and how much of it still waits to be embedded by today's model."""
        with organization_scope(organization_id):
            return await rows.documents(self.model)

    async def embed(self, organization_id: UUID, *, within_s: float = math.inf) -> Embedded:
        """Gives every passage that has none an embedding by today's model. Goes on where it was interrupted.

        What another model made stays until then, and is not compared with today's questions: words find those passages meanwhile.

        Raises:
            Retryable: the embedder is away.
        """
        made = 0
        if self._embedder is None:
            return Embedded(made, is_all=True)
        lock = self._embedding.setdefault(organization_id, asyncio.Lock())
        async with lock:  # jobs of several documents would all begin with the same passages
            until = time.monotonic() + within_s
            while True:
                with organization_scope(organization_id):
                    batch = await rows.unembedded(self._embedder.model, EMBED_AT_ONCE)
                if not batch:
                    return Embedded(made, is_all=True)
                if time.monotonic() > until:
                    return Embedded(made, is_all=False)
                texts = [_embedded_text(each.title, each.heading, each.text) for each in batch]
                with organization_scope(organization_id):
                    vectors = await self._embedder.embed(texts, background=True, kind="passage")
                    await rows.put_embeddings(
                        self._embedder.model,
                        [(each.passage_id, vector) for each, vector in zip(batch, vectors, strict=True)],
                    )
                made += len(batch)

    async def _in_time(self, vectors: Coroutine[Any, Any, T | None]) -> T | None:
        """None when they are not there in time. They are made all the same: what was begun anew with each question would never be ready."""
        making = asyncio.ensure_future(vectors)
        self._late.add(making)
        making.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait({making}, timeout=self._timeout_s)
        if not done:
            log.warning("searching without embeddings", extra={"reason": "time"})
            return None
        return making.result()

    async def _vector(self, organization_id: UUID, query: str) -> list[float] | None:
        if self._embedder is None or self._is_warming:
            return None
        try:
            with organization_scope(organization_id):
                await self._prepare(background=False)
                [vector] = await self._embedder.embed([query])
        except ChatNationError as e:  # the embedder is away: words find something too
            log.warning("searching without embeddings", extra={"reason": type(e).__name__})
            return None
        return list(vector)

    async def _prepare(self, *, background: bool) -> None:
        """The model's mean vectors and those of the skills' own passages, once per process."""
        async with self._lock:
            if self._embedder is None or self._centre is not None:
                return
            questions = await self._vectors(ordinary.QUESTIONS, "query", background=background)
            passages = await self._vectors(ordinary.PASSAGES, "passage", background=background)
            texts = [_embedded_text(each.title, each.heading, each.text) for each in self._shelf]
            self._shelf_vectors = await self._vectors(texts, "passage", background=background)
            self._centre = await asyncio.to_thread(lambda: Centre(_mean(questions), _mean(passages)))

    async def _vectors(
        self, texts: Sequence[str], kind: Literal["query", "passage"], *, background: bool
    ) -> list[Sequence[float]]:
        """Of texts that are ours or a skill's; what an earlier process made is read from the file."""
        assert self._embedder is not None
        name = f"{self._embedder.model}/{kind}"
        found: dict[str, Any] = {}  # vectors of numpy, or lists
        if self._cache is not None:
            found.update(await asyncio.to_thread(self._cache.get, name, texts))
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        at_once = WARM_AT_ONCE if background else len(missing)
        for start in range(0, len(missing), max(at_once, 1)):
            batch = missing[start : start + at_once]
            made = dict(zip(batch, await self._embedder.embed(batch, background=background, kind=kind), strict=True))
            if self._cache is not None:
                await asyncio.to_thread(self._cache.put, name, made)
            found |= made
        return [found[text] for text in texts]

    async def _from_shelf(self, organization_id: UUID, skill: str, *, with_vectors: bool) -> list[Found]:
        enabled = await self._enabled(organization_id)
        own = await self._published(organization_id) if self._published is not None else {}
        vectors = self._shelf_vectors if with_vectors and self._shelf_vectors is not None else [[]] * len(self._shelf)
        found = [
            _of_skill(each, vector)
            for each, vector in zip(self._shelf, vectors, strict=True)
            if each.skill not in own and each.skill in enabled and skill in ("", each.skill)
        ]
        for name, (version_id, passages) in own.items():
            if name in enabled and skill in ("", name):
                made = None
                if with_vectors:
                    made = await self._in_time(self._vectors_of(organization_id, version_id, passages))
                found += map(_of_skill, passages, made or [[]] * len(passages))
        return found

    async def _vectors_of(
        self, organization_id: UUID, version_id: UUID, passages: Sequence[ShelfPassage]
    ) -> list[Sequence[float]] | None:
        """Made with the first question after it was published; None: the embedder is away, and the words stand alone."""
        held = self._published_vectors.get(version_id)
        if held is not None or self._embedder is None:
            return held
        texts = [_embedded_text(each.title, each.heading, each.text) for each in passages]
        try:
            with organization_scope(organization_id):
                made = list(await self._embedder.embed(texts, kind="passage")) if texts else []
        except ChatNationError as e:
            log.warning("searching without embeddings", extra={"reason": type(e).__name__})
            return None
        return self._published_vectors.put(version_id, made)


def is_known(rated: Rated[Found]) -> bool:
    return rated.score >= (KNOWN if rated.meaning is not None else KNOWN_BY_WORDS)


def _own(each: rows.Candidate) -> Found:
    return Found(
        each.text,
        _source(each.title, each.heading),
        f"{each.base}/{each.source}",
        each.locale,
        each.skill,
        each.vector,
        f"{each.title} {each.heading} {each.text}",
    )


def _of_skill(each: ShelfPassage, vector: Sequence[float]) -> Found:
    words = f"{each.title} {each.heading} {each.text}"
    return Found(each.text, _source(each.title, each.heading), each.title, each.locale, each.skill, vector, words)


def _source(title: str, heading: str) -> str:
    last = heading.rpartition(" > ")[2]
    return title if last in ("", title) else f"{title}, {last}"


def _embedded_text(title: str, heading: str, text: str) -> str:
    return f"{heading or title}\n{text}"


def _mean(vectors: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]
