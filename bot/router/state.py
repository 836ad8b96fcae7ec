"""What travels through the graph, and what its nodes have around them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from bot.flows import Command
from bot.ports import LLM, Knowledge, Passage, Question
from bot.router.rank import Candidate
from bot.router.situation import Situation

__all__ = ["KNOWLEDGE", "SUPPORT", "RouterState", "Surroundings", "agent_of"]

SUPPORT = "support"
KNOWLEDGE = "knowledge"


class RouterState(TypedDict, total=False):
    """`agent`: who is asked next, "": nobody. `tried`: who was. `trace` grows node by node."""

    situation: Situation
    candidates: Sequence[Candidate]
    passages: Sequence[Passage]
    is_searched: bool  # False: there is nowhere to look, or it cannot be looked into now
    agent: str
    tried: Annotated[list[str], operator.add]
    proposed: Sequence[Command]
    commands: Sequence[Command]
    trace: Annotated[list[Mapping[str, Any]], operator.add]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The graph's context: the question, and the ports it may use. `prose`: what skills say about themselves (`skill.md`); `limits`: how often
    models may be asked for one of them (`limits.llm_calls_per_turn`)."""

    question: Question
    llm: LLM | None
    knowledge: Knowledge | None
    prose: Mapping[str, str]
    limits: Mapping[str, int]


def agent_of(skill: str) -> str:
    """The node of a skill's agent."""
    return f"skill_{skill}"
