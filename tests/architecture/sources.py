"""Rules that guard isolation and cannot be said to import-linter, checked on the syntax tree of every module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("bot", "skills", "channels", "admin_ui", "store", "scheduler")
MAY_BE_UNSCOPED = ("scheduler/", "store/", "admin_ui/pages/platform")
# The leader's advisory lock lives as long as a connection of its own; the tests' throw-away server makes and drops whole databases.
MAY_CONNECT = ("store/", "scheduler/leader.py", "bot/testing/database.py")
# Connections go back to the pool without RESET ALL: a binding for the session would be there for the next organization.
SESSION_BINDING = re.compile(
    r"\bSET\s+(?!LOCAL\b)(?:SESSION\s+)?app\.current_org|set_config\s*\(\s*'app\.current_org'[^)]*,\s*false\s*\)", re.I
)


def project_sources(root: Path) -> Iterator[tuple[str, str]]:
    """(path relative to the root, text) of every Python and SQL file of the product."""
    for package in PACKAGES:
        for pattern in ("*.py", "*.sql"):
            for path in sorted((root / package).rglob(pattern)):
                yield path.relative_to(root).as_posix(), path.read_text()


def violations(sources: Iterable[tuple[str, str]]) -> list[str]:
    """One sentence per broken rule, as `path:line what`."""
    found: list[str] = []
    for path, text in sources:
        if path.endswith(".sql"):
            found += [f"{path}:1 binds an organization for the session"] if SESSION_BINDING.search(text) else []
            continue
        for node in ast.walk(ast.parse(text, path)):
            what = _broken_rule(path, node)
            if what:
                found.append(f"{path}:{node.lineno} {what}")  # type: ignore[attr-defined]
    return found


def _broken_rule(path: str, node: ast.AST) -> str | None:
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tortoise"):
        names = {alias.name for alias in node.names}
        if node.module == "tortoise.transactions" or names & {"in_transaction", "atomic", "transactions"}:
            return "opens transactions with Tortoise: use store.db.transaction()"
    if isinstance(node, ast.Import) and any(alias.name == "tortoise.transactions" for alias in node.names):
        return "opens transactions with Tortoise: use store.db.transaction()"
    if isinstance(node, ast.Call):
        name = _called(node)
        if name.split(".")[-1] == "unscoped" and not path.startswith(MAY_BE_UNSCOPED):
            return "works unscoped: that belongs to scheduler/, store/ and admin_ui/pages/platform"
        if name in {"asyncpg.connect", "asyncpg.create_pool"} and not path.startswith(MAY_CONNECT):
            return "connects to the database: use store.db"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and SESSION_BINDING.search(node.value):
        return "binds an organization for the session: use store.db.transaction()"
    return None


def _called(node: ast.Call) -> str:
    """`f` or `module.f` as written; empty for anything else."""
    parts: list[str] = []
    target: ast.expr = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    return ".".join([target.id, *reversed(parts)]) if isinstance(target, ast.Name) else ""
