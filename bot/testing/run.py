"""Plays the cases of skills and of projects of other engines, and tells what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.check.project import Project, read_project
from bot.registry import Registry
from bot.testing.cases import (
    Case,
    CaseFailed,
    CaseRun,
    CaseSkipped,
    Unreadable,
    read_cases,
    run_case,
    run_foreign_case,
    update_file,
)
from bot.testing.coverage import Coverage
from bot.testing.database import Cluster, all_apps, connected, throw_away_cluster
from bot.testing.foreign import case_files, project_of

__all__ = ["CaseResult", "Nothing", "Outcome", "Results", "run_tests"]

CASE_TIMEOUT_S = 120.0  # a case that hangs must not hang the rest


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Nothing(Exception):
    """A folder or file that no case can be in."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """`case` is empty where a whole file could not be read."""

    case: str
    file: str
    line: int
    status: Outcome
    reason: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "file": self.file,
            "line": self.line,
            "status": self.status.value,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class Results:
    cases: list[CaseResult] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    coverage: Coverage | None = None
    replace: Callable[[Registry], Registry] | None = None  # other skills in the place of those that were loaded
    tell: Callable[[CaseResult], None] | None = None

    def add(self, result: CaseResult) -> None:
        self.cases.append(result)
        if self.tell is not None:
            self.tell(result)

    def totals(self) -> dict[str, int]:
        found = {"cases": len(self.cases)}
        return found | {each.value: sum(case.status is each for case in self.cases) for each in Outcome}

    @property
    def has_failed(self) -> bool:
        return any(case.status is Outcome.FAILED for case in self.cases)


@dataclass(slots=True)
class _Suite:
    """Files of one skill (`project` is None) or of one project."""

    skill: str
    folder: Path
    files: list[Path]
    project: Project | None = None


async def run_tests(
    targets: Sequence[Path],
    *,
    only: str = "",
    update: bool = False,
    coverage: bool = False,
    replace: Callable[[Registry], Registry] | None = None,
    tell: Callable[[CaseResult], None] | None = None,
) -> Results:
    """Without targets: every installed skill. `only`: part of a case's file or name, in any case of letters. `replace`: as `run_case`;
    `tell` hears of each case when it is done.

    Raises:
        Nothing: a target is not there, or neither skill nor project.
    """
    registry = Registry.load()
    suites = _merged([suite for target in targets for suite in _suites(target, registry)] or _of_skills(registry))
    results = Results(coverage=Coverage() if coverage else None, replace=replace, tell=tell)
    async with AsyncExitStack() as stack:
        cluster: Cluster | None = None
        for suite in suites:
            for n, case in enumerate(_read(suite, results, only)):
                if results.coverage is not None and n == 0:
                    _know(results.coverage, suite, registry)
                if suite.project is None and cluster is None:
                    cluster = await stack.enter_async_context(throw_away_cluster())
                await _play(case, suite, cluster, results, update=update)
    return results


async def _play(case: Case, suite: _Suite, cluster: Cluster | None, results: Results, *, update: bool) -> None:
    began = time.monotonic()
    outcome, reason = Outcome.PASSED, ""
    run: CaseRun | None = None
    try:
        if suite.project is None and cluster is not None:
            await cluster.template(all_apps())  # the first case makes it for all: no part of its own time
        async with asyncio.timeout(CASE_TIMEOUT_S):
            run = await _run(case, suite, cluster, results, update=update)
    except CaseSkipped as e:
        outcome, reason = Outcome.SKIPPED, str(e)
    except CaseFailed as e:
        outcome, reason = Outcome.FAILED, str(e)
    except TimeoutError:
        outcome, reason = Outcome.FAILED, f"{case.file}:{case.place} not done after {CASE_TIMEOUT_S:g} s"
    except Exception as e:  # noqa: BLE001  # one case must not take the others along, whatever is wrong with it
        outcome, reason = Outcome.FAILED, f"{case.file}:{case.place} {case.name!r}: {type(e).__name__}: {e}"
    if run is not None and update and update_file(case.file, {case.name: run.texts}):
        results.updated.append(f"{case.file}: {case.name}")
    seconds = time.monotonic() - began
    results.add(CaseResult(case.name, str(case.file), case.line, outcome, reason, seconds))


async def _run(case: Case, suite: _Suite, cluster: Cluster | None, results: Results, *, update: bool) -> CaseRun:
    watch = results.coverage.note if results.coverage is not None else None
    if suite.project is not None:
        return await run_foreign_case(case, suite.project.compiled, suite.folder, update=update, watch=watch)
    assert cluster is not None
    apps = all_apps()
    async with cluster.clone(apps) as fresh, connected(fresh, apps):
        return await run_case(case, replace=results.replace, update=update, watch=watch)


def _read(suite: _Suite, results: Results, only: str) -> Iterator[Case]:
    for path in suite.files:
        try:
            cases = read_cases(path, skill=suite.skill, root=suite.folder)
        except Unreadable as e:
            line = str(e).removeprefix(f"{path}:").partition(":")[0]
            results.add(CaseResult("", str(path), int(line) if line.isdigit() else 1, Outcome.FAILED, str(e)))
            continue
        yield from (case for case in cases if only.lower() in f"{path} {case.name}".lower())


# -- what there is to play


def _of_skills(registry: Registry) -> list[_Suite]:
    return [_of_skill(name, skill.folder) for name, skill in registry.skills.items()]


def _of_skill(name: str, folder: Path, files: Sequence[Path] = ()) -> _Suite:
    found = list(files) or [path for path in sorted((folder / "tests").rglob("*.yml")) if path.stem != "conftest"]
    return _Suite(name, folder, found)


def _suites(target: Path, registry: Registry) -> list[_Suite]:
    if not target.exists():
        raise Nothing(f"there is no {target}")
    here = target.resolve()
    skill = next((each for each in registry.skills.values() if here.is_relative_to(each.folder.resolve())), None)
    if skill is not None:
        files = [target] if target.is_file() else [] if here == skill.folder.resolve() else list(case_files(target))
        return [_of_skill(skill.name, skill.folder, files)]
    root = project_of(target)
    if root is not None:
        project = read_project(root)
        files = [target] if target.is_file() else list(case_files(target))
        return [_Suite(project.source.name, root, files, project)]
    within = [each for each in registry.skills.values() if each.folder.resolve().is_relative_to(here)]
    if within:
        return [_of_skill(each.name, each.folder) for each in within]
    hint = " (a skill is found below `skills` of the working folder, or a folder of CHATNATION__SKILLS__FOLDERS)"
    raise Nothing(f"{target} is neither a skill nor a project with data/ and domain{hint}")


def _merged(suites: Sequence[_Suite]) -> list[_Suite]:
    found: dict[Path, _Suite] = {}
    for each in suites:
        known = found.setdefault(each.folder, each)
        if known is not each:
            known.files += [path for path in each.files if path not in known.files]
    return list(found.values())


def _know(coverage: Coverage, suite: _Suite, registry: Registry) -> None:
    if suite.project is not None:
        coverage.know(suite.project.source, suite.project.compiled, str(suite.folder))
        return
    skill = registry.skills[suite.skill]
    if skill.source is not None and skill.manifest is not None and not skill.off:
        compiled = registry.compiled([*skill.manifest.requires, skill.name])
        coverage.know(skill.source, compiled, str(skill.folder))
