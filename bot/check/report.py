"""What `check` has to say: each flow runs, runs with warnings, or is refused; and what belongs to no flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.flows import Diagnostic

__all__ = ["FlowReport", "Report", "Status"]


class Status(StrEnum):
    RUN = "run"
    WARN = "warn"  # runs, with warnings
    REFUSED = "refused"  # does not run


@dataclass(frozen=True, slots=True)
class FlowReport:
    flow: str
    skill: str
    status: Status
    file: str
    line: int
    column: int
    diagnostics: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "skill": self.skill,
            "status": self.status.value,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "diagnostics": [each.to_json() for each in self.diagnostics],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """`diagnostics`: all of them, also those that stand with a flow."""

    profile: str
    checked: str  # a folder, or the names of skills
    flows: Sequence[FlowReport]
    diagnostics: Sequence[Diagnostic]

    @property
    def has_errors(self) -> bool:
        return any(each.severity == "error" for each in self.diagnostics)

    def totals(self) -> dict[str, int]:
        found = {"flows": len(self.flows)}
        found |= {status.value: sum(each.status is status for each in self.flows) for status in Status}
        for severity in ("error", "warning", "note"):
            found[f"{severity}s"] = sum(each.severity == severity for each in self.diagnostics)
        return found

    def to_json(self) -> dict[str, Any]:
        told = {id(each) for flow in self.flows for each in flow.diagnostics}
        return {
            "profile": self.profile,
            "checked": self.checked,
            "totals": self.totals(),
            "flows": [each.to_json() for each in self.flows],
            "diagnostics": [each.to_json() for each in self.diagnostics if id(each) not in told],
        }


def status_of(diagnostics: Iterable[Diagnostic]) -> Status:
    severities = {each.severity for each in diagnostics}
    return Status.REFUSED if "error" in severities else Status.WARN if "warning" in severities else Status.RUN
