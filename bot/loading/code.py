"""A skill's Python code: actions, entities, event handlers and tasks, each imported only where it runs."""

from __future__ import annotations

import importlib
import inspect
import logging
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.flows.steps import BUILTIN_ACTIONS
from bot.loading.skill import Skill
from bot.manifest import Trust
from bot.remote.settings import RemoteSettings
from bot.skill import Job, SkillContext

__all__ = ["import_code", "import_module", "import_tasks", "marked"]

log = logging.getLogger(__name__)


def import_code(skill: Skill, context: SkillContext, remote: RemoteSettings) -> None:
    assert skill.manifest is not None
    if skill.manifest.trust is Trust.REMOTE:
        _make_remote(skill, context, remote)
        return
    import_module(skill, "models")
    actions = None if skill.off else import_module(skill, "actions")
    events = None if skill.off else import_module(skill, "events")
    if actions is not None:
        _make_actions(skill, actions, context)
    _take_names(skill, None if skill.off else import_module(skill, "entities"))
    for each in (events, actions):
        for handler in marked(each, "__chatnation_event__"):
            skill.handlers.setdefault(handler.__chatnation_event__.name, []).append(handler)


def import_tasks(skill: Skill, queue: str) -> None:
    assert skill.manifest is not None
    if skill.manifest.trust is Trust.REMOTE:
        return
    wanted = skill.manifest.tasks.get(queue)  # type: ignore[call-overload]
    if wanted is None:
        return
    for function in marked(import_module(skill, wanted), "__chatnation_job__"):
        job: type[Job] = function.__chatnation_job__
        if not job.name.startswith(f"{skill.name}."):
            skill.turn_off(f"{inspect.getsourcefile(job)}:1:1 the job {job.name} does not start with the skill's name")
        if job.queue == queue:
            skill.tasks[job.name] = (job, function)


def import_module(skill: Skill, name: str) -> ModuleType | None:
    if not (skill.folder / f"{name}.py").is_file() and not (skill.folder / name / "__init__.py").is_file():
        return None
    try:
        return importlib.import_module(f"{skill.package}.{name}")
    except (Exception, SystemExit) as e:  # any mistake of a skill's author must leave the other skills running
        log.exception("skill module does not import", extra={"skill": skill.name, "file": name})
        skill.turn_off(f"{_place_of(e, skill, name)} does not import: {type(e).__name__}: {e}")
        return None


def _make_actions(skill: Skill, module: ModuleType, context: SkillContext) -> None:
    """One of each class that the module defines or, being a package, imports from its own modules."""
    from rasa_sdk import Action  # half a second, and only where actions run

    for found in _defined_in(module, skill.package):
        if not issubclass(found, Action) or _is_base(found):
            continue
        try:
            action = found(context) if hasattr(found, "stateless") else found()
            name = action.name if isinstance(action.name, str) else action.name()
        except Exception as e:  # any mistake of a skill's author must leave the other skills running
            log.exception("action cannot be made", extra={"skill": skill.name, "action": found.__name__})
            skill.turn_off(f"{_place_of(e, skill, 'actions')} {found.__name__}: {type(e).__name__}: {e}")
            continue
        if name in skill.actions:
            skill.turn_off(f"{module.__file__}:1:1 two actions are named {name}")
        skill.actions[name] = action


def _take_names(skill: Skill, module: ModuleType | None) -> None:
    for function in marked(module, "__chatnation_entity__"):
        entity = function.__chatnation_entity__
        if not entity.startswith(f"{skill.name}_"):
            skill.turn_off(
                f"{inspect.getsourcefile(function)}:1:1 the entity {entity} does not start with the skill's name"
            )
        skill.names[entity] = function


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


def _place_of(error: BaseException, skill: Skill, module: str) -> str:
    """file:line:col of the skill's own line that the error came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}:{error.offset or 1}"
    package = skill.folder / module / "__init__.py"
    file, line = str(package if package.is_file() else skill.folder / f"{module}.py"), 1
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


def marked(module: ModuleType | None, mark: str) -> list[Any]:
    if module is None:
        return []
    return [each for each in vars(module).values() if inspect.isfunction(each) and hasattr(each, mark)]
