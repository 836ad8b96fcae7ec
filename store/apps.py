"""Where skills are, and which Tortoise apps there are beside the store: folders that have models, found by looking, not by importing."""

from __future__ import annotations

import importlib
import os
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from store.db import AppModels
from store.errors import ChatNationError

__all__ = ["FOLDERS", "discover_apps", "skill_roots"]

ENTRY_POINTS = "chatnation.skills"
BUILT_IN = "skills"
FOLDERS = "CHATNATION__SKILLS__FOLDERS"  # also a setting of `bot`; this package knows the environment only


def skill_roots(package: str = BUILT_IN) -> list[Path]:
    """The folders whose subfolders are skills: the package's own, then those of the user.

    The user's are the folders of CHATNATION__SKILLS__FOLDERS, and `skills` of the working folder when there are skills in it. They join the
    package, so that their code is imported as `skills.<name>` like that of the built-in ones; names must differ.

    Raises:
        ChatNationError: the setting names a folder that is not there.
    """
    if find_spec(package) is None:
        return []
    path = importlib.import_module(package).__path__
    if package == BUILT_IN:
        known = {Path(each).resolve() for each in path}
        path.extend(str(each) for each in _more_folders() if each not in known)
    return [Path(each) for each in path]


def _more_folders() -> list[Path]:
    found: list[Path] = []
    for text in os.environ.get(FOLDERS, "").split(os.pathsep):
        if not text.strip():
            continue
        folder = Path(text.strip()).expanduser().resolve()
        if not folder.is_dir():
            raise ChatNationError(f"{FOLDERS} names {folder}, which is no folder")
        found.append(folder)
    here = Path.cwd() / BUILT_IN
    if next(here.glob("*/skill.yml"), None) is not None:
        found.append(here.resolve())
    return list(dict.fromkeys(found))


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
    return [models.parent.name for root in skill_roots(package) for models in root.glob("*/models.py")]
