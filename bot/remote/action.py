"""One call of an action server, and what of its answer may count.

Both ways are narrowed to the one skill: the request shows its own slots, flows and domain; the answer sets its own slots, says its
own responses and asks for its own actions. A server that sends anything else is refused as a whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from bot.actions import OnlineAction, Turn
from bot.errors import Permanent
from bot.flows import Compiled, FlowState
from bot.remote.settings import Server
from bot.skill import SkillContext
from bot.turn.tracker import domain_of, tracker_of

__all__ = ["PROTOCOL", "RemoteAction"]

PROTOCOL = "3.16"  # of the action server; sent as `version`
MAX_EVENTS = 200
MAX_DEPTH = 50  # of the answer; deeper ones are made to hurt


class RemoteAction(OnlineAction):
    """An action of a skill with `trust: remote`. One instance serves all conversations; it keeps nothing about any."""

    def __init__(self, context: SkillContext, name: str, server: Server | None) -> None:
        super().__init__(context)
        self.name = name  # type: ignore[misc]  # a class per action elsewhere; here the domain names them
        self._server = server
        self.timeout_s = server.timeout_s if server else None

    async def ask(self, turn: Turn, state: FlowState, compiled: Compiled) -> tuple[list[Any], list[Any]]:
        """(events, responses) as the server gave them.

        Raises:
            Permanent: no server is set, it cannot be reached or it answers something that is no answer.
            TimeoutError: it took longer than the skill's limit.
        """
        skill, server = self.context.skill, self._server
        if server is None:
            raise Permanent(f"skill {skill} is remote, and remote.urls has no address for it")
        body = json.dumps(request_of(self.name, turn, state, compiled, skill)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{turn.inbox_id}:{turn.step}"}
        if server.secret is not None:
            mac = hmac.new(server.secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-ChatNation-Signature"] = f"sha256={mac}"
        try:
            async with asyncio.timeout(server.timeout_s):
                status, data = await _post(server, body, headers)
        except (aiohttp.ClientError, OSError) as e:
            if isinstance(e, TimeoutError):
                raise
            raise Permanent(f"calling the action server of {skill}: {type(e).__name__}") from e
        answer = _read(data, skill, status)
        if status == 400 and isinstance(answer.get("action_name"), str):
            return [{"event": "action_execution_rejected", "name": self.name}], []
        if status != 200:
            raise Permanent(f"the action server of {skill} answers {status} to {self.name}")
        return _narrowed(answer, skill, compiled)


def request_of(name: str, turn: Turn, state: FlowState, compiled: Compiled, skill: str) -> dict[str, Any]:
    """The documented body, of this skill alone."""
    own = _slots(compiled, skill)
    tracker = tracker_of(turn, state, compiled, skill)
    tracker["slots"] = {plain: value for plain, value in tracker["slots"].items() if plain in own}
    tracker["stack"] = [
        {"flow": frame["flow"], "kind": frame["kind"], "step": frame["step"]}
        for frame in tracker["stack"]
        if str(frame["flow"]).startswith(f"{skill}:")
    ]
    # What the bot said before may be another skill's.
    tracker["events"] = [
        each
        for each in tracker["events"]
        if each["event"] != "bot" and (each["event"] != "slot" or each.get("name") in own)
    ]
    entities = {mapping.entity for slot in own.values() for mapping in compiled.slots[slot].mappings if mapping.entity}
    known = [each for each in tracker["latest_message"]["entities"] if each.get("entity") in entities]
    tracker["latest_message"]["entities"] = known
    for event in tracker["events"]:
        if event["event"] == "user":
            event["parse_data"]["entities"] = known
    domain = domain_of(compiled, skill)
    scope = compiled.scopes[skill]
    prefix = f"{skill}:"
    domain["slots"] = {plain: slot for plain, slot in domain["slots"].items() if plain in own}
    domain["responses"] = {plain: [] for plain, full in scope.responses.items() if full.startswith(prefix)}
    domain["actions"] = sorted(plain for plain, full in scope.actions.items() if full.startswith(prefix))
    domain["intents"] = sorted(
        intent for intent, flows in compiled.intents.items() if any(flow.startswith(prefix) for flow, _ in flows)
    )
    domain["entities"] = sorted(entities)
    return {
        "next_action": name,
        "sender_id": str(turn.session_id),
        "tracker": tracker,
        "domain": domain,
        "version": PROTOCOL,
    }


async def _post(server: Server, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    # A connection per call: nothing to keep open or to close with the process. 1 ms on this machine, 30 ms over TLS.
    async with (
        aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.post(server.url, data=body, headers=headers, allow_redirects=False) as response,
    ):
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > server.max_response_bytes:
                raise Permanent(f"an action server answered more than {server.max_response_bytes:,} bytes")
        return response.status, bytes(data)


def _read(data: bytes, skill: str, status: int) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        if status != 200:
            return {}
        raise Permanent(f"the action server of {skill} answers something that is no JSON object")
    return answer


def _narrowed(answer: Mapping[str, Any], skill: str, compiled: Compiled) -> tuple[list[Any], list[Any]]:
    events, responses = answer.get("events") or [], answer.get("responses") or []
    if not isinstance(events, list) or not isinstance(responses, list):
        raise Permanent(f"the action server of {skill} answers no lists of events and responses")
    if len(events) > MAX_EVENTS or _depth(answer) > MAX_DEPTH:
        raise Permanent(f"the action server of {skill} answers more than {MAX_EVENTS} events, or too deep")
    for each in responses:
        if not isinstance(each, dict):
            raise Permanent(f"the action server of {skill} answers a message that is none")
        utter = each.get("response") or each.get("template")
        if utter is not None and not _is_own(utter, skill):
            raise Permanent(f"the action server of {skill} wants to say {str(utter)[:80]!r}, which is not its own")
    return list(_events(events, skill, compiled)), responses


def _events(events: list[Any], skill: str, compiled: Compiled) -> Iterator[dict[str, Any]]:
    own, scope = _slots(compiled, skill), compiled.scopes[skill]
    known = {**scope.responses, **scope.actions}  # a plain name may be that of a skill that this one requires
    for each in events:
        if not isinstance(each, dict):
            raise Permanent(f"the action server of {skill} answers an event that is none")
        kind = each.get("event")
        if kind == "reset_slots":
            for name in own:
                yield {"event": "slot", "name": name, "value": compiled.slots[own[name]].initial}
        elif kind == "restart":
            raise Permanent(f"the action server of {skill} wants to restart a conversation that is not its alone")
        elif kind == "slot" and each.get("name") != "requested_slot" and each.get("name") not in own:
            raise Permanent(f"the action server of {skill} sets {str(each.get('name'))[:80]!r}, which is not its own")
        elif kind == "followup" and not _is_own(known.get(str(each.get("name")), each.get("name")), skill):
            raise Permanent(f"the action server of {skill} goes on with {str(each.get('name'))[:80]!r}")
        else:
            yield each


def _slots(compiled: Compiled, skill: str) -> dict[str, str]:
    """The skill's own slots, by the names of its files."""
    scope = compiled.scopes.get(skill)
    return {plain: full for plain, full in scope.slots.items() if full.startswith(f"{skill}:")} if scope else {}


def _is_own(name: Any, skill: str) -> bool:
    return isinstance(name, str) and (":" not in name or name.startswith(f"{skill}:"))


def _depth(value: Any) -> int:
    """Without recursion: the answer may be deep on purpose."""
    deepest, todo = 0, [(value, 1)]
    while todo:
        each, depth = todo.pop()
        deepest = max(deepest, depth)
        if depth <= MAX_DEPTH and isinstance(each, (dict, list)):
            todo += [(inner, depth + 1) for inner in (each.values() if isinstance(each, dict) else each)]
    return deepest
