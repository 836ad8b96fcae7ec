"""Which live conversations a change of the flows would leave without a place; before it is published.

The rule is the engine's own (`bot.flows.reconcile`): the same step goes on; a question that is still asked is put again; what is
neither is dropped, and the person is told. Counts only, no contacts: one statement over the organization's sessions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.flows import Compiled, Frame, Pending
from bot.flows.reconcile import Fate, fate
from store.db import fetch
from store.tenancy import organization_scope

__all__ = ["Stranded", "judge", "standing", "stranded"]

_SHAPES = """
SELECT (SELECT jsonb_agg(jsonb_build_object('flow', f.v->'flow', 'kind', f.v->'kind', 'step', f.v->'step') ORDER BY f.n)
        FROM jsonb_array_elements(s.state->'stack') WITH ORDINALITY AS f(v, n))::text AS stack,
    jsonb_build_object('kind', s.state#>'{pending,kind}', 'flow', s.state#>'{pending,flow}', 'step', s.state#>'{pending,step}',
        'slot', s.state#>'{pending,slot}')::text AS pending,
    count(*) AS conversations
FROM sessions s
WHERE s.organization_id = $1 AND jsonb_typeof(s.state->'stack') = 'array' AND jsonb_array_length(s.state->'stack') > 0
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Stranded:
    """So many conversations stand at `step` of `flow` and lose it ("dropped") or hear its question again ("asked again")."""

    flow: str
    step: str
    fate: Fate
    conversations: int


async def standing(organization_id: UUID) -> Counter[tuple[str, str]]:
    """How many conversations stand at each (flow, step) now; one that a flow called stands in the calling flow as well."""
    with organization_scope(organization_id):
        rows = await fetch(_SHAPES, organization_id)
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        places = {(each["flow"], each["step"]) for each in json.loads(row["stack"]) if each["step"]}
        found.update(dict.fromkeys(places, row["conversations"]))
    return found


async def stranded(organization_id: UUID, new: Compiled, *, old: Compiled | None = None) -> list[Stranded]:
    """Most conversations first. With `old` only those that have their place today."""
    with organization_scope(organization_id):
        rows = await fetch(_SHAPES, organization_id)
    found: Counter[tuple[str, str, Fate]] = Counter()
    for row in rows:
        stack = [Frame.from_json(each) for each in json.loads(row["stack"])]
        pending = _pending(json.loads(row["pending"]))
        for judged in judge(stack, pending, new, old):
            found[judged] += row["conversations"]
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [Stranded(flow, step, what, count) for (flow, step, what), count in ordered]


def judge(
    stack: Sequence[Frame], pending: Pending | None, new: Compiled, old: Compiled | None = None
) -> Iterator[tuple[str, str, Fate]]:
    """The frames of one conversation that do not simply go on."""
    for n, frame in enumerate(stack):
        above = stack[n + 1] if n + 1 < len(stack) else None
        what = fate(frame, pending, new, above)
        if what != "kept" and (old is None or fate(frame, pending, old, above) == "kept"):
            yield frame.flow, frame.step or "", what


def _pending(data: Mapping[str, Any]) -> Pending | None:
    if not data.get("kind"):
        return None
    return Pending.from_json({**data, "flow": data.get("flow") or "", "step": data.get("step") or ""})
