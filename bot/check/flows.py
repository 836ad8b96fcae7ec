"""From loaded files to what becomes of each flow."""

from __future__ import annotations

from collections.abc import Sequence

from bot.check.report import FlowReport, Status, status_of
from bot.flows import Compiled, Diagnostic, SkillSource
from bot.flows.load import UNREAD
from bot.flows.source import FlowSource

__all__ = ["report_flows"]


def report_flows(skill: SkillSource, compiled: Compiled, found: Sequence[Diagnostic]) -> list[FlowReport]:
    """One entry for each flow that is written down, a second one of the same name and those of an unreadable file included."""
    made = [_report(flow, skill, compiled, found) for flow in skill.flows.values()]
    made += _not_made(skill, made, found)
    unread = {each.file: each for each in found if each.code in UNREAD}
    made += [
        FlowReport(name, skill.name, Status.REFUSED, pos.file, pos.line, pos.column, (unread[pos.file],))
        for name, pos in skill.lost.items()
    ]
    return sorted(made, key=lambda each: (each.file, each.line, each.column))


def _report(flow: FlowSource, skill: SkillSource, compiled: Compiled, found: Sequence[Diagnostic]) -> FlowReport:
    used = _subjects(flow)
    own = [each for each in found if (each.flow == flow.id and not _is_second(each)) or each.subject in used]
    status = status_of(own)
    if f"{skill.name}:{flow.id}" not in compiled.flows:
        status = Status.REFUSED
    return FlowReport(flow.id, skill.name, status, flow.pos.file, flow.pos.line, flow.pos.column, tuple(own))


def _subjects(flow: FlowSource) -> set[str]:
    """The slots and responses that a flow uses: what is wrong with them is wrong with it."""
    names = {f"slot:{step.target}" for step in flow.steps if step.kind == "collect"}
    names |= {f"slot:{name}" for step in flow.steps for name, _, _ in step.assignments}
    for step in flow.steps:
        names |= {f"response:{rejection.utter}" for rejection in step.rejections}
        if step.kind == "action":
            names.add(f"response:{step.target}")
        elif step.kind == "collect":
            names.add(f"response:{step.utter or f'utter_ask_{step.target}'}")
    return names


def _is_second(each: Diagnostic) -> bool:
    return each.code == "CN-NAME-001" or (each.code == "CN-YAML-005" and each.pointer.count("/") == 2)


def _not_made(skill: SkillSource, made: Sequence[FlowReport], found: Sequence[Diagnostic]) -> list[FlowReport]:
    """Flows, forms and rules that were read but did not become a flow: a second one of a name, a rule that is not run."""
    known = {each.flow for each in made}
    entries: dict[tuple[str, int, int], list[Diagnostic]] = {}
    for each in found:
        if each.flow and each.severity == "error" and (each.flow not in known or _is_second(each)):
            entries.setdefault(
                (f"{each.flow}\0{each.file}", *((each.line, each.column) if _is_second(each) else (0, 0))), []
            ).append(each)
    return [
        FlowReport(
            name.partition("\0")[0], skill.name, Status.REFUSED, own[0].file, own[0].line, own[0].column, tuple(own)
        )
        for (name, _, _), own in entries.items()
    ]
