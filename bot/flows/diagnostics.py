"""What the loader and the compiler have to say about a skill's files, each with its place.

Codes: `CN-YAML-*` the text itself, `CN-FLOW-*` flows and steps, `CN-COND-*` conditions, `CN-SLOT-*` slots,
`CN-RESP-*` responses, `CN-NLU-*` examples, `CN-FORM-*` forms, `CN-RULE-*` rules and stories, `CN-NAME-*` names across files
and skills, `CN-FILE-*` files of a project, `CN-PRICE-*` the price book. A code keeps its meaning for ever; docs/diagnostics.md lists them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

__all__ = ["Diagnostic", "Pos", "Reporter", "Severity", "nearest"]

Severity = Literal["error", "warning", "note"]


class Pos(NamedTuple):
    """A place in a file; line and column count from 1. `pointer`: the same as a JSON pointer (RFC 6901)."""

    file: str
    line: int = 1
    column: int = 1
    pointer: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    code: str
    severity: Severity
    message: str
    file: str
    line: int = 1
    column: int = 1
    suggestion: str = ""
    flow: str = ""  # the flow it is about, if one; an error here refuses that flow only
    pointer: str = ""
    subject: str = ""  # "slot:x" or "response:utter_x": an error here refuses the flows that use it

    def to_json(self) -> dict[str, Any]:
        found = {
            key: getattr(self, key) for key in ("code", "severity", "message", "file", "line", "column", "pointer")
        }
        return found | {key: value for key in ("suggestion", "flow", "subject") if (value := getattr(self, key))}

    def __str__(self) -> str:
        tail = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}{tail}"


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or nothing when nothing is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{found[0]}"?' if found else ""


class Reporter:
    """Collects diagnostics; `flow` is the flow being read, so that an error refuses that flow and not the skill.

    `subject`: the slot or response being read, as `slot:x` or `response:utter_x`.
    """

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.flow = ""
        self.subject = ""

    @contextmanager
    def about(self, *, flow: str = "", subject: str = "") -> Iterator[None]:
        before = self.flow, self.subject
        self.flow, self.subject = flow or self.flow, subject or self.subject
        try:
            yield
        finally:
            self.flow, self.subject = before

    def error(self, code: str, message: str, pos: Pos, suggestion: str = "") -> None:
        self._add(code, "error", message, pos, suggestion)

    def warning(self, code: str, message: str, pos: Pos, suggestion: str = "") -> None:
        self._add(code, "warning", message, pos, suggestion)

    def note(self, code: str, message: str, pos: Pos, suggestion: str = "") -> None:
        self._add(code, "note", message, pos, suggestion)

    def _add(self, code: str, severity: Severity, message: str, pos: Pos, suggestion: str) -> None:
        flow, subject = self.flow, self.subject
        if not flow and not subject:  # a fault of the text itself: its place says what it is about
            flow, subject = _about(pos.pointer)
        place = (pos.file, pos.line, pos.column)
        self.found.append(Diagnostic(code, severity, message, *place, suggestion, flow, pos.pointer, subject))


def _about(pointer: str) -> tuple[str, str]:
    """(flow, subject) that a place belongs to. A second flow, slot or response of the same name is not about the first."""
    root, *rest = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:3]] or [""]
    if not rest:
        return "", ""
    if root == "flows":
        return rest[0], ""
    return "", f"{root[:-1]}:{rest[0]}" if root in ("slots", "responses") else ""
