"""Where skills are, and which Tortoise apps there are beside the store: folders that have models, found by looking. Models of installed
packages are imported once to see that they can be: a broken package must not keep the others from starting."""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from store.db import AppModels
from store.errors import ChatNationError

__all__ = ["FOLDERS", "InstalledSkill", "discover_apps", "installed_skills", "skill_roots", "use_folders"]

log = logging.getLogger(__name__)

ENTRY_POINTS = "chatnation.skills"
BUILT_IN = "skills"
FOLDERS = "CHATNATION__SKILLS__FOLDERS"
_set: str | None = (
    None  # `skills.folders` of all layers, once a process has read them; before that the environment counts
)


def use_folders(folders: str) -> None:
    """From now on these are the user's folders, wherever they were set: `skills.folders`, separated as in PATH.

    Raises:
        ChatNationError: one of them is not there.
    """
    global _set  # one a process, as the package `skills` is
    _set = folders
    _more_folders()


def skill_roots(package: str = BUILT_IN) -> list[Path]:
    """The folders whose subfolders are skills: the package's own, then those of the user.

    The user's are the folders of `skills.folders`, and `skills` of the working folder when there are skills in it. They join the
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
    for text in (os.environ.get(FOLDERS, "") if _set is None else _set).split(os.pathsep):
        if not text.strip():
            continue
        folder = Path(text.strip()).expanduser().resolve()
        if not folder.is_dir():
            raise ChatNationError(f"skills.folders ({FOLDERS}) names {folder}, which is no folder")
        found.append(folder)
    here = Path.cwd() / BUILT_IN
    if next(here.glob("*/skill.yml"), None) is not None:
        found.append(here.resolve())
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class InstalledSkill:
    """A skill that an installed package names. `folder` is None when it cannot be found, and `problem` says why."""

    name: str
    package: str
    folder: Path | None
    problem: str = ""


def installed_skills() -> list[InstalledSkill]:
    """By name. Whatever a package does when it is looked for, the others are found."""
    return [_found(point.name, point.value) for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name)]


def _found(name: str, value: str) -> InstalledSkill:
    package = value.partition(":")[0].partition("[")[0].strip()
    try:
        spec = find_spec(package)  # of `a.b` this imports a, and a may do anything
    except (Exception, SystemExit) as e:  # noqa: BLE001  # told by the registry, with the skill
        return InstalledSkill(name, package, None, f"{type(e).__name__}: {e}")
    folders = list((spec.submodule_search_locations if spec else None) or ())
    if not folders:
        return InstalledSkill(name, package, None, f"{package!r} is no package that is installed")
    return InstalledSkill(name, package, Path(folders[0]))


def discover_apps(package: str = "skills") -> list[AppModels]:
    """Skills with a `models.py`: built-in ones, then those of installed packages; by name.

    Every installed skill's tables are made, whether an organization has it on or not.
    """
    found = {name: AppModels.of_skill(name, package) for name in _folders_with_models(package)}
    for skill in installed_skills():
        if skill.folder is None or skill.name in found or not (skill.folder / "models.py").is_file():
            continue
        app = AppModels(skill.name, f"{skill.package}.models", f"{skill.package}.migrations")
        if _can_be_imported(app.models):
            found[skill.name] = app
    return [found[name] for name in sorted(found)]


def _can_be_imported(module: str) -> bool:
    try:
        importlib.import_module(module)
    except (Exception, SystemExit):
        log.exception("models of an installed skill do not import; it has no tables", extra={"models": module})
        return False
    return True


def _folders_with_models(package: str) -> list[str]:
    return [models.parent.name for root in skill_roots(package) for models in root.glob("*/models.py")]
