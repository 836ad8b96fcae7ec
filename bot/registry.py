"""Finds, orders and loads skills. A broken skill is off, and says why; the others run.

Built-in skills are folders of the package `skills` with a `skill.yml`, and so are those of the user's folders; installed packages bring theirs by the entry point group
`chatnation.skills`. Flows are read in every process, Python code only where it runs: workers import `actions.py`, and of the task modules only
those of their own queue.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.flows import Compiled, Diagnostic, SkillSource, compile_flows, load_skill
from bot.manifest import Manifest, ManifestError, MenuItem, read_manifest
from bot.skill import Event, Job, MenuEntry, SkillContext, TaskContext, UnitOfWork
from store.apps import skill_roots

__all__ = ["CORE", "Registry", "Skill", "find_skills"]

log = logging.getLogger(__name__)

ENTRY_POINTS = "chatnation.skills"
QUEUES = ("interactive", "bulk", "render")
CORE = "core"
FLOW_FILES = (
    "flows.yml",
    "domain.yml",
    "nlu.yml",
    "flows/*.yml",
    "domain/*.yml",
    "nlu/*.yml",
    "locales/*.yml",
    "locales/*/*.yml",
)

TaskFunction = Callable[[Any, TaskContext], Awaitable[None]]
Handler = Callable[[Any, UnitOfWork], Awaitable[None]]


@dataclass(slots=True)
class Skill:
    """One skill as loaded. `problems` are lines for a person, each with its place; a skill with `off` set takes no part."""

    name: str
    package: str
    folder: Path
    manifest: Manifest | None = None
    source: SkillSource | None = None
    actions: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, tuple[type[Job], TaskFunction]] = field(default_factory=dict)
    handlers: dict[str, list[Handler]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    found: Sequence[Diagnostic] = ()  # by the compiler, also what does not stop the skill
    off: bool = False


def find_skills(package: str = "skills") -> list[tuple[str, str, Path]]:
    """(name, package, folder) of every installed skill, built-in ones first."""
    found: list[tuple[str, str, Path]] = []
    for root in skill_roots(package):
        found += [(m.parent.name, f"{package}.{m.parent.name}", m.parent) for m in sorted(root.glob("*/skill.yml"))]
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        try:
            outside = find_spec(point.module)
        except (ImportError, ValueError) as e:  # a package that was half removed
            log.error("skill package not found", extra={"skill": point.name, "package": point.module, "reason": str(e)})
            continue
        for where in (outside.submodule_search_locations if outside else None) or ():
            found.append((point.name, point.module, Path(where)))
    return found


class Registry:
    """The skills of one process. Immutable once loaded, but for the cache of compiled sets."""

    def __init__(self, skills: Sequence[Skill]) -> None:
        self.skills = {skill.name: skill for skill in skills}
        self._compiled: dict[tuple[str, ...], Compiled] = {}

    @classmethod
    def load(
        cls, *, context: Callable[[str], SkillContext] | None = None, queue: str | None = None, package: str = "skills"
    ) -> Registry:
        """Reads every skill; with `context` also imports actions and event handlers, with `queue` the task modules of that queue ("all": of every one)."""
        skills: list[Skill] = []
        for name, module, folder in find_skills(package):
            known = next((other for other in skills if other.name == name), None)
            if known is not None:  # the first one stands, and says so
                known.problems.append(
                    f"{folder / 'skill.yml'}:1:1 a skill named {name} is installed already, in {known.folder}"
                )
                continue
            skill = Skill(name, module, folder)
            _read(skill)
            skills.append(skill)
        ordered = _in_order_of_requirements(skills)
        _compile_each(ordered)
        for skill in ordered:
            _follow_the_required(skill, ordered)
            if not skill.off and context is not None:
                _import_code(skill, context(skill.name))
            for each in QUEUES if queue == "all" else (queue,):
                if not skill.off and each is not None:
                    _import_tasks(skill, each)
        for skill in ordered:
            for problem in skill.problems:
                log.error("skill problem", extra={"skill": skill.name, "off": skill.off, "problem": problem})
        return cls(ordered)

    @property
    def usable(self) -> list[Skill]:
        return [skill for skill in self.skills.values() if not skill.off]

    def compiled(self, enabled: Iterable[str]) -> Compiled:
        """The flows of these skills, in this order; unknown and broken ones are passed over."""
        names = tuple(name for name in enabled if name in self.skills and not self.skills[name].off)
        found = self._compiled.get(names)
        if found is None:
            sources = [source for name in names if (source := self.skills[name].source) is not None]
            found = self._compiled[names] = compile_flows(sources)
        return found

    def menu(self, enabled: Iterable[str], locale: str) -> list[MenuEntry]:
        entries = []
        for name in enabled:
            skill = self.skills.get(name)
            if skill is not None and skill.manifest is not None and not skill.off:
                entries += [_in_language(name, item, locale) for item in skill.manifest.menu]
        return entries

    def diagnostics(self, name: str) -> list[Diagnostic]:
        """What loader and compiler have to say of a skill."""
        skill = self.skills[name]
        return [
            *(skill.source.diagnostics if skill.source else ()),
            *(d for d in skill.found if d not in (skill.source.diagnostics if skill.source else ())),
        ]

    def declared_actions(self, name: str) -> set[str]:
        """As the skill's domain lists them."""
        source = self.skills[name].source
        return set() if source is None else set(source.actions)

    def action(self, loaded_id: str) -> Any | None:
        """The action instance behind `skill:action`, or None."""
        skill, _, name = loaded_id.partition(":")
        return self.skills[skill].actions.get(name) if skill in self.skills else None

    def task(self, name: str) -> tuple[type[Job], TaskFunction] | None:
        skill = self.skills.get(name.partition(".")[0])
        return skill.tasks.get(name) if skill is not None and not skill.off else None

    def handlers(self, event: Event, enabled: Iterable[str]) -> list[Handler]:
        return [
            handler
            for name in enabled
            if name in self.skills and not self.skills[name].off
            for handler in self.skills[name].handlers.get(event.name, ())
        ]


def _read(skill: Skill) -> None:
    try:
        skill.manifest = read_manifest(skill.folder / "skill.yml", name=skill.name)
    except (ManifestError, OSError) as e:
        _turn_off(skill, str(e))
        return
    if not skill.manifest.fits_engine():
        _turn_off(skill, f"{skill.folder / 'skill.yml'}:1:1 engine {skill.manifest.engine} is not this one")
        return
    files: dict[str, str] = {}
    for path in (path for pattern in FLOW_FILES for path in sorted(skill.folder.glob(pattern))):
        try:
            files[str(path.relative_to(skill.folder))] = path.read_text("utf-8")
        except (UnicodeDecodeError, OSError) as e:
            _turn_off(skill, f"{path}:1:1 cannot be read as UTF-8 text: {e}")
            return
    source = load_skill(skill.name, files)
    source.requires = tuple(skill.manifest.requires)
    skill.source = source
    skill.problems += [f"{skill.folder}/{each}" for each in source.diagnostics if each.severity == "error"]
    if not source.usable or skill.problems:
        # A flow file with an error turns the skill off as a whole: half a skill answers half a question.
        skill.off = True


def _in_order_of_requirements(skills: Sequence[Skill]) -> list[Skill]:
    by_name = {skill.name: skill for skill in skills if not skill.off}
    ordered: list[Skill] = []
    visiting: set[str] = set()

    def visit(skill: Skill) -> None:
        if skill in ordered:
            return
        if skill.name in visiting:
            _turn_off(skill, f"{skill.folder / 'skill.yml'}:1:1 skills require each other in a circle")
            return
        visiting.add(skill.name)
        for needed in skill.manifest.requires if skill.manifest else ():
            if needed not in by_name:
                _turn_off(
                    skill, f"{skill.folder / 'skill.yml'}:1:1 requires the skill {needed}, which is not there or broken"
                )
            else:
                visit(by_name[needed])
                if by_name[needed].off:
                    _turn_off(skill, f"{skill.folder / 'skill.yml'}:1:1 requires the skill {needed}, which is off")
        ordered.append(skill)

    for skill in skills:
        visit(skill)
    return ordered


def _follow_the_required(skill: Skill, ordered: Sequence[Skill]) -> None:
    """What a skill stands on may have been turned off after the order was found."""
    for other in ordered:
        if not skill.off and other.off and skill.manifest is not None and other.name in skill.manifest.requires:
            _turn_off(skill, f"{skill.folder / 'skill.yml'}:1:1 requires the skill {other.name}, which is off")


def _compile_each(ordered: Sequence[Skill]) -> None:
    """Names that lead nowhere show when a skill is put together with those it requires; they turn it off."""
    sources = {skill.name: skill.source for skill in ordered if not skill.off}
    for skill in ordered:
        if skill.off or skill.source is None or skill.manifest is None:
            continue
        needed = [source for name in skill.manifest.requires if (source := sources.get(name)) is not None]
        skill.found = compile_flows([*needed, skill.source]).diagnostics
        errors = [each for each in skill.found if each.severity == "error"]
        if errors:
            skill.off = True
            skill.problems += [f"{skill.folder / each.file}{str(each).removeprefix(each.file)}" for each in errors]


def _import_code(skill: Skill, context: SkillContext) -> None:
    module = _import(skill, "actions")
    events = None if skill.off else _import(skill, "events")
    if module is not None:
        from rasa_sdk import Action  # half a second, and only where actions run

        for found in _defined_in(module, skill.package):
            if issubclass(found, Action) and not _is_base(found):
                try:
                    action = found(context) if hasattr(found, "stateless") else found()
                    name = action.name if isinstance(action.name, str) else action.name()
                except Exception as e:  # any mistake of a skill's author must leave the other skills running
                    log.exception("action cannot be made", extra={"skill": skill.name, "action": found.__name__})
                    _turn_off(skill, f"{_place_of(e, skill, 'actions')} {found.__name__}: {type(e).__name__}: {e}")
                    continue
                if name in skill.actions:
                    _turn_off(skill, f"{module.__file__}:1:1 two actions are named {name}")
                skill.actions[name] = action
    for each in (events, module):
        for handler in _marked(each, "__chatnation_event__"):
            skill.handlers.setdefault(handler.__chatnation_event__.name, []).append(handler)


def _import_tasks(skill: Skill, queue: str) -> None:
    assert skill.manifest is not None
    wanted = skill.manifest.tasks.get(queue)  # type: ignore[call-overload]
    if wanted is None:
        return
    for function in _marked(_import(skill, wanted), "__chatnation_job__"):
        job: type[Job] = function.__chatnation_job__
        if not job.name.startswith(f"{skill.name}."):
            _turn_off(
                skill, f"{inspect.getsourcefile(job)}:1:1 the job {job.name} does not start with the skill's name"
            )
        if job.queue == queue:
            skill.tasks[job.name] = (job, function)


def _import(skill: Skill, name: str) -> ModuleType | None:
    if not (skill.folder / f"{name}.py").is_file() and not (skill.folder / name / "__init__.py").is_file():
        return None
    try:
        return importlib.import_module(f"{skill.package}.{name}")
    except (Exception, SystemExit) as e:  # any mistake of a skill's author must leave the other skills running
        log.exception("skill module does not import", extra={"skill": skill.name, "file": name})
        _turn_off(skill, f"{_place_of(e, skill, name)} does not import: {type(e).__name__}: {e}")
        return None


def _place_of(error: BaseException, skill: Skill, module: str) -> str:
    """file:line:col of the skill's own line that the error came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}:{error.offset or 1}"
    file, line = f"{skill.folder / module}.py", 1
    trace = error.__traceback__
    while trace is not None:
        named = trace.tb_frame.f_code.co_filename
        if Path(named).is_relative_to(skill.folder):
            file, line = named, trace.tb_lineno
        trace = trace.tb_next
    return f"{file}:{line}:1"


def _defined_in(module: ModuleType, package: str) -> list[type]:
    return [each for each in vars(module).values() if inspect.isclass(each) and each.__module__.startswith(package)]


def _is_base(action: type) -> bool:
    """A class that a skill's own actions share, and that is none itself."""
    return hasattr(action, "stateless") and not isinstance(getattr(action, "name", None), str)


def _marked(module: ModuleType | None, mark: str) -> list[Any]:
    return (
        []
        if module is None
        else [each for each in vars(module).values() if inspect.isfunction(each) and hasattr(each, mark)]
    )


def _turn_off(skill: Skill, problem: str) -> None:
    skill.off = True
    skill.problems.append(problem)


def _in_language(skill: str, item: MenuItem, locale: str) -> MenuEntry:
    def pick(texts: dict[str, str]) -> str:
        return texts.get(locale) or texts.get(locale.split("-")[0]) or texts.get("en") or next(iter(texts.values()), "")

    return MenuEntry(f"{skill}:{item.flow}", pick(item.title), pick(item.description))
