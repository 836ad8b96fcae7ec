"""A conversation as a test case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from bot.errors import ChatNationError

__all__ = ["Act", "Script", "record"]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did: `user`, `tap` or `now`, with its value, and who."""

    kind: str
    value: str
    who: str
    older: int = 0


@dataclass(slots=True)
class Script:
    """What was done since the conversation began, and for each act what `who` heard."""

    skills: tuple[str, ...]
    locale: str
    begun: datetime
    people: dict[str, str] = field(default_factory=dict)
    acts: list[tuple[Act, list[str]]] = field(default_factory=list)


def record(path: Path, script: Script, *, name: str = "recorded") -> str:
    """Adds the conversation to the cases of a file, which is made when it is not there; returns the case's name.

    Raises:
        ChatNationError: the file holds something else.
    """
    yaml = YAML(typ="rt")
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    data: Any = yaml.load(path.read_text("utf-8")) if path.is_file() else None
    if data is None:
        data = {"skills": list(script.skills), "test_cases": []}
    if not isinstance(data, Mapping) or not isinstance(data.get("test_cases"), list):
        raise ChatNationError(f"{path} holds no test_cases; nothing was recorded")
    known = {str(each.get("test_case")) for each in data["test_cases"]}
    n = next(n for n in range(1, len(known) + 2) if f"{name} {n}" not in known)
    case: dict[str, Any] = {"test_case": f"{name} {n}"}
    if len(script.people) > 1:
        case["people"] = dict(script.people)
    case |= {"locale": script.locale, "now": script.begun.isoformat(), "steps": _steps(script)}
    data["test_cases"].append(case)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(data, file)
    return str(case["test_case"])


def _steps(script: Script) -> Sequence[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for act, heard in script.acts:
        step: dict[str, Any] = {act.kind: _quoted(act.value)}
        if len(script.people) > 1 and act.kind != "now":
            step["from"] = act.who
        if act.older:
            step["older"] = act.older
        steps.append(step)
        said: list[dict[str, Any]] = [{"bot": _quoted(text.strip())} for text in heard if text.strip()]
        steps += [{**each, "from": act.who} for each in said] if len(script.people) > 1 else said
    return steps


def _quoted(text: str) -> str:
    quoted: str = LiteralScalarString(text) if "\n" in text else DoubleQuotedScalarString(text)
    return quoted
