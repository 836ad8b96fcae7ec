"""What a benchmark found, and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Line", "median", "percentile", "show"]


@dataclass(frozen=True, slots=True)
class Line:
    """One measured thing. `met` None: there is no target, the line is there to compare."""

    work: str
    project: float
    floor: float | None
    unit: str
    target: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> str:
        return f"{self.project / self.floor:.2f}" if self.floor else ""


def show(lines: Sequence[Line]) -> str:
    rows = [("", "project", "floor", "unit", "project : floor", "target", "")]
    rows += [
        (
            line.work,
            _number(line.project),
            _number(line.floor),
            line.unit,
            line.ratio,
            line.target,
            {True: "met", False: "MISSED", None: ""}[line.met],
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
