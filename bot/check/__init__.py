"""`chatnation check`: what every skill must satisfy, told as file:line:col with a code and a way to mend it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.check.flows import report_flows
from bot.check.report import FlowReport, Report
from bot.check.rules import RULES, in_folder
from bot.flows import Diagnostic
from bot.registry import Registry

__all__ = ["check", "report"]


def check(registry: Registry, *, skill: str = "") -> list[Diagnostic]:
    """All problems of all skills, or of one. The registry must have been loaded with actions."""
    return [
        problem
        for each in registry.skills.values()
        if skill in ("", each.name)
        for rule in RULES
        for problem in rule(each, registry)
    ]


def report(registry: Registry, *, skill: str = "") -> Report:
    """The same, with what becomes of each flow."""
    found = check(registry, skill=skill)
    flows: list[FlowReport] = []
    names = [each.name for each in registry.skills.values() if skill in ("", each.name)]
    for name in names:
        each = registry.skills[name]
        if each.source is None:
            continue
        needed = each.manifest.requires if each.manifest else ()
        known = {d: in_folder(d, each) for d in registry.diagnostics(name)}
        own = [problem for problem in found if Path(problem.file).is_relative_to(each.folder)]
        plain = [*known, *(problem for problem in own if problem not in known.values())]
        flows += [
            replace(
                entry, file=str(each.folder / entry.file), diagnostics=tuple(known.get(d, d) for d in entry.diagnostics)
            )
            for entry in report_flows(each.source, registry.compiled([*needed, name]), plain)
        ]
    return Report("chatnation", ", ".join(names), flows, found)
