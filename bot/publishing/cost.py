"""What a conversation with a skill costs: counted in its flows before anybody has it, and measured on those that were.

There are no prices here (decision 29): messages by WhatsApp's category, and the tokens of models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.flows import Compiled, Flow, Step
from bot.flows.model import END
from store.db import fetch
from store.tenancy import organization_scope

__all__ = ["FlowCost", "Measured", "Sent", "estimate", "measured"]

MAX_CONVERSATIONS = 500  # the newest ones tell enough, and are found quickly among a million messages

_SENT = """
WITH newest AS (
    SELECT id FROM sessions WHERE organization_id = $1 AND last_user_at >= $3 ORDER BY last_user_at DESC LIMIT $4
), sent AS (
    SELECT m.session_id, m.pricing->>'category' AS category, (m.pricing->>'billable')::boolean AS is_billable
    FROM newest n JOIN messages m ON m.organization_id = $1 AND m.session_id = n.id
    WHERE m.direction = 'out' AND m.created_at >= $3 AND (starts_with(m.origin, $2 || ':') OR starts_with(m.origin, $2 || '.'))
)
SELECT category, COALESCE(is_billable, false) AS is_billable, count(*) AS messages,
    (SELECT count(DISTINCT session_id) FROM sent) AS conversations
FROM sent GROUP BY 1, 2 ORDER BY 3 DESC
"""
_ASKED = """
SELECT count(*) AS requests, COALESCE(sum(tokens_in), 0) AS tokens_in, COALESCE(sum(tokens_out), 0) AS tokens_out,
    COALESCE(bool_or(is_estimated), false) AS is_estimated
FROM usage_facts WHERE organization_id = $1 AND purpose = 'router.' || $2 AND at >= $3
"""


@dataclass(frozen=True, slots=True)
class FlowCost:
    """Messages of the bot on the shortest and the longest way through a flow, called flows included. A question that is put again
    counts once, and what an action sends by itself is not known: `actions` says how many are on the longest way.
    """

    flow: str
    least: int
    most: int
    questions: int
    actions: int


@dataclass(frozen=True, slots=True)
class Sent:
    """`category`: WhatsApp's, "" where the provider has not told it (yet)."""

    category: str
    is_billable: bool
    messages: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Of the newest conversations since a moment in which the skill said something; requests to models for it since then."""

    conversations: int
    sent: tuple[Sent, ...]
    requests: int
    tokens_in: int
    tokens_out: int
    is_estimated: bool  # a server that did not count the tokens


def estimate(compiled: Compiled, skill: str) -> list[FlowCost]:
    """Of the flows that people can come into, longest first."""
    found = [
        _Ways(compiled).of(flow) for flow in compiled.flows.values() if flow.skill == skill and not flow.is_pattern
    ]
    return sorted((each for each in found if each.most), key=lambda each: (-each.most, each.flow))


async def measured(organization_id: UUID, skill: str, *, since: datetime) -> Measured:
    with organization_scope(organization_id):
        sent = await fetch(_SENT, organization_id, skill, since, MAX_CONVERSATIONS)
        [asked] = await fetch(_ASKED, organization_id, skill, since)
    return Measured(
        conversations=sent[0]["conversations"] if sent else 0,
        sent=tuple(Sent(row["category"] or "", row["is_billable"], row["messages"]) for row in sent),
        requests=asked["requests"],
        tokens_in=int(asked["tokens_in"]),
        tokens_out=int(asked["tokens_out"]),
        is_estimated=asked["is_estimated"],
    )


class _Ways:
    """Shortest and longest ways. Arrows that go back are left out, so every way ends."""

    def __init__(self, compiled: Compiled) -> None:
        self._flows: Mapping[str, Flow] = compiled.flows
        self._on_the_way: list[str] = []

    def of(self, flow: Flow) -> FlowCost:
        if flow.id in self._on_the_way:
            return FlowCost(flow.id, 0, 0, 0, 0)
        self._on_the_way.append(flow.id)
        nothing = FlowCost(flow.id, 0, 0, 0, 0)
        after: dict[int, FlowCost] = {}
        for number in range(len(flow.steps) - 1, -1, -1):
            step = flow.steps[number]
            ahead = [to for to in _targets(step) if to == END or to > number]
            ways = [nothing if to == END else after[to] for to in ahead] or [nothing]
            longest = max(ways, key=lambda each: (each.most, each.questions, each.actions))
            own = self._of_step(step)
            after[number] = FlowCost(
                flow.id,
                own.least + min(each.least for each in ways),
                own.most + longest.most,
                own.questions + longest.questions,
                own.actions + longest.actions,
            )
        self._on_the_way.pop()
        return after.get(0, nothing)

    def _of_step(self, step: Step) -> FlowCost:
        match step.kind:
            case "utter":
                return FlowCost("", 1, 1, 0, 0)
            case "collect":  # what is known already is not asked
                return FlowCost("", 0, 1, 1, 0)
            case "action" | "named":
                return FlowCost("", 0, 0, 0, 1)
            case "call" | "link" if step.target in self._flows:
                return self.of(self._flows[step.target])
        return FlowCost("", 0, 0, 0, 0)


def _targets(step: Step) -> list[int]:
    return [step.next] if isinstance(step.next, int) else [branch.to for branch in step.next]
