"""Reads the classic forms of a domain file."""

from __future__ import annotations

from typing import Any

from bot.flows.diagnostics import Pos, Reporter
from bot.flows.flowfile import check_keys
from bot.flows.source import FormSource, SkillSource
from bot.flows.yamltext import List, Map

__all__ = ["read_forms"]


def read_forms(data: Map, skill: SkillSource, report: Reporter) -> None:
    forms = data.get("forms")
    if forms is None or forms == []:
        return
    if not isinstance(forms, Map):
        report.error("CN-FORM-001", "`forms` is a mapping of name to {required_slots}", data.values_at["forms"])
        return
    for name, value in forms.items():
        pos = forms.keys_at[name]
        with report.about(flow=name):
            if name in skill.forms:
                report.error("CN-NAME-001", f'form "{name}" is defined twice, first at {skill.forms[name].pos}', pos)
            elif (required := _required(value, pos, report)) is not None:
                skill.forms[name] = FormSource(name, pos, required)


def _required(value: Any, pos: Pos, report: Reporter) -> tuple[tuple[str, Pos], ...] | None:
    if not isinstance(value, Map) or "required_slots" not in value:
        report.error("CN-FORM-001", "a form is a mapping with `required_slots`", pos)
        return None
    check_keys(value, ("required_slots", "ignored_intents"), "a form", report, "CN-FORM-002")
    if "ignored_intents" in value:
        at = value.keys_at["ignored_intents"]
        report.note("CN-FORM-003", "`ignored_intents` is accepted and ignored", at, "conditions on the slot's mapping")
    required = value["required_slots"]
    if isinstance(required, List) and all(isinstance(each, str) for each in required):
        return tuple(zip(required, required.items_at, strict=True))
    if isinstance(required, Map):
        report.note(
            "CN-FORM-004",
            "mappings inside a form are ignored",
            value.keys_at["required_slots"],
            "write them on the slot",
        )
        return tuple((name, required.keys_at[name]) for name in required)
    report.error("CN-FORM-001", "`required_slots` is a list of slots", value.values_at["required_slots"])
    return None
