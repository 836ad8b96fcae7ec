"""Which Tortoise apps there are beside the store: folders that have models, found by looking, not by importing."""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from store.db import AppModels

__all__ = ["discover_apps"]

ENTRY_POINTS = "chatnation.skills"


def discover_apps(package: str = "skills") -> list[AppModels]:
    """Skills with a `models.py`: built-in ones, then those of installed packages; by name.

    Every installed skill's tables are made, whether an organization has it on or not.
    """
    found = {name: AppModels.of_skill(name, package) for name in _folders_with_models(package)}
    for point in entry_points(group=ENTRY_POINTS):
        spec = find_spec(point.module)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            if (Path(folder) / "models.py").is_file():
                found.setdefault(
                    point.name, AppModels(point.name, f"{point.module}.models", f"{point.module}.migrations")
                )
    return [found[name] for name in sorted(found)]


def _folders_with_models(package: str) -> list[str]:
    spec = find_spec(package)
    roots = [Path(each) for each in (spec.submodule_search_locations if spec else None) or ()]
    return [models.parent.name for root in roots for models in root.glob("*/models.py")]
