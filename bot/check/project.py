"""A project laid out with `data/` and `domain`, as Rasa's are: read from its folder, checked as one skill.

Nothing of it is run. Whatever is in the folder, there is a report.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.check.flows import report_flows
from bot.check.language import LANGUAGE_RULES
from bot.check.report import Report
from bot.flows import Compiled, Diagnostic, SkillSource, compile_flows, load_skill
from bot.flows.diagnostics import Reporter
from bot.flows.yamltext import MAX_CHARS, List, Map, parse_yaml

__all__ = ["Project", "check_project", "read_project"]

MAX_FILES = 2_000
_CONTENT = ("data", "domain", "flows", "nlu")  # folders or files of this name
_CONFIG = ("config.yml", "config.yaml")
_TRAINED = ("DIETClassifier", "TEDPolicy", "UnexpecTEDIntentPolicy", "MemoizationPolicy", "ResponseSelector")


@dataclass(frozen=True, slots=True)
class Project:
    folder: Path
    source: SkillSource
    compiled: Compiled
    found: tuple[Diagnostic, ...] = field(default=())  # of files, loader and compiler


def read_project(folder: Path, *, name: str = "") -> Project:
    """Reads the flows, domain and examples of a project. Never raises for what is in its files.

    `name` becomes the prefix of its ids.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}")
    problems: list[Diagnostic] = []
    files = dict(_texts(folder, problems))
    problems += _config(folder)
    source = load_skill(name or _name_of(folder), files, by_content=True)
    compiled = compile_flows([source], organization=source.name)  # one namespace: its patterns hold everywhere
    if not source.flows:
        problems.append(
            Diagnostic(
                "CN-FILE-005", "error", f"no flows found in {folder.name}/data", ".", suggestion="flows: in data/*.yml"
            )
        )
    return Project(folder, source, compiled, (*problems, *source.diagnostics, *compiled.diagnostics))


def check_project(folder: Path) -> Report:
    project = read_project(folder)
    found = [*project.found]
    for rule in LANGUAGE_RULES:
        found += rule(project.source, project.compiled)
    return Report("rasa", str(folder), report_flows(project.source, project.compiled, found), found)


def _config(folder: Path) -> Iterator[Diagnostic]:
    """Its pipeline is not read, understanding is our own; parts that must be trained are named."""
    path = next((path for each in _CONFIG if (path := folder / each).is_file()), None)
    if path is None:
        return
    report = Reporter()
    data = parse_yaml(path.name, path.read_text("utf-8", "replace"), report)
    yield from report.found
    for key in ("pipeline", "policies"):
        parts = data.get(key) if isinstance(data, Map) else None
        for item, pos in zip(parts, parts.items_at, strict=True) if isinstance(parts, List) else ():
            name = str(item.get("name")) if isinstance(item, Map) else str(item)
            if name in _TRAINED:
                report = Reporter()
                report.warning(
                    "CN-FILE-004",
                    f"{name} is not run: nothing is trained here",
                    pos,
                    "examples, slots and flows suffice",
                )
                yield from report.found


def _name_of(folder: Path) -> str:
    plain = "".join(
        letter if letter.isalnum() and letter.isascii() else "_" for letter in folder.resolve().name.lower()
    )
    return plain.strip("_") or "project"


def _texts(folder: Path, problems: list[Diagnostic]) -> Iterator[tuple[str, str]]:
    for n, path in enumerate(_files(folder)):
        name = path.relative_to(folder).as_posix()
        if n >= MAX_FILES:
            problems.append(
                Diagnostic("CN-FILE-006", "error", f"more than {MAX_FILES} files; the rest is not read", name)
            )
            return
        try:
            if path.stat().st_size > MAX_CHARS * 4:
                problems.append(
                    Diagnostic("CN-YAML-003", "error", f"the file is larger than {MAX_CHARS:,} characters", name)
                )
                continue
            raw = path.read_bytes()
        except OSError as e:
            problems.append(Diagnostic("CN-FILE-003", "error", f"cannot be read: {e.strerror or e}", name))
            continue
        try:
            yield name, raw.decode("utf-8-sig")
        except UnicodeDecodeError as e:
            line = raw.count(b"\n", 0, e.start) + 1
            column = e.start - raw.rfind(b"\n", 0, e.start)
            problems.append(
                Diagnostic("CN-FILE-003", "error", "not UTF-8 text", name, line, column, "save it as UTF-8")
            )


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name in _CONTENT:
            yield from _below(entry)
        elif entry.is_file() and entry.suffix in (".yml", ".yaml") and entry.stem in _CONTENT:
            yield entry


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):  # does not follow links to folders, so it ends
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix in (".yml", ".yaml") and not name.startswith(".") and path.is_file():
                yield path
