"""Finds, orders and loads skills. A broken skill is off, and says why; the others run.

Built-in skills are folders of the package `skills` with a `skill.yml`, and so are those of the user's folders; installed packages bring theirs by the entry point group
`chatnation.skills`. Flows are read in every process, Python code only where it runs: workers import `actions.py`, and of the task modules only
those of their own queue.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.bounded import Bounded
from bot.flows import Compiled, Diagnostic, SkillSource, compile_beside, compile_flows, load_skill
from bot.flows.steps import BUILTIN_ACTIONS
from bot.http import Routes
from bot.manifest import Manifest, ManifestError, MenuItem, Trust, place_of, read_manifest
from bot.publishing.overlay import Overlay
from bot.remote.settings import RemoteSettings
from bot.skill import Event, Job, MenuEntry, NamesFunction, SkillContext, TaskContext, UnitOfWork
from store.apps import installed_skills, skill_roots

__all__ = ["CORE", "Registry", "Skill", "find_skills"]

log = logging.getLogger(__name__)

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

# Compiled sets at hand: those of skills as shipped, and those of organizations with versions of their own, which hold
# only what differs (`python -m benchmarks overrides` measures it).
MAX_COMPILED = 2_000

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
    names: dict[str, NamesFunction] = field(default_factory=dict)  # entity -> what there is of it
    problems: list[str] = field(default_factory=list)
    found: Sequence[Diagnostic] = ()  # by the compiler, also what does not stop the skill
    off: bool = False


def find_skills(package: str = "skills") -> list[tuple[str, str, Path]]:
    """(name, package, folder) of every installed skill, built-in ones first."""
    found: list[tuple[str, str, Path]] = []
    for root in skill_roots(package):
        found += [(m.parent.name, f"{package}.{m.parent.name}", m.parent) for m in sorted(root.glob("*/skill.yml"))]
    found += [(each.name, each.package, each.folder) for each in installed_skills() if each.folder is not None]
    return found


class Registry:
    """The skills of one process. Immutable once loaded, but for the cache of compiled sets."""

    def __init__(self, skills: Sequence[Skill]) -> None:
        self.skills: dict[str, Skill] = {}
        for (
            skill
        ) in skills:  # the first of a name has it: an installed package does not put itself before a built-in skill
            self.skills[skill.name if skill.name not in self.skills else f"{skill.name} ({skill.package})"] = skill
        self._compiled: Bounded[tuple[tuple[str, str], ...], Compiled] = Bounded(MAX_COMPILED)

    @classmethod
    def load(
        cls,
        *,
        context: Callable[[str], SkillContext] | None = None,
        queue: str | None = None,
        package: str = "skills",
        remote: RemoteSettings | None = None,
        admin: bool = False,
    ) -> Registry:
        """Reads every skill; with `context` also imports actions and event handlers, with `queue` the task modules of that queue ("all": of every one),
        with `admin` its pages of the admin app."""
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
        for lost in installed_skills():
            if lost.folder is None and not any(other.name == lost.name for other in skills):
                skills.append(skill := Skill(lost.name, lost.package, Path(lost.name)))
                _turn_off(
                    skill, f"{skill.folder / 'skill.yml'}:1:1 the package of this skill cannot be found: {lost.problem}"
                )
        ordered = _in_order_of_requirements(skills)
        _compile_each(ordered)
        for skill in ordered:
            _follow_the_required(skill, ordered)
            if not skill.off and context is not None:
                _import_code(skill, context(skill.name), remote or RemoteSettings())
            for each in QUEUES if queue == "all" else (queue,):
                if not skill.off and each is not None:
                    _import_tasks(skill, each)
            if admin and not skill.off and skill.manifest is not None and skill.manifest.trust is not Trust.REMOTE:
                _import(skill, "admin")
        for skill in ordered:
            for problem in skill.problems:
                log.error("skill problem", extra={"skill": skill.name, "off": skill.off, "problem": problem})
        return cls(ordered)

    @property
    def usable(self) -> list[Skill]:
        return [skill for skill in self.skills.values() if not skill.off]

    def held(self, enabled: Iterable[str], versions: Mapping[str, str]) -> Compiled | None:
        """The set with these versions (skill to `Overlay.dialogue_hash`), if it was compiled lately."""
        return self._compiled.get(tuple((name, versions.get(name, "")) for name in self._usable(enabled)))

    def compiled(self, enabled: Iterable[str], overlays: Mapping[str, Overlay] | None = None) -> Compiled:
        """The flows of these skills, in this order; unknown and broken ones are passed over.

        An overlay that does not fit the skill any more is passed over too: the organization has the skill as shipped.
        """
        names = self._usable(enabled)
        own = {name: overlay for name, overlay in (overlays or {}).items() if name in names and overlay.dialogue_hash}
        key = tuple((name, own[name].dialogue_hash if name in own else "") for name in names)
        found = self._compiled.get(key)
        if found is not None:
            return found
        shipped = self.sources(names)
        if not own:
            return self._compiled.put(key, compile_flows(shipped))
        return self._compiled.put(key, self._compile_beside(names, own))

    def faults(self, enabled: Iterable[str], overlays: Mapping[str, Overlay]) -> list[Diagnostic]:
        """What is to be said of these overlays that is not said of the skills as shipped; places are relative to the skill."""
        names = self._usable(enabled)
        own = {name: overlay for name, overlay in overlays.items() if name in names and overlay.dialogue_hash}
        made = {name: self.source(name, overlay) for name, overlay in own.items()}
        known = {each for name in own if (source := self.skills[name].source) for each in source.diagnostics}
        found = [each for source in made.values() for each in source.diagnostics if each not in known]
        base = self.compiled(names)
        compiled = compile_beside(base, self.sources(names), self.sources(names, made))
        return found + [each for each in compiled.diagnostics if each not in found and each not in known]

    def source(self, name: str, overlay: Overlay | None = None) -> SkillSource:
        """A skill as loaded, with these files over it."""
        shipped = self.skills[name].source
        assert shipped is not None
        if overlay is None or not overlay.dialogue_hash:
            return shipped
        source = load_skill(name, overlay.over(shipped.files))
        _give_what_the_manifest_says(source, self.skills[name].manifest)
        return source

    def _compile_beside(self, names: Sequence[str], own: Mapping[str, Overlay]) -> Compiled:
        base = self.compiled(names)
        made = {name: self.source(name, overlay) for name, overlay in own.items()}
        found = compile_beside(base, self.sources(names), self.sources(names, made))
        told = (*found.diagnostics, *(each for source in made.values() for each in source.diagnostics))
        if not any(each.severity == "error" for each in told):
            return found
        # Published against an earlier version of the skill: only those that still fit are taken.
        fitting: dict[str, Overlay] = {}
        for name, overlay in own.items():
            if any(each.severity == "error" for each in self.faults(names, {**fitting, name: overlay})):
                log.error("published version does not fit the skill any more", extra={"skill": name})
            else:
                fitting[name] = overlay
        made = {name: self.source(name, overlay) for name, overlay in fitting.items()}
        return compile_beside(base, self.sources(names), self.sources(names, made))

    def _usable(self, enabled: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in enabled if name in self.skills and not self.skills[name].off)

    def sources(self, names: Iterable[str], made: Mapping[str, SkillSource] | None = None) -> list[SkillSource]:
        found = [(made or {}).get(name) or self.skills[name].source for name in names]
        return [source for source in found if source is not None]

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

    def action_timeout_s(self, skill: str) -> float | None:
        """The skill's own limit for one action, if it has one."""
        found = self.skills.get(skill)
        return found.manifest.limits.action_timeout if found is not None and found.manifest is not None else None

    def may_send(self, skill: str) -> bool:
        """Whether jobs of the skill may send messages. Those of no skill are the platform's own."""
        found = self.skills.get(skill)
        return found is None or found.manifest is None or found.manifest.capabilities.send_proactive

    def task(self, name: str) -> tuple[type[Job], TaskFunction] | None:
        skill = self.skills.get(name.partition(".")[0])
        return skill.tasks.get(name) if skill is not None and not skill.off else None

    def names(self, enabled: Iterable[str]) -> dict[str, NamesFunction]:
        """Who tells what there is of an entity, of these skills."""
        return {entity: tell for name in self._usable(enabled) for entity, tell in self.skills[name].names.items()}

    def routes(self) -> list[tuple[str, Routes]]:
        """What skills bring in their `http.py`, which is imported here: only the web process asks."""
        found = []
        for skill in self.usable:
            if skill.manifest is not None and skill.manifest.trust is Trust.REMOTE:
                continue
            module = _import(skill, "http")
            found += [
                (skill.name, each)
                for each in (vars(module).values() if module is not None else ())
                if isinstance(each, Routes)
            ]
        return found

    def permissions(self) -> dict[str, str]:
        """What the skills' manifests define, each with its least role."""
        return {
            name: least
            for skill in self.usable
            if skill.manifest is not None
            for name, least in skill.manifest.permissions.items()
        }

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
    _give_what_the_manifest_says(source, skill.manifest)
    skill.source = source
    _check_promises(skill, source)
    skill.problems += [f"{skill.folder}/{each}" for each in source.diagnostics if each.severity == "error"]
    if not source.usable or skill.problems:
        # A flow file with an error turns the skill off as a whole: half a skill answers half a question.
        skill.off = True


def _give_what_the_manifest_says(source: SkillSource, manifest: Manifest | None) -> None:
    """Words that start a flow may stand in the manifest too: whoever words the flow anew does not lose them."""
    if manifest is None:
        return
    source.requires = tuple(manifest.requires)
    for trigger in manifest.triggers:
        flow = source.flows.get(trigger.flow)
        if flow is None:
            continue
        for locale, phrases in trigger.words.items():
            flow.words[locale] = (*flow.words.get(locale, ()), *phrases)


def _check_promises(skill: Skill, source: SkillSource) -> None:
    """What the manifest says of flows and slots is there, and its names carry the skill's."""
    manifest, file = skill.manifest, skill.folder / "skill.yml"
    assert manifest is not None
    promised = (
        (("provides", "flows"), manifest.provides.flows, source.flows, "flow"),
        (("slots", "exports"), manifest.slots.exports, source.slots, "slot"),
    )
    for keys, names, known, what in promised:
        for n, name in enumerate(names):
            if name not in known:
                _turn_off(skill, f"{place_of(file, *keys, n)} {'.'.join(keys)}: there is no {what} {name}")
    for n, trigger in enumerate(manifest.triggers):
        if trigger.flow not in source.flows:
            _turn_off(skill, f"{place_of(file, 'triggers', n, 'flow')} triggers: there is no flow {trigger.flow}")
    for key, found in (("meters", manifest.meters), ("permissions", tuple(manifest.permissions))):
        for n, name in enumerate(found):
            if not name.startswith(f"{skill.name}.") and name != "message.out":
                where = place_of(file, key, n if key == "meters" else name)
                _turn_off(skill, f"{where} {key}: {name} does not begin with {skill.name}.")


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
        if skill.off:
            ordered.append(skill)  # it may carry the name of another that is on
        else:
            visit(skill)
    return ordered


def _follow_the_required(skill: Skill, ordered: Sequence[Skill]) -> None:
    """What a skill stands on may have been turned off after the order was found."""
    there = {other.name for other in ordered if not other.off}
    for other in ordered:
        if (
            not skill.off
            and other.off
            and other.name not in there
            and skill.manifest is not None
            and other.name in skill.manifest.requires
        ):
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


def _make_remote(skill: Skill, context: SkillContext, remote: RemoteSettings) -> None:
    """An action for every one that the domain lists; not a line of the skill's code is imported."""
    from bot.remote.action import RemoteAction

    assert skill.manifest is not None
    assert skill.source is not None
    server = remote.server(skill.name, timeout_s=skill.manifest.limits.action_timeout)
    if server is None and skill.source.actions:
        log.warning("no action server is set for a remote skill", extra={"skill": skill.name})
    skill.actions = {
        name: RemoteAction(context, name, server) for name in skill.source.actions if name not in BUILTIN_ACTIONS
    }


def _import_code(skill: Skill, context: SkillContext, remote: RemoteSettings) -> None:
    assert skill.manifest is not None
    if skill.manifest.trust is Trust.REMOTE:
        _make_remote(skill, context, remote)
        return
    _import(skill, "models")
    module = None if skill.off else _import(skill, "actions")
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
    for function in _marked(None if skill.off else _import(skill, "entities"), "__chatnation_entity__"):
        entity = function.__chatnation_entity__
        if not entity.startswith(f"{skill.name}_"):
            _turn_off(
                skill, f"{inspect.getsourcefile(function)}:1:1 the entity {entity} does not start with the skill's name"
            )
        skill.names[entity] = function
    for each in (events, module):
        for handler in _marked(each, "__chatnation_event__"):
            skill.handlers.setdefault(handler.__chatnation_event__.name, []).append(handler)


def _import_tasks(skill: Skill, queue: str) -> None:
    assert skill.manifest is not None
    if skill.manifest.trust is Trust.REMOTE:
        return
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
