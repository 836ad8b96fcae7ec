"""`extra=` with a name that log records have already raises where somebody wanted to log: the process dies of its own complaint."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import project_sources

ROOT = Path(__file__).parents[2]
TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def clashes(path: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text, path)):
        if not isinstance(node, ast.keyword) or node.arg != "extra" or not isinstance(node.value, ast.Dict):
            continue
        for key in node.value.keys:
            if isinstance(key, ast.Constant) and key.value in TAKEN:
                yield f"{path}:{key.lineno} {key.value}"


def test_no_log_call_takes_a_name_of_the_record() -> None:
    found = [clash for path, text in project_sources(ROOT) if path.endswith(".py") for clash in clashes(path, text)]
    assert found == []


def test_the_check_sees_one() -> None:
    assert list(clashes("a.py", "log.info('x', extra={'skill': 1, 'module': 2})")) == ["a.py:1 module"]
