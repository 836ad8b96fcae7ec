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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
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

SIZES = (40_000, *[606] * 98, 612)
MODEL = "bench"
QUESTIONS = 100
WARM = 10
TARGET_MS, TARGET_RECALL = 5.0, 0.95
WORDS_OF_QUESTION = 4


def run(stand: Stand) -> Sequence[Line]:
    return asyncio.run(_measure(stand))


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
        if made != 1:
            raise RuntimeError(f"{made} indexes were made; one organization is large")
        large = await _ask(world, exact, [organizations[0]])
        small = await _ask(world, exact, organizations[1:])
    finally:
        await exact.close()
        install_keyring(None)
        await db.close()
    return [*_lines("40,000 passages", large), *_lines("606 passages", small)]


async def _ask(world: World, exact: Exact, organizations: Sequence[UUID]) -> Found:
    """In turns: ours, exact, and with words and spelling too."""
    found = Found()
    for n, organization_id in enumerate(itertools.islice(itertools.cycle(organizations), WARM + QUESTIONS)):
        vector = world.vectors(1)[0].tolist()
        words = world.words(WORDS_OF_QUESTION)
        as_text = vector_text(vector)
        with organization_scope(organization_id):
            began = time.perf_counter()
            ours = await rows.candidates(organization_id, [], "", model=MODEL, vector=vector, skill="")
            between = time.perf_counter()
            truth = await exact.nearest(organization_id, MODEL, as_text)
            after = time.perf_counter()
            await rows.candidates(organization_id, words, " ".join(words), model=MODEL, vector=vector, skill="")
            ended = time.perf_counter()
        if n >= WARM:
            found.ours.append((between - began) * 1e3)
            found.exact.append((after - between) * 1e3)
            found.whole.append((ended - after) * 1e3)
            found.recall.append(len({each.passage_id for each in ours} & set(truth[:5])) / 5)
    return found


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
    yield Line("... with words and spelling", median(found.whole), None, "ms")


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
