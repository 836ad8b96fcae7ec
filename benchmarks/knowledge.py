"""Searching 100,000 passages of 100 organizations, one of which has 40,000 of them: by meaning beside an exact search by hand, and altogether.

The vectors are made up: 384 numbers of 48 hidden ones, around 300 subjects, with noise. Questions are drawn like passages and are none of
them. Texts are words by Zipf's law.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg

from benchmarks.floors.knowledge import Exact
from benchmarks.stand import Stand
from benchmarks.table import Line, median
from bot.config import Configuration
from bot.runtime import open_store
from store import db
from store import knowledge as rows
from store.crypto import install_keyring
from store.embedded import Role
from store.fields import vector_text
from store.ids import uuid7
from store.passage_index import tend_passage_indexes
from store.tenancy import organization_scope

if TYPE_CHECKING:
    import numpy as np

__all__ = ["run"]

T = TypeVar("T")

SIZES = (40_000, *[606] * 98, 612)
MODEL = "bench"
ROUNDS = 5
QUESTIONS = 25  # a round
WARM = 5
TARGET_MS, TARGET_RECALL = 5.0, 0.95
WORDS_OF_QUESTION = 4


def run(stand: Stand) -> Sequence[Line]:
    return asyncio.run(_measure(stand))


@dataclass(frozen=True, slots=True)
class Question:
    organization_id: UUID
    vector: Sequence[float]
    words: Sequence[str]


@dataclass(slots=True)
class Found:
    """Milliseconds and shares, of each question."""

    ours: list[float] = field(default_factory=list)
    exact: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)


async def _measure(stand: Stand) -> list[Line]:
    world = World()
    organizations = await _fill(stand, world)
    await open_store(Configuration.read(stand.environment()), "bench")
    exact = await Exact.open(stand.postgres.dsn(Role.APP))
    try:
        made = await tend_passage_indexes(stand.postgres.dsn(Role.OWNER))
        if made != 2:
            raise RuntimeError(f"{made} indexes were made; one organization is large: its words, its vectors")
        large = await _ask(world, exact, [organizations[0]])
        small = await _ask(world, exact, organizations[1:])
    finally:
        await exact.close()
        install_keyring(None)
        await db.close()
    return [*_lines("40,000 passages", large), *_lines("606 passages", small)]


async def _ask(world: World, exact: Exact, organizations: Sequence[UUID]) -> Found:
    """In rounds of ours, exact, and ours with words and spelling: turn by turn an exact search of 40,000 would empty the caches of the others."""
    found = Found()
    theirs = itertools.cycle(organizations)
    for _ in range(ROUNDS):
        asked = [
            Question(next(theirs), world.vectors(1)[0].tolist(), world.words(WORDS_OF_QUESTION))
            for _ in range(QUESTIONS)
        ]
        ours, times = await _timed(asked, _by_meaning)
        found.ours += times
        truth, times = await _timed(
            asked, lambda each: exact.nearest(each.organization_id, MODEL, vector_text(each.vector))
        )
        found.exact += times
        _, times = await _timed(asked, _altogether)
        found.whole += times
        found.recall += [
            len({each.passage_id for each in mine} & set(right[:5])) / 5
            for mine, right in zip(ours, truth, strict=True)
        ]
    return found


async def _timed(asked: Sequence[Question], search: Callable[[Question], Awaitable[T]]) -> tuple[list[T], list[float]]:
    """The answers, and the milliseconds of all but the first few."""
    answers, times = [], []
    for each in asked:
        with organization_scope(each.organization_id):
            began = time.perf_counter()
            answers.append(await search(each))
            times.append((time.perf_counter() - began) * 1e3)
    return answers, times[WARM:]


async def _by_meaning(asked: Question) -> list[rows.Candidate]:
    return await rows.candidates(asked.organization_id, [], "", model=MODEL, vector=asked.vector, skill="")


async def _altogether(asked: Question) -> list[rows.Candidate]:
    words = asked.words
    return await rows.candidates(
        asked.organization_id, words, " ".join(words), model=MODEL, vector=asked.vector, skill=""
    )


def _lines(name: str, found: Found) -> Iterator[Line]:
    ours, recall = median(found.ours), sum(found.recall) / len(found.recall)
    yield Line(
        f"knowledge search by meaning, {name}",
        ours,
        median(found.exact),
        "ms",
        f"< {TARGET_MS:.0f} ms",
        ours < TARGET_MS,
    )
    yield Line("... recall@5 against exact", 100 * recall, 100, "%", f">= {TARGET_RECALL:.0%}", recall >= TARGET_RECALL)
    whole = median(found.whole)
    yield Line("... with words and spelling", whole, None, "ms", f"< {TARGET_MS:.0f} ms", whole < TARGET_MS)


class World:
    """Vectors and words, the same each time."""

    def __init__(self) -> None:
        import numpy as np

        self._random = np.random.default_rng(7)
        self._words = random.Random(7)
        self._hidden = self._random.standard_normal((48, 384)) / 48**0.5
        self._subjects = self._random.standard_normal((300, 48))
        syllables = [a + b for a in "bcdfghklmnprstwz" for b in "aeiou"]
        self._vocabulary = ["".join(self._words.choices(syllables, k=self._words.randint(2, 4))) for _ in range(6000)]
        self._weights = [1 / (n + 10) for n in range(6000)]

    def vectors(self, count: int) -> np.ndarray:
        import numpy as np

        about = self._subjects[self._random.integers(0, len(self._subjects), count)]
        hidden = about + 0.6 * self._random.standard_normal(about.shape)
        made = hidden @ self._hidden + 0.15 * self._random.standard_normal((count, 384))
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))

    def words(self, count: int) -> list[str]:
        return self._words.choices(self._vocabulary, self._weights, k=count)


async def _fill(stand: Stand, world: World) -> list[UUID]:
    organizations = [uuid7() for _ in SIZES]
    connection = await asyncpg.connect(stand.postgres.dsn(Role.SUPERUSER))
    try:
        # Made anew afterwards: row by row the trigrams alone take minutes.
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'knowledge_passages' AND indexdef LIKE '%USING gin%'"
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        for organization_id, size in zip(organizations, SIZES, strict=True):
            await _fill_one(connection, world, organization_id, size)
        for index in indexes:
            await connection.execute(index["indexdef"])
        await connection.execute("VACUUM ANALYZE knowledge_passages")
    finally:
        await connection.close()
    return organizations


async def _fill_one(connection: asyncpg.Connection, world: World, organization_id: UUID, size: int) -> None:
    base_id, document_id = uuid7(), uuid7()
    await connection.execute(
        "INSERT INTO organizations (id, name, slug, country, locale, timezone, settings, created_at)"
        " VALUES ($1, 'Bench', $2, 'KE', 'en', 'Africa/Nairobi', '{}', now())",
        organization_id,
        organization_id.hex,
    )
    await connection.execute(
        "INSERT INTO knowledge_bases (id, organization_id, name, skill, created_at) VALUES ($1, $2, 'b', '', now())",
        base_id,
        organization_id,
    )
    await connection.execute(
        "INSERT INTO knowledge_documents (id, organization_id, base_id, source, title, locale, mime_type, content_hash, text, updated_at)"
        " VALUES ($1, $2, $3, 's', 'T', 'en', 'text/plain', '', '', now())",
        document_id,
        organization_id,
        base_id,
    )
    lines = [
        f"{uuid7()}\t{organization_id}\t{document_id}\t{n}\t\t{' '.join(world.words(50))}\ten\t{MODEL}\t[{','.join(f'{x:.5f}' for x in vector)}]\n"
        for n, vector in enumerate(world.vectors(size).tolist())
    ]
    await connection.copy_to_table(
        "knowledge_passages",
        source=io.BytesIO("".join(lines).encode()),
        columns=["id", "organization_id", "document_id", "position", "heading", "text", "locale", "model", "embedding"],
    )
