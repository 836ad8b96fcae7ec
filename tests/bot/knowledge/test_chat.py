"""In the chat: a question in the middle of a registration is answered with its source, and the registration goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from bot.demo.load import KNOWLEDGE
from bot.embedding.local import LocalEmbedder
from bot.knowledge import KnowledgeStore
from bot.testing.stage import Stage
from store.tenancy import organization_scope
from tests.support.database import Database

PROJECT = Path(__file__).parents[3]
SKILLS = ("assistant", "events")


async def _both(organization_id: UUID) -> tuple[str, ...]:
    return SKILLS


@pytest.fixture(params=["by meaning", "by words alone"])
async def stage(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    from skills.events import testing

    embedder = LocalEmbedder() if request.param == "by meaning" else None
    knowledge = KnowledgeStore(embedder, enabled=_both, folders={name: PROJECT / "skills" / name for name in SKILLS})
    async with Stage.open(skills=SKILLS, knowledge=knowledge) as stage:
        with organization_scope(stage.organization_id):
            await testing.given([{"slug": "book-fair", "title": "Book fair"}], now=stage.clock.now())
        for path, locale in (("visiting.md", "en"), ("visiting.sw.md", "sw")):
            data = (KNOWLEDGE / "savanna" / path).read_bytes()
            await knowledge.put(stage.organization_id, data, "text/markdown", base="faq", source=path, locale=locale)
        await stage.settle()  # the job that embeds them
        await knowledge.embed(stage.organization_id)
        yield stage
    if embedder is not None:
        await embedder.close()


async def test_a_question_in_mid_registration_is_answered_and_the_registration_goes_on(stage: Stage) -> None:
    ann = stage.person("Ann")
    await ann.say("register for the book fair")
    asked = (await ann.say("1"))[-1].text if not await _asks(stage, ann, "name") else ann.heard[-1].text
    heard = [each.text for each in await ann.say("is there parking?")]
    assert any("The first hour is free" in text and "Visiting our events, Parking" in text for text in heard), heard
    assert heard[-1] == asked
    assert "events:events_name" not in await ann.slots()


async def test_what_nothing_answers_is_said_not_to_be_known_and_nothing_is_invented(stage: Stage) -> None:
    ben = stage.person("Ben")
    await ben.say("hi")
    heard = " ".join(each.text for each in await ben.say("who won the football match yesterday?"))
    assert "Visiting" not in heard
    assert heard


async def test_in_swahili_the_swahili_passage_is_quoted(stage: Stage) -> None:
    amina = stage.person("Amina")
    await amina.say("habari")
    heard = " ".join(each.text for each in await amina.say("maegesho ni wapi?"))
    assert "Saa ya kwanza ni bure" in heard


async def _asks(stage: Stage, person: object, what: str) -> bool:
    state = await person.state()  # type: ignore[attr-defined]
    return state.pending is not None and (state.pending.slot or "").endswith(what)
