"""Turns classic forms and rules into flows, so that one engine runs them all."""

from __future__ import annotations

from dataclasses import replace

from bot.flows.diagnostics import Pos, Reporter
from bot.flows.rulefile import rule_id
from bot.flows.source import END, FlowSource, FormSource, RuleSource, SkillSource, StepSource, TargetSource

__all__ = ["import_classics"]


def import_classics(skill: SkillSource, report: Reporter) -> None:
    """Adds a flow for each form and for each rule of the kind intent -> actions."""
    for form in skill.forms.values():
        with report.about(flow=form.name):
            if form.name in skill.flows:
                first = skill.flows[form.name].pos
                report.error("CN-NAME-001", f'form "{form.name}" has the name of the flow at {first}', form.pos)
            else:
                skill.flows[form.name] = _flow_of_form(form, skill, report)
    for rule in skill.rules:
        if not rule.form:
            _add_rule(rule, skill, report)
    for flow in skill.flows.values():
        flow.steps[:] = [_called(step, skill) for step in flow.steps]


def _flow_of_form(form: FormSource, skill: SkillSource, report: Reporter) -> FlowSource:
    """Its questions in order, then what the rules say follows it. Its slots stay, as those of forms do."""
    flow = FlowSource(form.name, form.pos, name=form.name.replace("_", " "), description=form.name.replace("_", " "))
    for slot, pos in form.required:
        flow.steps.append(_question(slot, pos, form.name, skill, len(flow.steps)))
    for rule in skill.rules:
        if rule.form == form.name:
            flow.steps += _steps_of(rule, len(flow.steps), leaving_out=form.name)
    flow.intents = tuple((rule.intent, 0.0) for rule in skill.rules if rule.intent and _only_starts(rule, form.name))
    flow.persisted = form.required
    if not flow.steps:
        report.error("CN-FORM-005", f'form "{form.name}" asks for nothing', form.pos)
    else:
        flow.steps[-1].last_of_block = True
    if not any(rule.intent and form.name in dict(rule.actions) for rule in skill.rules):
        report.note("CN-FORM-006", f'no rule starts form "{form.name}"', form.pos, "start it as a flow of this name")
    return flow


def _question(slot: str, pos: Pos, form: str, skill: SkillSource, n: int) -> StepSource:
    step = StepSource("collect", f"{n}_collect_{slot}", pos, target=slot, target_pos=pos)
    own = f"utter_ask_{form}_{slot}"
    if any(own in responses for responses in skill.responses.values()):
        step.utter = own
    if f"validate_{form}" in skill.actions:
        step.validate = f"validate_{form}"
    return step


def _only_starts(rule: RuleSource, form: str) -> bool:
    return [name for name, _ in rule.actions] == [form] and rule.guard is None


def _add_rule(rule: RuleSource, skill: SkillSource, report: Reporter) -> None:
    if any(_only_starts(rule, form) for form in skill.forms):
        return
    name = rule_id(rule.name)
    with report.about(flow=name):
        if name in skill.flows:
            report.error(
                "CN-NAME-001", f'rule "{rule.name}" is defined twice, first at {skill.flows[name].pos}', rule.pos
            )
            return
        flow = FlowSource(name, rule.pos, name=rule.name, description=rule.name)
        flow.guard = rule.guard
        flow.intents = ((rule.intent, 0.0),)
        flow.run_pattern_completed = False
        flow.steps = _steps_of(rule, 0)
        flow.steps[-1].last_of_block = True
        skill.flows[name] = flow


def _steps_of(rule: RuleSource, first: int, *, leaving_out: str = "") -> list[StepSource]:
    kept = [(name, pos) for name, pos in rule.actions if name != leaving_out]
    steps = [
        StepSource("action", f"{first + n}_action_{name}", pos, target=name, target_pos=pos)
        for n, (name, pos) in enumerate(kept)
    ]
    if steps and steps[-1].target == "action_listen":
        steps[-1] = replace(steps[-1], kind="noop", next=TargetSource(END, steps[-1].pos))
    return steps


def _called(step: StepSource, skill: SkillSource) -> StepSource:
    """Activating a form is calling its flow."""
    return replace(step, kind="call") if step.kind == "action" and step.target in skill.forms else step
