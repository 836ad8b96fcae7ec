"""A process with LangSmith's variables set: prints what its server got of our router, then of a bare graph. Run by `test_tracing`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

from langchain_core.tracers.langchain import wait_for_all_tracers
from langgraph.graph import END, START, StateGraph

from bot.flows import CannotHandle, FlowState
from bot.ports import Passage, Question
from bot.registry import Registry
from bot.router.graph import GraphRouter


class Shelf:
    async def search(self, *what: Any, **how: Any) -> Sequence[Passage]:
        return [Passage("Parking is free.", "Guide")]


class Bare(TypedDict):
    text: str


def _bare() -> Any:
    graph = StateGraph(Bare)
    graph.add_node("same", lambda state: {"text": state["text"]})
    graph.add_edge(START, "same")
    graph.add_edge("same", END)
    return graph.compile()


async def _ours() -> None:
    registry = Registry.load()
    skills = tuple(skill.name for skill in registry.usable)
    question = Question(
        uuid.uuid4(),
        uuid.uuid4(),
        "is there parking",
        [CannotHandle()],
        FlowState(),
        registry.compiled(skills),
        "en",
        "KE",
        datetime.now(UTC),
        skills,
    )
    assert (await GraphRouter(None, Shelf()).route(question)).commands


if __name__ == "__main__":
    asyncio.run(_ours())
    wait_for_all_tracers()
    print("between", flush=True)
    input()
    _bare().invoke({"text": "control"})
    wait_for_all_tracers()
