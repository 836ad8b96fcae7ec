"""`python -m tests.support.diagnostics` writes docs/diagnostics.md from the places where the code says something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "diagnostics.md"
FOLDERS = ("bot/flows", "bot/check")
CODE = re.compile(r"CN-[A-Z]+-\d{3}")

# Said through helpers, where the wording does not stand beside the code.
ELSEWHERE = {
    "CN-COND-008": ("error", "not readable as Jinja: …"),
    "CN-FLOW-003": ("warning", "a flow or step has no property …, it is ignored"),
    "CN-FLOW-041": ("error", "the link to … leads back here without a question on the way"),
    "CN-FLOW-042": ("warning", "the link to … can lead back here without a question on the way"),
    "CN-FORM-002": ("warning", "a form has no property …, it is ignored"),
    "CN-NAME-007": ("error", "it needs a slot or response that has an error at …"),
    "CN-NLU-005": ("warning", "an item, a locale file or a translation has no property …, it is ignored"),
    "CN-SKILL-032": ("error", "no task of the queue … runs the job …"),
    "CN-RESP-002": ("warning", "a response or button has no property …, it is ignored"),
    "CN-RESP-008": ("error", "not readable as Jinja: …"),
    "CN-SKILL-001": ("error", "the manifest or the code of a skill cannot be used: …"),
    "CN-SLOT-002": ("warning", "a slot, mapping or domain has no property …, it is ignored"),
}

HEAD = """# What `chatnation check` says

Each finding has a code that keeps its meaning, a place (file:line:column and a JSON pointer), and often a suggestion. An *error* refuses the flow it is about,
and turns one of our own skills off; a *warning* does not stop it; a *note* says what is read and does nothing. The first wording of each code, written
by `python -m tests.support.diagnostics`; … stands for what is found.

| code | | says |
|---|---|---|
"""


def codes() -> dict[str, tuple[str, str]]:
    """code -> (severity, wording), the first found."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        for code, severity, message in _said(tree):
            if code not in found or (message and not found[code][1]):
                found[code] = (severity, message)
    found |= {code: told for code, told in ELSEWHERE.items() if code in found}
    for code in ("CN-COND-003", "CN-COND-004", "CN-COND-005", "CN-COND-009"):
        found[code] = ("warning", found[code][1])
    return {code: (severity or "error", wording) for code, (severity, wording) in sorted(found.items())}


def _said(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Call, ast.Tuple)):
            parts = node.args if isinstance(node, ast.Call) else node.elts
            for n, part in enumerate(parts):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value):
                    after = [_text(each) for each in parts[n + 1 :]]
                    wording = next((text for text in after if " " in text), "")
                    yield part.value, _severity(node, after), wording
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value, "", ""


def _severity(node: ast.AST, after: list[str]) -> str:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("error", "warning", "note")
    ):
        return node.func.attr
    return next((text for text in after if text in ("error", "warning", "note")), "")


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def page() -> str:
    return HEAD + "".join(
        f"| {code} | {severity} | {wording.replace('|', chr(92) + '|')} |\n"
        for code, (severity, wording) in codes().items()
    )


if __name__ == "__main__":
    PAGE.write_text(page())
