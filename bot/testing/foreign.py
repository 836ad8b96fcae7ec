"""Projects of another engine (`data/`, `domain`): where their cases are, and their custom actions.

Their actions are Python of the project; unlike `check`, `test` imports and runs them when a case does not stub them.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from rasa_sdk import Action

from bot.testing.stubs import stubs_of

__all__ = ["ForeignActions", "case_files", "is_project", "project_of"]

MAX_FILES = 2_000
_NOT_CASES = ("data", "domain", "actions", "models", "results", "node_modules", "__pycache__")


def is_project(folder: Path) -> bool:
    """Laid out with `data/` and `domain`, and no skill of ours."""
    if (folder / "skill.yml").is_file():
        return False
    domain = any((folder / name).exists() for name in ("domain.yml", "domain.yaml", "domain"))
    return domain and any((folder / name).exists() for name in ("data", "flows.yml", "flows", "data.yml"))


def project_of(path: Path) -> Path | None:
    """The project that a file or folder belongs to."""
    here = path.resolve()
    return next((each for each in (here, *here.parents) if is_project(each)), None)


def case_files(folder: Path) -> Iterator[Path]:
    """YAML files that hold test cases, wherever the project keeps them."""
    seen = 0
    for root, folders, names in os.walk(folder):
        top = Path(root) == folder
        folders[:] = sorted(
            each for each in folders if not each.startswith((".", "venv")) and not (top and each in _NOT_CASES)
        )
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix not in (".yml", ".yaml") or path.stem == "conftest":
                continue
            seen += 1
            if seen > MAX_FILES:
                return
            if _mentions_cases(path):
                yield path


def _mentions_cases(path: Path) -> bool:
    try:
        return "test_cases" in path.read_text("utf-8", "replace")
    except OSError:
        return False


class ForeignActions:
    """Stubs first, then what `actions.py` (or the package `actions`) of the project has; imported when first needed."""

    def __init__(self, folder: Path, stubs: Mapping[str, Any] | None = None, case: str = "") -> None:
        self._folder = folder
        self._stubs = stubs_of(stubs or {}, case)
        self._found: dict[str, Any] | None = None
        self._problem = ""

    def find(self, name: str) -> tuple[Any | None, str]:
        """The action, or why there is none. `name` may carry the project's name before a colon."""
        name = name.rpartition(":")[2]
        if name in self._stubs:
            return self._stubs[name], ""
        if self._found is None:
            self._found = self._import()
        if name in self._found:
            return self._found[name], ""
        stub = f"{name} stands neither in stub_custom_actions nor in actions.py"
        return None, f"{name}: {self._problem}" if self._problem else stub

    def _import(self) -> dict[str, Any]:
        if not (self._folder / "actions.py").is_file() and not (self._folder / "actions").is_dir():
            return {}
        found: dict[str, Any] = {}
        try:
            for module in _modules(self._folder):
                for each in vars(module).values():
                    if inspect.isclass(each) and issubclass(each, Action) and each.__module__.startswith("actions"):
                        instance: Any = each()
                        name = instance.name() if callable(instance.name) else instance.name
                        if isinstance(name, str):
                            found[name] = instance
        except (Exception, SystemExit) as e:  # noqa: BLE001  # a mistake of the project: told where the action was needed
            self._problem = f"{_place(e, self._folder)} does not import: {type(e).__name__}: {e}"
        return found


def _modules(folder: Path) -> Iterator[ModuleType]:
    for name in [each for each in sys.modules if each == "actions" or each.startswith("actions.")]:
        del sys.modules[name]  # of the project before this one
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module("actions")
        for path in sorted((folder / "actions").rglob("*.py")):
            if path.name != "__init__.py":
                yield importlib.import_module(".".join(path.relative_to(folder).with_suffix("").parts))
    finally:
        sys.path.remove(str(folder))


def _place(error: BaseException, folder: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    place, trace = "actions.py:1", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(folder):
            place = f"{file.relative_to(folder)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
