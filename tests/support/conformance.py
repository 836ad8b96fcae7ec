"""`python -m tests.support.conformance` writes docs/conformance.md from tests/conformance/*.yml."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ROWS = ROOT / "tests" / "conformance"
PAGE = ROOT / "docs" / "conformance.md"
STATUSES = ("full", "partial", "accepted-ignored", "refused")
ORACLES = ("pypred", "rasa-sdk", "documentation", "own")

HEAD = """# Conformance of the flow language

ChatNation reads a documented subset of the Rasa CALM flows format (public documentation 3.14-3.16). What of it holds is in this table, written by
`python -m tests.support.conformance` from `tests/conformance/`, and a test says when it is not up to date. *Tests* counts the tests named there; many of
them are parametrised or generate their cases. *Oracle*: against what the result is judged.

**full** runs as described, but for what the note says · **partial** runs in part · **accepted-ignored** is read, does nothing, and says so · **refused** is
not run, with a code and a place.
"""


@dataclass(frozen=True, slots=True)
class Feature:
    row: str
    feature: str
    status: str
    oracle: str
    note: str
    tests: tuple[str, ...]


def read_rows() -> list[tuple[dict[str, Any], list[Feature]]]:
    found = []
    for path in sorted(ROWS.glob("*.yml")):
        data = YAML(typ="safe", pure=True).load(path.read_text())
        features = [
            Feature(
                data["row"],
                each["feature"],
                each["status"],
                each["oracle"],
                " ".join(str(each.get("note") or "").split()),
                tuple(each.get("tests") or ()),
            )
            for each in data["features"]
        ]
        found.append((data, features))
    return found


def page() -> str:
    lines = [HEAD]
    rows = read_rows()
    every = [feature for _, features in rows for feature in features]
    totals = ", ".join(f"{sum(each.status == status for each in every)} {status}" for status in STATUSES)
    lines.append(f"{len(every)} features: {totals}.\n")
    for data, features in rows:
        lines.append(f"## {data['row']}: {data['title']}\n")
        lines.append("| feature | status | tests | oracle | note |\n|---|---|---|---|---|")
        lines += [
            f"| {_cell(f.feature)} | {f.status} | {len(f.tests)} | {f.oracle} | {_cell(f.note)} |" for f in features
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


@cache
def named_tests(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


if __name__ == "__main__":
    PAGE.write_text(page())
