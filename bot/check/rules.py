"""What a skill must satisfy, one function per rule. Each yields problems with a place and a way to mend them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.check.language import LANGUAGE_RULES
from bot.check.window import prove_window, waiting_of
from bot.config import Configuration
from bot.errors import ConfigError
from bot.flows import Diagnostic
from bot.flows.diagnostics import Pos, nearest
from bot.manifest import place_of
from bot.metering.prices import find_prices, read_prices
from bot.registry import Registry, Skill

__all__ = ["RULES", "Rule", "in_folder"]

Rule = Callable[[Skill, Registry], Iterator[Diagnostic]]

# A local action holds a transaction: whatever calls out belongs into an OnlineAction or a task.
CLIENTS = frozenset({"aiohttp", "httpx", "requests", "urllib", "openai", "socket", "smtplib", "stripe"})
PROVIDED = ("action_listen", "action_restart", "action_session_start")


def loads(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """The manifest is valid, code imports; what is wrong with flows is told by `flows_are_sound`."""
    told = {str(in_folder(each, skill)) for each in registry.diagnostics(skill.name)}
    for problem in skill.problems:
        if problem in told:
            continue
        place, _, message = problem.partition(" ")
        file, line, column = (*place.rsplit(":", 2), "1", "1")[:3]
        yield _problem("CN-SKILL-001", message, Path(file), _number(line), _number(column))


def flows_are_sound(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """What the loader and the compiler say, also what does not stop the skill."""
    for each in registry.diagnostics(skill.name):
        yield in_folder(each, skill)


def files_say_what_they_should(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """Buttons lead somewhere, places can be filled, texts fit WhatsApp: the rules that need no code."""
    if skill.source is None or skill.manifest is None or skill.off:
        return
    compiled = registry.compiled([*skill.manifest.requires, skill.name])
    for rule in LANGUAGE_RULES:
        for each in rule(skill.source, compiled):
            yield in_folder(each, skill)


def nothing_is_said_outside_the_window(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """The 24-hour proof."""
    if skill.source is None or skill.manifest is None or skill.off:
        return
    compiled = registry.compiled([*skill.manifest.requires, skill.name])
    for each in prove_window(skill.source, compiled, waiting_of(skill.name, skill.actions)):
        yield in_folder(each, skill)


def actions_exist(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """Every action of the domain has a class, and every class stands in the domain."""
    declared = skill.source.actions if skill.source is not None else {}
    for name in sorted(set(declared) - set(skill.actions) - set(PROVIDED)):
        hint = nearest(name, skill.actions) or f'write a SkillAction with name = "{name}"'
        pos = declared[name]._replace(file=str(skill.folder / declared[name].file))
        yield _at(
            "CN-SKILL-010", f"the domain lists the action {name}, but actions.py has none of that name", pos, hint
        )
    for name in sorted(set(skill.actions) - set(declared)):
        hint = nearest(name, declared)
        yield _at(
            "CN-SKILL-011",
            f"the action {name} is not listed under actions: in the domain",
            _class_of(skill, name),
            hint,
        )


def names_carry_the_skill(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """Actions begin with the skill's name, by house style. That meters and permissions do is seen when the skill is read."""
    for name in skill.actions:
        if not name.startswith((f"{skill.name}_", f"action_{skill.name}", "validate_", "action_ask_")):
            yield _at("CN-SKILL-021", f"the action {name} does not begin with {skill.name}_", _class_of(skill, name))


def _class_of(skill: Skill, action: str) -> Pos:
    """Where an action's class stands; what runs elsewhere stands in the domain alone."""
    found = type(skill.actions[action])
    file = Path(inspect.getsourcefile(found) or "")
    if file.is_relative_to(skill.folder):
        return Pos(str(file), inspect.getsourcelines(found)[1])
    listed = skill.source.actions.get(action) if skill.source is not None else None
    return Pos(str(skill.folder / listed.file), listed.line, listed.column) if listed else Pos(str(skill.folder))


def menu_leads_somewhere(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """Each line of the menu names a flow of this skill, and has a title in each of its languages."""
    manifest = skill.manifest
    if manifest is None or skill.source is None:
        return
    for n, item in enumerate(manifest.menu):
        if item.flow not in skill.source.flows and item.flow not in skill.source.lost:
            hint = nearest(item.flow, skill.source.flows)
            pos = _in_manifest(skill, "menu", n, "flow")
            yield _at("CN-SKILL-030", f"the menu names the flow {item.flow}, which is not there", pos, hint)
        for language in manifest.languages:
            if language not in item.title:
                pos = _in_manifest(skill, "menu", n, "title")
                yield _at("CN-SKILL-031", f"the menu's {item.flow} has no title in {language}", pos, f"{language}: ...")


def triggers_fire(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """The job that a schedule or webhook makes is one of the skill's, in that queue."""
    file = skill.folder / "skill.yml"
    for n, trigger in enumerate(skill.manifest.triggers if skill.manifest and not skill.off else ()):
        found = skill.tasks.get(trigger.job)
        if not trigger.job or (found is not None and found[0].queue == trigger.queue):
            continue
        _, line, column = place_of(file, "triggers", n, "job").rsplit(":", 2)
        message = f"no task of the queue {trigger.queue} runs the job {trigger.job}"
        if found is not None:
            message = f"the job {trigger.job} is of the queue {found[0].queue}: say queue: {found[0].queue}"
        yield Diagnostic("CN-SKILL-032", "error", message, str(file), int(line), int(column))


def meters_are_priced(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """Each meter of a skill stands in the price list in force: nothing is free by oversight."""
    if skill.manifest is None or not skill.manifest.meters:
        return
    file = find_prices(Configuration.read())
    if file is None:
        return
    try:
        found = read_prices(file).at(datetime.now(UTC).date())
    except ConfigError as e:
        place, _, message = str(e).partition(" ")
        path, line, column = place.rsplit(":", 2)
        yield Diagnostic("CN-PRICE-001", "error", message, path, int(line), int(column))
        return
    for n, meter in enumerate(skill.manifest.meters):
        if found is None or meter not in found.prices:
            hint = f"{meter}: {{kind: basic, tokens: 1}}"
            yield _at("CN-PRICE-002", f"{file.name} has no price for {meter}", _in_manifest(skill, "meters", n), hint)


def languages_are_whole(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """Every response exists in every language that the manifest promises."""
    if skill.manifest is None or skill.off:
        return
    compiled = registry.compiled([*skill.manifest.requires, skill.name])
    own = [name for name in compiled.responses.get("", {}) if name.startswith(f"{skill.name}:")]
    written = skill.source.responses.get("", {}) if skill.source is not None else {}
    for language in skill.manifest.languages:
        if language == compiled.default_locale:
            continue
        translated = compiled.responses.get(language, {})
        for name in own:
            response = name.partition(":")[2]
            if name not in translated:
                pos = written[response].pos if response in written else Pos(f"locales/{language}.yml")
                hint = f"add it to locales/{language}.yml"
                yield in_folder(_at("CN-SKILL-040", f"{response} is not said in {language}", pos, hint), skill)


def local_actions_do_not_call_out(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """A module that defines a SkillAction imports no client of the network."""
    for path in sorted({*skill.folder.glob("actions.py"), *skill.folder.glob("actions/*.py")}):
        for node in ast.walk(_parsed(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.partition(".")[0] in CLIENTS:
                    yield _problem(
                        "CN-SKILL-050",
                        f"imports {name}: a local action runs inside a transaction; call out from an OnlineAction or a task",
                        path,
                        getattr(node, "lineno", 1),
                        getattr(node, "col_offset", 0) + 1,
                    )


def _parsed(path: Path) -> ast.AST:
    """Nothing, for what is no Python: `loads` tells that."""
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def migrations_follow_the_store(skill: Skill, registry: Registry) -> Iterator[Diagnostic]:
    """The first migration of a skill with models depends on the store's."""
    if not (skill.folder / "models.py").is_file():
        return
    first = sorted((skill.folder / "migrations").glob("0001_*.py"))
    if not first:
        yield _problem("CN-SKILL-060", "has models but no migrations/0001_*.py", skill.folder / "models.py")
    elif '("store",' not in first[0].read_text():
        yield _problem("CN-SKILL-061", 'the first migration does not depend on ("store", ...)', first[0])


RULES: tuple[Rule, ...] = (
    loads,
    flows_are_sound,
    files_say_what_they_should,
    nothing_is_said_outside_the_window,
    actions_exist,
    names_carry_the_skill,
    menu_leads_somewhere,
    triggers_fire,
    meters_are_priced,
    languages_are_whole,
    local_actions_do_not_call_out,
    migrations_follow_the_store,
)


def _problem(code: str, message: str, file: Path, line: int = 1, column: int = 1) -> Diagnostic:
    return Diagnostic(code, "error", message, str(file), line, column)


def _at(code: str, message: str, pos: Pos, suggestion: str = "") -> Diagnostic:
    return Diagnostic(code, "error", message, pos.file, pos.line, pos.column, suggestion=suggestion)


def _in_manifest(skill: Skill, *keys: str | int) -> Pos:
    file, line, column = place_of(skill.folder / "skill.yml", *keys).rsplit(":", 2)
    return Pos(file, int(line), int(column))


def in_folder(found: Diagnostic, skill: Skill) -> Diagnostic:
    return replace(found, file=str(skill.folder / found.file))


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 1
