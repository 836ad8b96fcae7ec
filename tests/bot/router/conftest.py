from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from uuid import UUID

import pytest
from ruamel.yaml import YAML

from bot.ports import Passage
from bot.testing import Person, Stage
from bot.testing.openai_server import OpenAIServer
from bot.turn.online import traces_of
from store.crypto import keyring
from tests.support.database import Database

OpenStage = Callable[..., Awaitable[Stage]]

CORE = YAML(typ="safe", pure=True).load(resources.files("bot.flows.core").joinpath("domain.yml").read_text())


def core_text(response: str) -> str:
    """As the engine words it today, where nobody reads along."""
    return str(next(each["text"] for each in CORE["responses"][response] if "condition" not in each))


PARKING = Passage("Parking is free on Level 2 of KICC. Call +254 700 123 456 for help.", "Visitor guide", 0.9)


@dataclass
class Shelf:
    """Knowledge, as far as it stands on a test's shelf: word -> passages."""

    passages: dict[str, Sequence[Passage]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    error: Exception | None = None

    async def search(
        self, organization_id: UUID, query: str, *, locale: str = "", skill: str = "", limit: int = 4
    ) -> Sequence[Passage]:
        self.asked.append(query)
        if self.error is not None:
            raise self.error
        return [each for word, found in self.passages.items() if word in query.lower() for each in found][:limit]


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer.open() as opened:
        yield opened


@pytest.fixture
async def open_stage(database: Database) -> AsyncIterator[OpenStage]:
    """A stage with the skills of this folder; `llm` is the server that is asked, other words are settings of the section."""
    async with AsyncExitStack() as stack:

        async def start(llm: OpenAIServer | None = None, knowledge: Shelf | None = None, **settings: Any) -> Stage:
            given = {f"CHATNATION__LLM__{name.upper()}": str(value) for name, value in settings.items()}
            if llm is not None:
                given |= {"CHATNATION__LLM__BASE_URL": llm.base_url, "CHATNATION__LLM__BACKOFF_S": "0.01"}
            return await stack.enter_async_context(
                Stage.open(
                    skills=("shop", "desk"), package="tests.bot.router.skills", settings=given, knowledge=knowledge
                )
            )

        yield start


async def traces(person: Person) -> list[dict[str, Any]]:
    """What `chatnation explain` finds of a conversation, oldest first."""
    assert person.session_id is not None
    organization_id = person.stage.organization_id
    return await traces_of(organization_id, person.session_id, await keyring().keys(organization_id))


async def facts(stage: Stage) -> list[Any]:
    return await stage.rows("SELECT * FROM usage_facts ORDER BY at, id")
