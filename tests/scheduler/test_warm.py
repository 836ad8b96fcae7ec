"""A worker makes its vectors ready beside the questions that come meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bot.embedding import Senses
from bot.embedding.cache import VectorCache
from bot.knowledge import KnowledgeStore
from bot.testing import Stage
from scheduler.warm import warm
from tests.support.database import Database

PATIENCE_S = 10.0
PARKING = b"# House\n\n## Parking\n\nCars stand behind the house, parking is free.\n"


class SlowModel:
    """Stands at the Embedder port; nothing comes out before `gate` is set."""

    model = "slow"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.asked: list[tuple[str, bool]] = []

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> list[list[float]]:
        self.asked += [(text, background) for text in texts]
        self.begun.set()
        await self.gate.wait()
        return [[1.0, float(len(text) % 7), float(len(text) % 11)] for text in texts]

    async def close(self) -> None: ...


async def test_a_question_does_not_wait_for_the_vectors_and_finds_them_ready_afterwards(
    database: Database, tmp_path: Path
) -> None:
    async with Stage.open(skills=("assistant", "events")) as stage:
        model, runtime = SlowModel(), stage.runtime
        cache = VectorCache(tmp_path / "vectors.sqlite")
        folders = {skill.name: skill.folder for skill in runtime.registry.usable}

        async def enabled(_: object) -> Sequence[str]:
            return ("assistant", "events")

        def opened() -> KnowledgeStore:
            return KnowledgeStore(model, enabled=enabled, folders=folders, cache=cache)

        runtime.embedder, runtime.knowledge = model, opened()
        runtime.senses = Senses(model, cache, timeout_s=PATIENCE_S, beside=runtime.beside)
        await runtime.knowledge.put(stage.organization_id, PARKING, "text/markdown", base="house", source="house.md")
        compiled = runtime.registry.compiled(runtime.registry.skills)

        warming = asyncio.ensure_future(warm(runtime))
        async with asyncio.timeout(PATIENCE_S):
            await model.begun.wait()
            found = await runtime.knowledge.search(stage.organization_id, "is there parking")
        assert found[0].source == "House, Parking"
        assert not warming.done()

        model.gate.set()
        async with asyncio.timeout(PATIENCE_S):
            await warming
            await runtime.senses.prepare(compiled)
        assert all(background for _, background in model.asked)
        model.asked = []
        await runtime.knowledge.search(stage.organization_id, "is there parking")
        assert model.asked == [("is there parking", False)]

        # The next process reads them.
        model.asked = []
        await opened().warm()
        assert model.asked == []
