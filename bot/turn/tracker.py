"""What a plain rasa-sdk action sees: the tracker and the domain, as dicts of its own.

Everything is made anew for each call: nothing that an action changes is seen by anybody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.actions import Turn
from bot.flows import Compiled, Flow, FlowState, Step
from bot.flows.entities import find_entities

__all__ = ["domain_of", "tracker_of"]

CHANNEL = "whatsapp"
MAX_BOT_EVENTS = 10

_SLASH = re.compile(r"/([^\s{(]+)\s*(\{.*\})?\s*\Z", re.DOTALL)


def tracker_of(turn: Turn, state: FlowState, compiled: Compiled, skill: str) -> dict[str, Any]:
    """All slots of the skill's domain, null included, and a latest message with every field that actions read."""
    latest = _latest(turn, compiled)
    frame, step = _running(state, compiled)
    events = _events(turn, state, latest)
    if state.pending is not None and state.pending.purpose == "validate" and step is not None:
        # Candidates for validation are the trailing slot events (engine.md section 9).
        name = step.target.removeprefix(f"{skill}:")
        events.append(
            {"event": "slot", "name": name, "value": state.slots.get(step.target), "timestamp": turn.now.timestamp()}
        )
    form = frame.id.partition(":")[2] if frame is not None and frame.id in compiled.forms else None
    return json_copy(
        {
            "sender_id": str(turn.session_id),
            "user_id": str(turn.contact.id),
            "slots": compiled.slots_for(skill, state.slots),
            "latest_message": latest,
            "latest_event_time": turn.now.timestamp(),
            "latest_input_channel": CHANNEL,
            "latest_action_name": "action_listen",
            "events": events,
            "paused": False,
            "followup_action": None,
            "active_loop": {"name": form} if form else {},
            "stack": [each.to_json() for each in state.stack],
        }
    )


def domain_of(compiled: Compiled, skill: str) -> dict[str, Any]:
    """The domain as this skill sees it; no other skill's, no other organization's."""
    scope = compiled.scopes.get(skill)
    if scope is None:
        return {"slots": {}, "responses": {}, "actions": [], "forms": {}, "intents": [], "entities": []}
    return json_copy(
        {
            "slots": {name: _slot(compiled, slot, skill) for name, slot in scope.slots.items()},
            "responses": {name: [] for name in scope.responses},
            "actions": sorted(scope.actions),
            "forms": {
                flow.partition(":")[2]: {"required_slots": [_plain(slot, skill) for slot in slots]}
                for flow, slots in compiled.forms.items()
                if flow.startswith(f"{skill}:")
            },
            "intents": sorted(compiled.intents),
            "entities": sorted({entity for known in compiled.entities.values() for entity, _ in known}),
            "session_config": dict(compiled.session.get(skill, {})),
        }
    )


def json_copy(value: dict[str, Any]) -> dict[str, Any]:
    """A deep copy; what is no JSON becomes text."""
    copied: dict[str, Any] = json.loads(json.dumps(value, default=str))
    return copied


def _plain(slot: str, skill: str) -> str:
    return slot.removeprefix(f"{skill}:")


def _slot(compiled: Compiled, slot_id: str, skill: str) -> dict[str, Any]:
    slot = compiled.slots[slot_id]
    found: dict[str, Any] = {"type": slot.type, "initial_value": slot.initial, "mappings": []}
    if slot.values:
        found["values"] = list(slot.values)
    for mapping in slot.mappings:
        conditions = [
            {"active_loop": flow.partition(":")[2]} for flow in mapping.active_flows if flow in compiled.forms
        ]
        found["mappings"].append({"type": mapping.type} | ({"conditions": conditions} if conditions else {}))
    return found


def _running(state: FlowState, compiled: Compiled) -> tuple[Flow | None, Step | None]:
    frame = state.stack[-1] if state.stack else None
    flow = compiled.flows.get(frame.flow) if frame is not None else None
    if frame is None or flow is None or frame.step is None or frame.step not in flow.index:
        return flow, None
    return flow, flow.steps[flow.index[frame.step]]


def _latest(turn: Turn, compiled: Compiled) -> dict[str, Any]:
    intent, entities = _slash(turn.text)
    if intent is None:
        entities = [each.to_json() for each in find_entities(compiled, turn.text)]
    ranking = [{"name": intent, "confidence": 1.0}] if intent else []
    return {
        "text": turn.text,
        "message_id": str(turn.inbox_id),
        "intent": {"name": intent, "confidence": 1.0 if intent else 0.0},
        "intent_ranking": ranking,
        "entities": entities,
        "commands": [],
        "metadata": {
            **turn.metadata,
            "idempotency_key": f"{turn.inbox_id}:{turn.step}",
            "locale": turn.locale,
        },
    }


def _slash(text: str) -> tuple[str | None, list[dict[str, Any]]]:
    """`/intent{"entity": "value"}`."""
    match = _SLASH.match(text.strip())
    if match is None:
        return None, []
    try:
        values = json.loads(match.group(2) or "{}")
    except ValueError:
        values = {}
    values = values if isinstance(values, Mapping) else {}
    return match.group(1), [{"entity": name, "value": value, "start": 0, "end": 0} for name, value in values.items()]


def _events(turn: Turn, state: FlowState, latest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The last messages and this one; the whole history is the host's, not the action's."""
    at = turn.now.timestamp()
    said = [
        {
            "event": "bot",
            "text": each.get("text"),
            "data": {},
            "metadata": {"utter_action": each.get("utter")},
            "timestamp": at,
        }
        for each in state.last_bot[-MAX_BOT_EVENTS:]
    ]
    return [
        {"event": "session_started", "timestamp": at},
        {"event": "action", "name": "action_listen", "timestamp": at},
        *said,
        {
            "event": "user",
            "text": turn.text,
            "parse_data": dict(latest),
            "input_channel": CHANNEL,
            "message_id": str(turn.inbox_id),
            "metadata": dict(latest["metadata"]),
            "timestamp": at,
        },
    ]
