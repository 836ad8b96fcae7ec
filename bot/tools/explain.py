"""Why the bot did what it did: one JSON object per turn.

`considered` holds the readings of the message, with source, confidence and evidence, and why those that were not taken lost;
`engine` what the engine reports of the turn: flows started and ended, slots set, commands dropped and their reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import bot.understand
from bot.flows import Command, Compiled, Effect, FlowState, Log, RunAction, Say
from bot.messages import Inbound

__all__ = ["considered", "engine_trace"]


def considered(
    taken: Any, message: Inbound, state: FlowState, compiled: Compiled, how: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The readings of a message. `taken`: what understanding answered, commands or a result that holds them.

    Where understanding can tell what else it weighed (`interpret(..., trace=True)`), that is told; else what was taken.
    """
    interpret = getattr(bot.understand, "interpret", None)
    if interpret is not None and hasattr(taken, "considered"):
        return [each.to_json() for each in interpret(message, state, compiled, **{**how, "trace": True}).considered]
    commands: Iterable[Command] = getattr(taken, "commands", taken) or ()
    return [{"command": type(each).__name__, **_fields(each), "lost": ""} for each in commands]


def engine_trace(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """In the order in which it happened."""
    found: list[dict[str, Any]] = []
    for each in effects:
        match each:
            case Log(kind, detail):
                found.append({"what": kind, **{str(key): _json(value) for key, value in detail.items()}})
            case RunAction(name=name):
                found.append({"what": "action", "action": name})
            case Say(utter=utter, text=text):
                found.append({"what": "said", "utter": utter, "text": text})
            case _:
                found.append({"what": type(each).__name__, **_fields(each)})
    return found


def _fields(value: Any) -> dict[str, Any]:
    return {key: _json(each) for key, each in asdict(value).items()} if is_dataclass(value) else {}  # type: ignore[arg-type]


def _json(value: Any) -> Any:
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(key): _json(each) for key, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else str(value)
