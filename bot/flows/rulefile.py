"""Reads classic rules as far as we run them, and says of stories why not.

Run are: an intent and what follows it (`intent -> actions`, also a form), and what follows a form (`active_loop: null`).
"""

from __future__ import annotations

import re
from typing import Any

from bot.flows.diagnostics import Pos, Reporter
from bot.flows.flowfile import read_condition
from bot.flows.source import ConditionSource, RuleSource, SkillSource
from bot.flows.yamltext import List, Map

__all__ = ["read_rules", "refuse_stories", "rule_id"]

_RULE_KEYS = ("rule", "condition", "steps", "conversation_start", "wait_for_user_input")
_NO_WORD = re.compile(r"[^\w]+")


def rule_id(name: str) -> str:
    """The id of the flow that a rule becomes."""
    return "rule_" + (_NO_WORD.sub("_", name.lower()).strip("_") or "unnamed")[:100]


def refuse_stories(data: Any, file: str, report: Reporter) -> None:
    for item, pos in _items(data, "stories", file, report):
        name = item.get("story", "") if isinstance(item, Map) else ""
        report.error("CN-RULE-001", f'story "{name}" is not run: stories need a trained policy', pos, "write a flow")


def read_rules(data: Any, file: str, skill: SkillSource, report: Reporter) -> None:
    for item, pos in _items(data, "rules", file, report):
        name = item.get("rule") if isinstance(item, Map) else None
        if not isinstance(item, Map) or not isinstance(name, str):
            report.error("CN-RULE-002", "a rule has a name `rule:` and `steps:`", pos)
            continue
        with report.about(flow=rule_id(name)):
            rule = _read_rule(name, item, pos, report)
            if rule is not None:
                skill.rules.append(rule)


def _items(data: Any, key: str, file: str, report: Reporter) -> list[tuple[Any, Pos]]:
    items = data.get(key) if isinstance(data, Map) else None
    if items is None:
        return []
    if not isinstance(items, List):
        report.error("CN-RULE-002", f"`{key}` is a list", data.values_at.get(key, Pos(file)))
        return []
    return list(zip(items, items.items_at, strict=True))


def _read_rule(name: str, item: Map, pos: Pos, report: Reporter) -> RuleSource | None:
    for key in item:
        if key not in _RULE_KEYS:
            report.warning("CN-RULE-003", f'a rule has no property "{key}", it is ignored', item.keys_at[key])
    for key in ("conversation_start", "wait_for_user_input"):
        if key in item:
            report.error("CN-RULE-004", f"a rule with `{key}` is not run", item.keys_at[key], "write a flow")
            return None
    steps = item.get("steps")
    if not isinstance(steps, List) or not steps:
        report.error("CN-RULE-002", "a rule has a list `steps:`", item.keys_at.get("steps", pos))
        return None
    return _Rule(name, pos, report).read(item.get("condition"), steps)


class _Rule:
    def __init__(self, name: str, pos: Pos, report: Reporter) -> None:
        self._name = name
        self._pos = pos
        self._report = report
        self._form = ""
        self._tests: list[str] = []

    def read(self, condition: Any, steps: List) -> RuleSource | None:
        if isinstance(condition, List):
            for each, at in zip(condition, condition.items_at, strict=True):
                if not self._condition(each, at):
                    return None
        intent, ends_form = "", False
        actions: list[tuple[str, Pos]] = []
        for step, at in zip(steps, steps.items_at, strict=True):
            if not isinstance(step, Map):
                self._refuse("a step is `intent:` or `action:`", at)
                return None
            if "intent" in step:
                if intent or actions:
                    self._refuse("a rule over several messages is not run", at)
                    return None
                if step.get("entities"):
                    self._refuse("a rule that asks for entities is not run", at)
                    return None
                intent = str(step["intent"])
            elif isinstance(step.get("action"), str):
                actions.append((str(step["action"]), step.values_at["action"]))
            elif "active_loop" in step:
                ends_form = ends_form or step["active_loop"] is None
            elif "slot_was_set" not in step:
                self._refuse(f"a rule with {', '.join(step) or 'an empty step'} is not run", at)
                return None
        if not intent and not (ends_form and self._form):
            self._refuse("only rules of the kind intent -> actions are run, and what follows a form", self._pos)
            return None
        if not actions:
            self._refuse("this rule does nothing", self._pos)
            return None
        form = self._form if ends_form and not intent else ""
        return RuleSource(self._name, self._pos, intent, tuple(actions), self._guard(), form)

    def _refuse(self, why: str, at: Pos) -> None:
        self._report.error("CN-RULE-004", why, at, "write a flow")

    def _condition(self, item: Any, at: Pos) -> bool:
        if isinstance(item, Map) and isinstance(item.get("active_loop"), str):
            self._form = item["active_loop"]
            return True
        if isinstance(item, Map) and "active_loop" in item:
            return True  # null: no form runs, which is where flows start anyway
        slots = item.get("slot_was_set") if isinstance(item, Map) else None
        if isinstance(slots, List):
            for each in slots:
                self._tests += _tests(each)
            return True
        self._refuse("a condition is `active_loop` or `slot_was_set`", at)
        return False

    def _guard(self) -> ConditionSource | None:
        return read_condition(" and ".join(self._tests), self._pos, self._report) if self._tests else None


def _tests(item: Any) -> list[str]:
    if isinstance(item, str):
        return [f"slots.{item} is not null"]
    if not isinstance(item, Map):
        return []
    return [f"slots.{name} {_equals(value)}" for name, value in item.items()]


def _equals(value: Any) -> str:
    if value is None:
        return "is null"
    if isinstance(value, bool):
        return f"= {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"= {value}"
    quote = "'" if '"' in str(value) else '"'
    return f"= {quote}{value}{quote}"
