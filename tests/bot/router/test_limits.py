"""`limits.llm_calls_per_turn` of a skill's manifest: from its agent on, a turn asks models no more often."""

from __future__ import annotations

import pytest

from bot.registry import Registry
from bot.testing.openai_server import OpenAIServer
from tests.bot.router.conftest import PARKING, OpenStage, Shelf, traces
from tests.bot.router.test_understanding import known, texts

WISH = "tell me about shirts"
QUOTED = f"{PARKING.text}\n\n_Source: Visitor guide_"
WRITTEN = "It is on Level 2.\n\n_Source: Visitor guide_"


def allowing(calls: int | None) -> Registry:
    registry = Registry.load(package="tests.bot.router.skills")
    shop = registry.skills["shop"].manifest
    assert shop is not None
    limits = shop.limits.model_copy(update={"llm_calls_per_turn": calls})
    registry.skills["shop"].manifest = shop.model_copy(update={"limits": limits})
    return registry


@pytest.mark.parametrize(("limit", "requests", "said"), [(None, 2, WRITTEN), (1, 1, QUOTED), (5, 2, WRITTEN)])
async def test_its_agent_and_what_that_looks_up_ask_no_more(
    server: OpenAIServer, open_stage: OpenStage, limit: int | None, requests: int, said: str
) -> None:
    stage = await open_stage(server, Shelf({"shirts": [PARKING]}))
    stage.runtime.registry = allowing(limit)
    await stage.runtime.bind({"router": "bot.router.open:open_router"})
    ann = await known(stage)
    server.commands({"command": "search"})
    server.answers({"answer": "It is on Level 2.", "sources": [1]})
    assert await texts(ann, WISH) == [said]
    assert server.requests == requests


async def test_a_skill_that_allows_none_is_not_asked_about_and_the_trace_says_why(
    server: OpenAIServer, open_stage: OpenStage
) -> None:
    stage = await open_stage(server)
    stage.runtime.registry = allowing(0)
    await stage.runtime.bind({"router": "bot.router.open:open_router"})
    ann = await known(stage)
    await ann.say(WISH)
    assert server.requests == 0
    [trace] = await traces(ann)
    assert any("limits.llm_calls_per_turn of shop is 0" in str(each.get("limit")) for each in trace["nodes"])
