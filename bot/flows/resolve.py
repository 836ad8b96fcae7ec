"""What the plain names in a skill's files mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from bot.flows.diagnostics import Reporter, nearest
from bot.flows.expressions import UNDEFINED, Condition, ConditionError, Path, Scope, compile_condition, parse
from bot.flows.model import Rejection
from bot.flows.source import ConditionSource, RejectionSource, SkillSource
from bot.flows.templates import Filling, compile_jinja

__all__ = ["CORE", "Names", "bind_condition", "bind_rejections"]

CORE = "core"


class Names:
    """Plain name -> loaded id for each skill: its own, then those of the skills it requires, the organization's, core's.

    For core too the organization comes first: that is how its words and patterns take the place of the built-in ones.
    """

    def __init__(self, sources: Sequence[SkillSource], organization: str = "") -> None:
        by_name = {skill.name: skill for skill in sources}
        self._flows: dict[str, dict[str, str]] = {}
        self._slots: dict[str, dict[str, str]] = {}
        self._responses: dict[str, dict[str, str]] = {}
        self._actions: dict[str, dict[str, str]] = {}
        for skill in sources:
            own = () if skill.name == CORE else (skill.name, *skill.requires)
            seen = [by_name[name] for name in (*own, organization, CORE) if name in by_name]
            self._flows[skill.name] = _merge(seen, lambda s: s.flows)
            # Core's patterns keep the slots that its default actions know.
            self._slots[skill.name] = _merge([skill] if skill.name == CORE else seen, lambda s: s.slots)
            self._responses[skill.name] = _merge(seen, _response_names)
            self._actions[skill.name] = _merge(seen, lambda s: s.actions)

    def flow(self, name: str, skill: str) -> str | None:
        return _find(self._flows, name, skill)

    def slot(self, name: str, skill: str) -> str | None:
        return _find(self._slots, name, skill)

    def response(self, name: str, skill: str) -> str | None:
        return _find(self._responses, name, skill)

    def action(self, name: str, skill: str) -> str | None:
        return _find(self._actions, name, skill)

    def all_flows(self, skill: str) -> dict[str, str]:
        return self._flows[skill]

    def all_slots(self, skill: str) -> dict[str, str]:
        return self._slots[skill]

    def all_responses(self, skill: str) -> dict[str, str]:
        return self._responses[skill]

    def all_actions(self, skill: str) -> dict[str, str]:
        return self._actions[skill]


def _response_names(skill: SkillSource) -> dict[str, None]:
    return {name: None for responses in skill.responses.values() for name in responses}


def _merge(skills: Sequence[SkillSource], part: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for skill in skills:
        for name in part(skill):
            found.setdefault(name, f"{skill.name}:{name}")
    return found


def _find(table: Mapping[str, Mapping[str, str]], name: str, skill: str) -> str | None:
    if ":" in name:
        owner, _, plain = name.partition(":")
        own = table.get(owner, {}).get(plain)
        return own if own == name or owner == CORE else None
    return table[skill].get(name)


def bind_rejections(
    sources: Sequence[RejectionSource], skill: str, names: Names, report: Reporter
) -> tuple[Rejection, ...]:
    made = []
    for source in sources:
        utter = names.response(source.utter, skill)
        if utter is None:
            hint = nearest(source.utter, names.all_responses(skill))
            report.error("CN-RESP-007", f'there is no response "{source.utter}"', source.pos, hint)
            continue
        made.append(Rejection(bind_condition(source.condition, skill, names, report), utter))
    return tuple(made)


def bind_condition(source: ConditionSource, skill: str, names: Names, report: Reporter) -> Condition:
    """The condition ready to run; unknown slots and bare names are reported."""
    if source.constant is not None:
        constant = source.constant
        return lambda scope: constant
    if source.parsed is None:
        return _rendered_first(source, skill, names, report)
    flagged = {lint.at for lint in source.parsed.lints}
    for path in source.parsed.paths:
        if path.at not in flagged:
            _check_path(path, source, skill, names, report)
    return compile_condition(source.parsed.tree, lambda name: _lookup(name, skill, names))


def _check_path(path: Path, source: ConditionSource, skill: str, names: Names, report: Reporter) -> None:
    root, _, rest = path.name.partition(".")
    if root == "context" and rest:
        return
    if root == "slots" and rest:
        if names.slot(rest.split(".")[0], skill) is None:
            hint = nearest(rest, names.all_slots(skill))
            report.error("CN-COND-006", f'there is no slot "{rest}", in {source.text!r}', source.pos, hint)
        return
    report.error("CN-COND-007", f'"{path.name}" is neither a slot nor context', source.pos, f"slots.{path.name}?")


def _lookup(name: str, skill: str, names: Names) -> Condition:
    root, _, rest = name.partition(".")
    if root == "slots" and rest:
        slot = names.slot(rest, skill)
        if slot is not None:
            return lambda scope: scope.slots.get(slot)
        head, *inner = rest.split(".")
        holder = names.slot(head, skill)
        return (lambda scope: _walk(scope.slots.get(holder), inner)) if holder else (lambda scope: UNDEFINED)
    if root == "context" and rest:
        return lambda scope: _walk(scope.context, rest.split("."))
    return lambda scope: UNDEFINED


def _walk(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            return UNDEFINED
        value = value[name]
    return value


def _rendered_first(source: ConditionSource, skill: str, names: Names, report: Reporter) -> Condition:
    """A condition with Jinja in it, as patterns write `slots.{{context.collect}} is not null`."""
    try:
        template = compile_jinja(source.text, lambda name: names.slot(name, skill))
    except ValueError as e:
        report.error("CN-COND-008", f"{e}", source.pos)
        return lambda scope: False

    @lru_cache(maxsize=64)
    def bound(text: str, owner: str) -> Condition | None:
        try:
            return compile_condition(parse(text).tree, lambda name: _lookup(name, owner, names))
        except ConditionError:
            return None

    def run(scope: Scope) -> Any:
        text = template(Filling(scope.slots, scope.context, {}, {}, {}, scope.now))
        # A pattern of core asks about slots of the skill for which it runs.
        condition = bound(text, str(scope.context.get("skill") or skill))
        if condition is None:
            scope.warnings.append(f"condition not understood: {text!r}")
            return False
        return condition(scope)

    return run
