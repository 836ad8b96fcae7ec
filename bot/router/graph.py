"""The graph of the router (seed 7.1): entry -> context -> classify -> one agent per skill, RAG agent, support agent -> respond.

No checkpointer: the session row is the checkpoint. Compiled once per set of skills.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langsmith.run_helpers import tracing_context

from bot.llm.errors import LlmAway
from bot.ports import LLM, Knowledge, Question, Routed
from bot.router import nodes
from bot.router.state import KNOWLEDGE, SUPPORT, RouterState, Surroundings, agent_of

__all__ = ["GraphRouter", "build_graph"]

log = logging.getLogger(__name__)

MAX_GRAPHS = 64  # sets of skills; organizations share them
GRACE_S = 0.5  # whoever asks a model keeps the time itself, and writes down what that cost
WITHOUT_MODEL_S = 3.0  # for a search in the knowledge


class GraphRouter:
    """Implements `bot.ports.Router`."""

    def __init__(
        self,
        llm: LLM | None,
        knowledge: Knowledge | None,
        prose: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._llm = llm
        self._knowledge = knowledge
        self._prose = prose or {}
        self._limits = limits or {}
        self._graph_of = lru_cache(maxsize=MAX_GRAPHS)(build_graph)

    async def route(self, question: Question) -> Routed:
        started = time.monotonic()
        around = Surroundings(question, self._llm, self._knowledge, self._prose, self._limits)
        trace: dict[str, Any] = {"outcome": "offline"}
        left_s = question.budget.left_s if question.budget else WITHOUT_MODEL_S
        found: Mapping[str, Any] = {}
        try:
            # What people write must not be sent to a tracing service because of a variable in the environment.
            with tracing_context(enabled=False):
                async with asyncio.timeout(max(left_s, 0) + GRACE_S):
                    found = await self._graph_of(question.skills).ainvoke({"tried": [], "trace": []}, context=around)
        except (TimeoutError, LlmAway):
            trace["outcome"] = "time"
        except Exception:
            # A router that fails must not take the turn along: what was understood offline still stands.
            log.exception("router failed")
            trace["outcome"] = "failed"
        commands = tuple(found.get("commands", ()))
        if commands:
            trace["outcome"] = "routed"
        ms = round((time.monotonic() - started) * 1000, 1)
        trace |= {"nodes": found.get("trace", []), "offline": [repr(each) for each in question.offline], "ms": ms}
        log.info(
            "routed",
            extra={"outcome": trace["outcome"], "agents": found.get("tried", []), "commands": len(commands), "ms": ms},
        )
        return Routed(commands, trace)


def build_graph(skills: tuple[str, ...]) -> Any:
    graph = StateGraph(RouterState, context_schema=Surroundings)
    agents = {SUPPORT: nodes.CommandAgent(), **{agent_of(skill): nodes.CommandAgent(skill) for skill in skills}}
    graph.add_node("load_context", nodes.load_context)
    graph.add_node("classify", nodes.classify)
    graph.add_node(KNOWLEDGE, nodes.rag)
    graph.add_node("respond", nodes.respond)
    for name, agent in agents.items():
        graph.add_node(name, agent)
    graph.add_edge(START, "load_context")
    graph.add_edge("load_context", "classify")
    graph.add_conditional_edges("classify", nodes.to_agent, [*agents, KNOWLEDGE, "respond"])
    for name in agents:
        graph.add_conditional_edges(name, nodes.go_on, [KNOWLEDGE, "respond"])
    graph.add_conditional_edges(KNOWLEDGE, nodes.go_on, [*agents, "respond"])
    graph.add_edge("respond", END)
    return graph.compile()
