"""What the loader and the compiler have to say about a skill's files, each with its place.

Codes: `CN-YAML-*` the text itself, `CN-FLOW-*` flows and steps, `CN-COND-*` conditions, `CN-SLOT-*` slots,
`CN-RESP-*` responses, `CN-NLU-*` examples, `CN-NAME-*` names across files and skills.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["Diagnostic", "Pos", "Reporter", "Severity", "nearest"]

Severity = Literal["error", "warning", "note"]


class Pos(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

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

    def __str__(self) -> str:
        tail = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}{tail}"


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or nothing when nothing is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{found[0]}"?' if found else ""


class Reporter:
    """Collects diagnostics; `flow` is the flow being read, so that an error refuses that flow and not the skill."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.flow = ""

    def error(self, code: str, message: str, pos: Pos, suggestion: str = "") -> None:
        self._add(code, "error", message, pos, suggestion)

    def warning(self, code: str, message: str, pos: Pos, suggestion: str = "") -> None:
        self._add(code, "warning", message, pos, suggestion)

    def note(self, code: str, message: str, pos: Pos, suggestion: str = "") -> None:
        self._add(code, "note", message, pos, suggestion)

    def _add(self, code: str, severity: Severity, message: str, pos: Pos, suggestion: str) -> None:
        self.found.append(Diagnostic(code, severity, message, pos.file, pos.line, pos.column, suggestion, self.flow))
