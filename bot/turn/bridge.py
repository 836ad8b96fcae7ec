"""From the engine's RunAction to a skill's action and back (engine.md section 9, without ActionExecutor).

Our own actions get a `Turn`. A plain `rasa_sdk.Action` gets a deep-copied tracker, its skill's domain only, and a dispatcher of its own;
only the events it returns are applied.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Mapping
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import SkillAction, Turn, Utterance
from bot.errors import Permanent, UserFacing
from bot.flows import ActionResult, Button, FlowState, Say, WaitFor
from bot.messages import OUTBOUND, Choices

__all__ = ["PART", "plain_slots", "result_of", "run_action"]

log = logging.getLogger(__name__)

ACTION_TIMEOUT_S = 8.0  # a local action holds a transaction; an online one a conversation
PART = "part"  # key in Say.custom under which an action's own message part travels


async def run_action(action: Any, turn: Turn, state: FlowState, *, skill: str) -> ActionResult:
    """Runs it. `UserFacing` becomes what the person is told; every other error is the caller's to decide about.

    Raises:
        Permanent: it took longer than ACTION_TIMEOUT_S.
    """
    try:
        async with asyncio.timeout(ACTION_TIMEOUT_S):
            if isinstance(action, SkillAction):
                await action.perform(turn)
                return result_of(turn)
            return await _run_plain(action, turn, state, skill)
    except TimeoutError as e:
        raise Permanent(f"action of step {turn.step} took longer than {ACTION_TIMEOUT_S:.0f} s") from e


def failed_kindly(error: UserFacing) -> ActionResult:
    """The person is told, the turn goes on."""
    return ActionResult(messages=(Say(utter=error.key, values=error.values),))


def result_of(turn: Turn) -> ActionResult:
    events = [{"event": "slot", "name": name, "value": value} for name, value in turn.changes.items()]
    if turn.followup is not None:
        events.append({"event": "followup", "name": turn.followup})
    wait = None
    if turn.wait is not None:
        wait = WaitFor(
            turn.wait.event, turn.wait.key, until=turn.wait.until, slot=turn.wait.slot, on_timeout=turn.wait.on_timeout
        )
    return ActionResult(events=events, messages=[_say(each) for each in turn.utterances], wait=wait)


def plain_slots(state: FlowState, skill: str) -> dict[str, Any]:
    """Slots as the skill's own files name them; those of other skills keep their full id."""
    prefix = f"{skill}:"
    return {name.removeprefix(prefix): value for name, value in state.slots.items()}


def _say(utterance: Utterance) -> Say:
    part = utterance.part
    buttons = tuple(Button(each.title, each.payload, each.description) for each in utterance.options)
    if part is None:
        return Say(utter=utterance.response, values=utterance.values, buttons=buttons)
    custom = {PART: OUTBOUND.dump_python(part, mode="json")}
    if utterance.response:
        return Say(utter=utterance.response, values=utterance.values, custom=custom)
    if isinstance(part, Choices):
        # The engine must know the options too: people type their number or title.
        buttons = tuple(Button(each.title, each.payload, each.description) for each in part.options)
    return Say(text=" ", custom=custom, buttons=buttons)


async def _run_plain(action: Any, turn: Turn, state: FlowState, skill: str) -> ActionResult:
    tracker = Tracker.from_dict(copy.deepcopy(_tracker(turn, state, skill)))
    dispatcher = CollectingDispatcher()
    run = action.run(dispatcher, tracker, {"slots": {}, "responses": {}})
    events = await run if asyncio.iscoroutine(run) else run
    return ActionResult(
        events=[dict(event) for event in events or ()], messages=[_message(each) for each in dispatcher.messages]
    )


def _tracker(turn: Turn, state: FlowState, skill: str) -> dict[str, Any]:
    latest = {
        "text": turn.text,
        "intent": {"name": None, "confidence": 0.0},
        "intent_ranking": [],
        "entities": [],
        "metadata": {"idempotency_key": f"{turn.inbox_id}:{turn.step}"},
    }
    return {
        "sender_id": str(turn.session_id),
        "slots": plain_slots(state, skill),
        "latest_message": latest,
        "events": [{"event": "user", "text": turn.text, "input_channel": "whatsapp", "timestamp": None}],
        "paused": False,
        "followup_action": None,
        "active_loop": {},
        "latest_action_name": None,
        "stack": [frame.to_json() for frame in state.stack],
    }


def _message(message: Mapping[str, Any]) -> Say:
    known = {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
    buttons = tuple(Button(str(b.get("title", "")), str(b.get("payload", ""))) for b in message.get("buttons") or ())
    return Say(
        text=message.get("text") or "",
        buttons=buttons,
        image=message.get("image"),
        attachment=message.get("attachment"),
        custom=message.get("custom") or None,
        utter=message.get("response") or message.get("template"),
        values={key: value for key, value in message.items() if key not in known},
    )
