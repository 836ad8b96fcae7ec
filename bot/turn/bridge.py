"""From the engine's RunAction to a skill's action and back (engine.md section 9, without ActionExecutor).

Our own actions get a `Turn`. A plain `rasa_sdk.Action` gets a deep-copied tracker, its skill's domain only, and a dispatcher of its own;
only the events it returns are applied.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from bot.actions import SkillAction, Turn, Utterance
from bot.errors import Permanent, UserFacing
from bot.flows import ActionResult, Button, Compiled, FlowState, Say, WaitFor
from bot.flows.outside import why_refused
from bot.messages import OUTBOUND, Choices
from bot.remote.action import RemoteAction
from bot.turn.threads import Threads, ThreadsBusy
from bot.turn.tracker import domain_of, tracker_of
from store.access import Asker, asking

__all__ = ["PART", "plain_slots", "result_of", "run_action"]

log = logging.getLogger(__name__)

ACTION_TIMEOUT_S = 8.0  # a local action holds a transaction; an online one a conversation
MAX_MESSAGES = 50  # of one call; an action that says more is in a loop
THREADS = Threads(16)  # for actions whose run() is no coroutine
PART = "part"  # key in Say.custom under which an action's own message part travels


async def run_action(
    action: Any,
    turn: Turn,
    state: FlowState,
    compiled: Compiled,
    *,
    skill: str,
    timeout_s: float = ACTION_TIMEOUT_S,
    threads: Threads = THREADS,
    asker: Asker | None = None,
) -> ActionResult:
    """Runs it. `UserFacing` becomes what the person is told; every other error is the caller's to decide about.

    What a plain action said before it failed is lost, as its events are: the step is offered again as a whole.

    `asker`: what it may do beside answering, see `store.access`; a remote action's call to its own server is the platform's.

    Raises:
        Permanent: it took longer than `timeout_s`, or a blocking one found no thread.
        NotDeclared: it did what its skill's manifest does not say.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if isinstance(action, RemoteAction):
                return await _run_remote(action, turn, state, compiled)
            with asking(asker):
                if isinstance(action, SkillAction):
                    await action.perform(turn)
                    return result_of(turn)
                return await _run_plain(action, turn, state, compiled, skill, timeout_s, threads)
    except TimeoutError as e:
        raise Permanent(f"action of step {turn.step} took longer than {timeout_s:g} s") from e
    except SystemExit as e:
        raise Permanent(f"action of step {turn.step} tried to end the process") from e
    except ThreadsBusy as e:
        raise Permanent(f"action of step {turn.step}: {e}") from e


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


async def _run_remote(action: RemoteAction, turn: Turn, state: FlowState, compiled: Compiled) -> ActionResult:
    events, messages = await action.ask(turn, state, compiled)
    if len(messages) > MAX_MESSAGES:
        raise Permanent(f"action of step {turn.step} said {len(messages)} things at once")
    return ActionResult(events=_events(events, turn), messages=[_message(each) for each in messages])


async def _run_plain(
    action: Any, turn: Turn, state: FlowState, compiled: Compiled, skill: str, timeout_s: float, threads: Threads
) -> ActionResult:
    tracker = Tracker.from_dict(tracker_of(turn, state, compiled, skill))
    dispatcher = CollectingDispatcher()
    domain = domain_of(compiled, skill)
    instance = _fresh(action)
    try:
        if inspect.iscoroutinefunction(instance.run):
            events = await instance.run(dispatcher, tracker, domain)
        else:
            events = await threads.run(
                lambda: instance.run(dispatcher, tracker, domain), timeout_s=max(timeout_s - 0.1, 0.1)
            )
            if inspect.isawaitable(events):
                events = await events
    except ActionExecutionRejection as e:
        # Not an error: the action says that something else should be done.
        return ActionResult(events=[{"event": "action_execution_rejected", "name": e.action_name}])
    messages = dispatcher.messages
    if len(messages) > MAX_MESSAGES:
        raise Permanent(f"action of step {turn.step} said {len(messages)} things at once")
    return ActionResult(events=_events(events, turn), messages=[_message(each) for each in messages])


_NOT_COPIED = (TypeError, ValueError, AttributeError, RuntimeError, RecursionError, copy.Error)


def _fresh(action: Any) -> Any:
    """An instance for this call alone, unless the class says that it keeps nothing: what one person left on `self` is not
    seen by the next."""
    if getattr(type(action), "stateless", False):
        return action
    try:
        return copy.deepcopy(action)
    except _NOT_COPIED:  # it holds a lock or a client: made anew, or shared where even that is impossible
        try:
            return type(action)()
        except TypeError:
            return copy.copy(action)


def _events(events: Any, turn: Turn) -> list[dict[str, Any]]:
    """As dicts. What the engine will not apply is logged here too, where whoever runs the system sees it."""
    found: list[dict[str, Any]] = []
    for event in events or ():
        if not isinstance(event, Mapping):
            log.warning("no event", extra={"step": turn.step, "what": type(event).__name__})
            continue
        if why := why_refused(event):
            log.warning(
                "event of an action refused", extra={"step": turn.step, "event_kind": event.get("event"), "why": why}
            )
        found.append(dict(event))
    return found


_KNOWN = frozenset(("text", "buttons", "elements", "custom", "template", "response", "image", "attachment"))


def _message(message: Mapping[str, Any]) -> Say:
    buttons = tuple(
        Button(str(each.get("title") or ""), str(each.get("payload") or each.get("title") or ""))
        for each in message.get("buttons") or ()
        if isinstance(each, Mapping)
    )
    custom = dict(message.get("custom") or {})
    if message.get("elements"):
        custom.setdefault("elements", message["elements"])
    if "type" in custom:
        try:
            OUTBOUND.validate_python(custom)
        except ValidationError as e:
            raise Permanent(f"a custom message that is none: {e.errors()[0]['msg']}") from e
    return Say(
        text=str(message.get("text") or ""),
        buttons=buttons,
        image=message.get("image"),
        attachment=message.get("attachment"),
        custom=custom or None,
        utter=message.get("response") or message.get("template"),
        values={str(key): value for key, value in message.items() if key not in _KNOWN},
    )
