"""`chatnation explain`: what was understood in a conversation of the running demo, one JSON object per turn.

What can be told depends on what is kept: the readings beside a message (`messages.understanding`) and the router's sealed traces
(`turn_traces`), where it was asked; always which flow and step each answer came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from bot.bodies import decode_inbound, decode_outbound
from bot.cli.state import use_running
from bot.demo.people import read
from bot.errors import ChatNationError
from bot.runtime import open_store
from bot.turn.online import traces_of
from store import db
from store.crypto import OrganizationKeys, install_keyring, keyring
from store.jsonb import from_jsonb
from store.tenancy import organization_scope

__all__ = ["print_traces", "turns_of"]

_LAST = (
    "SELECT session_id FROM messages WHERE organization_id = $1 AND direction = 'in' ORDER BY created_at DESC LIMIT 1"
)
_MESSAGES = "SELECT * FROM messages WHERE organization_id = $1 AND session_id = $2 ORDER BY created_at, id"

_COMMIT = re.compile(r"#(\d+):\d+\Z")  # in the origin of a reply, see bot.turn.speech


async def print_traces(session: str, *, turns: int, show: Callable[[str], object]) -> None:
    """Oldest first; without `session` of the conversation in which somebody wrote last.

    Raises:
        ChatNationError: nothing runs, or there is no such conversation.
    """
    configuration = use_running()
    await open_store(configuration, "explain")
    try:
        newest: tuple[Any, list[dict[str, Any]]] | None = None
        for organization in read(configuration.data):
            with organization_scope(organization.id):
                found = await turns_of(organization.id, session)
            if found and (newest is None or found[-1]["at"] > newest[0]):
                newest = (found[-1]["at"], found)
        if newest is None:
            raise ChatNationError(f"there is no conversation {session}" if session else "nobody has written yet")
        for each in newest[1][-turns:]:
            show(json.dumps(each, ensure_ascii=False, default=str))
    finally:
        install_keyring(None)
        await db.close()


async def turns_of(organization_id: UUID, session: str) -> list[dict[str, Any]]:
    """Oldest first, of the conversation in which somebody wrote last unless one is named. In the organization's scope."""
    try:
        session_id = UUID(session) if session else None
    except ValueError as e:
        raise ChatNationError(f"{session!r} is no id of a conversation") from e
    if session_id is None:
        last = await db.fetch(_LAST, organization_id)
        if not last:
            return []
        session_id = last[0]["session_id"]
    keys = await keyring().keys(organization_id)
    routed = {each["message_id"]: each for each in await traces_of(organization_id, session_id, keys)}
    rows = await db.fetch(_MESSAGES, organization_id, session_id)
    return _told(rows, routed, keys)


def _told(
    rows: Sequence[Mapping[str, Any]], routed: Mapping[UUID, Any], keys: OrganizationKeys
) -> list[dict[str, Any]]:
    turns = [_turn(row, routed, keys) for row in rows if row["direction"] == "in"]
    for row in rows:
        if row["direction"] == "out" and (turn := _answered(row, turns)) is not None:
            text = getattr(decode_outbound(row["body"], keys).part, "text", "")
            turn["answers"].append({"type": row["type"], "text": text, "from": row["origin"], "status": row["status"]})
    return turns


def _turn(row: Mapping[str, Any], routed: Mapping[UUID, Any], keys: OrganizationKeys) -> dict[str, Any]:
    understood = dict(row).get("understanding")
    part = decode_inbound(row["body"], keys)
    return {
        "session_id": row["session_id"],
        "message_id": row["id"],
        "at": row["created_at"],
        "message": part.model_dump(mode="json", exclude_defaults=True) | {"type": part.type},
        "understanding": from_jsonb(understood) if understood is not None else None,
        "router": routed.get(row["id"]),
        "answers": [],
    }


def _answered(answer: Mapping[str, Any], turns: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The turn that it belongs to: of messages in quick succession by the commit, else the last one before it.

    What is not a text (a tap, a picture) is kept without its commit.
    """
    before = [turn for turn in turns if turn["at"] <= answer["created_at"]]
    found = _COMMIT.search(answer["origin"])
    if found is not None:
        for turn in before:
            if int((turn["understanding"] or {}).get("revision", -1)) >= int(found[1]):
                return turn
    return before[-1] if before else None
