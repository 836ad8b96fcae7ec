"""Compiles the steps of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.model import END, Branch, Next, Slot, Step
from bot.flows.resolve import CORE, Names, bind_condition, bind_rejections
from bot.flows.source import FlowSource, StepSource, TargetSource
from bot.flows.templates import compile_jinja
from bot.flows.values import Unfit, coerce

__all__ = ["BUILTIN_ACTIONS", "DEFAULT_ACTIONS", "compile_steps"]

# Those of the format; `action_listen` is a step of its own kind.
DEFAULT_ACTIONS = frozenset(
    (
        "action_restart",
        "action_session_start",
        "action_default_fallback",
        "action_run_slot_rejections",
        "action_cancel_flow",
        "action_correct_flow_slot",
        "action_clarify_flows",
        "action_clean_stack",
        "action_continue_interrupted_flow",
        "action_cancel_interrupted_flows",
        "action_trigger_search",
        "action_trigger_chitchat",
        "action_repeat_bot_messages",
        "action_reset_routing",
        "action_handoff_metric",
        "action_hangup",
        "action_extract_slots",
        "action_deactivate_loop",
        "action_back",
        "action_unlikely_intent",
        "action_default_ask_affirmation",
    )
)
BUILTIN_ACTIONS = DEFAULT_ACTIONS | {
    "action_human_handoff",
    "action_offer_retry",
    "action_explain_question",
    "action_help_out",
}


def compile_steps(
    flow: FlowSource, skill: str, names: Names, slots: Mapping[str, Slot], report: Reporter
) -> tuple[Step, ...]:
    compiler = _StepCompiler(flow, skill, names, slots, report)
    return tuple(compiler.step(n, source) for n, source in enumerate(flow.steps))


class _StepCompiler:
    def __init__(self, flow: FlowSource, skill: str, names: Names, slots: Mapping[str, Slot], report: Reporter) -> None:
        self._flow = flow
        self._skill = skill
        self._names = names
        self._slots = slots
        self._report = report
        self._index = {step.id: n for n, step in enumerate(flow.steps)}

    def step(self, n: int, source: StepSource) -> Step:
        to = self._next(n, source)
        match source.kind:
            case "action":
                return self._action(source, to)
            case "collect":
                return self._collect(source, to)
            case "set_slots":
                return Step(source.id, "set_slots", to, assignments=self._assignments(source))
            case "link" | "call":
                return Step(source.id, source.kind, to, target=self._target_flow(source))
            case "noop":
                return Step(source.id, "noop", to)

    def _next(self, n: int, source: StepSource) -> Next:
        if source.next is None:
            return END if source.last_of_block else n + 1
        if isinstance(source.next, TargetSource):
            return self._index_of(source.next)
        return tuple(
            Branch(
                bind_condition(branch.condition, self._skill, self._names, self._report) if branch.condition else None,
                self._index_of(branch.target),
            )
            for branch in source.next
        )

    def _index_of(self, target: TargetSource) -> int:
        return target.step if isinstance(target.step, int) else self._index.get(target.step, END)

    def _pos(self, source: StepSource) -> Pos:
        return source.target_pos or source.pos

    def _action(self, source: StepSource, to: Next) -> Step:
        name = source.target
        if "{{" in name:
            return self._named(source, to)
        response = self._names.response(name, self._skill)
        action = self._names.action(name, self._skill)
        if response is not None and (action is None or name.startswith("utter_")):
            return Step(source.id, "utter", to, target=response)
        if action is not None:
            return Step(source.id, "action", to, target=action)
        if name == "action_listen":
            return Step(source.id, "listen", to)
        if name in BUILTIN_ACTIONS:
            return Step(source.id, "builtin", to, target=name)
        if name.startswith("utter_"):
            hint = nearest(name, self._names.all_responses(self._skill))
            self._report.error("CN-RESP-007", f'there is no response "{name}"', self._pos(source), hint)
        else:
            hint = nearest(name, self._names.all_actions(self._skill)) or "list it under `actions:`"
            self._report.warning("CN-NAME-005", f'action "{name}" is not in the domain', self._pos(source), hint)
        return Step(source.id, "action", to, target=name if ":" in name else f"{self._skill}:{name}")

    def _named(self, source: StepSource, to: Next) -> Step:
        """`{{context.utter}}`, as patterns write it: which action it is shows when the step runs."""
        try:
            template = compile_jinja(source.target, lambda name: self._names.slot(name, self._skill))
        except ValueError as e:
            self._report.error("CN-FLOW-060", f"{e}", self._pos(source))
            return Step(source.id, "noop", to)
        return Step(source.id, "named", to, target=source.target, named=template)

    def _collect(self, source: StepSource, to: Next) -> Step:
        names, skill, report = self._names, self._skill, self._report
        slot = names.slot(source.target, skill)
        if slot is None:
            hint = nearest(source.target, names.all_slots(skill)) or "add it to `slots:`"
            report.error("CN-NAME-002", f'slot "{source.target}" is not in the domain', self._pos(source), hint)
        plain = source.target.rpartition(":")[2]
        wanted = source.utter or f"utter_ask_{plain}"
        utter = names.response(wanted, skill)
        ask = names.action(f"action_ask_{plain}", skill)
        if utter is not None and ask is not None and source.utter is None:
            report.error(
                "CN-FLOW-035", f"both {wanted} and action_ask_{plain} ask for it", self._pos(source), "keep one"
            )
        if utter is None and ask is None:
            report.error("CN-RESP-009", f'no question for "{plain}"', self._pos(source), f"add {wanted}")
        return Step(
            source.id,
            "collect",
            to,
            target=slot or f"{skill}:{plain}",
            utter=utter,
            again=names.response(f"{wanted}_again", skill),
            ask_action=None if utter is not None else ask,
            validate_action=names.action(source.validate or f"validate_{plain}", skill)
            or names.action("action_validate_slot_mappings", skill),
            ask_before_filling=source.ask_before_filling,
            force_slot_filling=source.force_slot_filling,
            rejections=bind_rejections(source.rejections, skill, names, report),
            description=source.description,
        )

    def _assignments(self, source: StepSource) -> tuple[tuple[str, Any], ...]:
        made: list[tuple[str, Any]] = []
        for name, value, pos in source.assignments:
            slot_id = self._names.slot(name, self._skill)
            if slot_id is None:
                hint = nearest(name, self._names.all_slots(self._skill)) or "add it to `slots:`"
                self._report.error("CN-NAME-002", f'slot "{name}" is not in the domain', pos, hint)
                continue
            slot = self._slots.get(slot_id)
            if slot is not None and slot.type == "list" and value is not None:
                self._report.error("CN-FLOW-036", f'list slot "{name}" cannot be set here', pos, "set it in an action")
                continue
            try:
                made.append((slot_id, coerce(slot, value) if slot is not None else value))
            except Unfit as e:
                self._report.error("CN-FLOW-037", f'{value!r} is {e} for slot "{name}"', pos)
        return tuple(made)

    def _target_flow(self, source: StepSource) -> str:
        found = self._names.flow(source.target, self._skill)
        if found is None:
            hint = nearest(source.target, self._names.all_flows(self._skill))
            what = "agents cannot be called yet, and " if source.kind == "call" else ""
            self._report.error("CN-NAME-006", f'{what}there is no flow "{source.target}"', self._pos(source), hint)
        pattern = source.target.startswith("pattern_") and source.target != "pattern_human_handoff"
        if pattern and self._skill != CORE and not self._flow.id.startswith("pattern_"):
            self._report.error("CN-FLOW-038", f"a flow may not link to {source.target}", self._pos(source))
        if source.kind == "call" and self._flow.id.startswith("pattern_"):
            self._report.error("CN-FLOW-039", "a pattern may not call", self._pos(source))
        return found or f"{self._skill}:{source.target}"
