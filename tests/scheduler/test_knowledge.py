"""Another embedding model than before: what was written down is embedded again by itself, and answers meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import pytest

from bot.knowledge import KnowledgeStore
from bot.testing.openai_server import OpenAIServer
from store.db import execute, fetch
from store.tenancy import organization_scope
from tests.scheduler import world
from tests.scheduler.test_processes import Fleet, fleet, rows
from tests.support.database import Database

__all__ = ["fleet", "rows"]  # fixtures

pytestmark = pytest.mark.slow

TEXT = b"# House rules\n\n## Dogs\n\nDogs are welcome on a lead.\n\n## Parking\n\nCars stand behind the house.\n"


class Model:
    """One of the two models, as a port."""

    def __init__(self, name: str, dimension: int, server: OpenAIServer | None = None) -> None:
        self.model = name
        self._dimension = dimension
        self._server = server

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> Sequence[Sequence[float]]:
        if self._server is not None:
            return [self._server.vector(text) for text in texts]
        return [[1.0, *[0.0] * (self._dimension - 1)] for _ in texts]

    async def close(self) -> None:
        return None


async def no_skills(organization_id: UUID) -> Sequence[str]:
    return ()


async def test_another_model_embeds_everything_again_while_words_go_on_answering(
    rows: Database, fleet: Fleet, environment: dict[str, str]
) -> None:
    organization_id = await world.new_organization()
    before = KnowledgeStore(Model("before", 3), enabled=no_skills, folders={})
    await before.put(organization_id, TEXT, "text/markdown", base="house", source="rules.md")
    assert (await before.embed(organization_id)).made == 2
    with organization_scope(organization_id):
        await execute("UPDATE jobs SET state = 'done'")

    async with OpenAIServer.open(key="sk-test") as server:
        now = KnowledgeStore(
            Model("text-embedding-3-small", 1536, server), enabled=no_skills, folders={}
        )  # as any process opened with today's settings has it
        [best, *_] = await now.search(organization_id, "are dogs welcome")
        assert best.source == "House rules, Dogs"
        assert [(each.passages, each.waiting) for each in await now.documents(organization_id)] == [(2, 2)]

        environment |= {
            "CHATNATION__EMBEDDINGS__PROVIDER": "openai",
            "CHATNATION__LLM__BASE_URL": server.base_url,
            "CHATNATION__LLM__API_KEY": "sk-test",
        }
        await fleet.start("worker", "bulk")
        await fleet.start("clock")
        deadline = time.monotonic() + 20
        while any(each.waiting for each in await now.documents(organization_id)):
            assert time.monotonic() < deadline, fleet.log(0)
            await asyncio.sleep(0.1)
        assert "House rules > Dogs\nDogs are welcome on a lead." in server.embedded

    [best, *_] = await now.search(organization_id, "are dogs welcome")
    assert best.source == "House rules, Dogs"
    with organization_scope(organization_id):
        jobs = await fetch("SELECT name, count(*) FROM jobs GROUP BY name")
    assert [(each["name"], each["count"]) for each in jobs] == [("core.embed_knowledge", 2)], "one for it all"
