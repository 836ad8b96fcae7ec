"""Reads the `flows:` mapping of one file into FlowSource."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.expressions import ConditionError, parse
from bot.flows.source import (
    END,
    BranchSource,
    ConditionSource,
    FlowSource,
    NextSource,
    RejectionSource,
    StepKind,
    StepSource,
    TargetSource,
)
from bot.flows.yamltext import List, Map

__all__ = ["check_keys", "read_condition", "read_flow", "read_phrases", "read_rejections", "words_of"]

MAX_STEPS = 2_000  # the longest public flow has 107 steps

_FLOW_ID = re.compile(r"[^\W-][\w-]*\Z")
_FLOW_KEYS = (
    "description",
    "name",
    "if",
    "nlu_trigger",
    "always_include_in_prompt",
    "run_pattern_completed",
    "aside",
    "persisted_slots",
    "steps",
    "words",
)
_COLLECT_KEYS = (
    "description",
    "ask_before_filling",
    "reset_after_flow_ends",
    "utter",
    "rejections",
    "force_slot_filling",
    "silence_timeout",
    "dtmf",
)
_CALL_KEYS = ("mcp_server", "mapping", "exit_if")
_KINDS: tuple[StepKind, ...] = ("action", "collect", "link", "call", "set_slots", "noop")
_KEYS_OF: dict[str, tuple[str, ...]] = {"collect": _COLLECT_KEYS, "call": _CALL_KEYS}
_IGNORED = {"silence_timeout": "voice only", "dtmf": "voice only"}


def check_keys(data: Map, known: Iterable[str], what: str, report: Reporter, code: str = "CN-FLOW-003") -> None:
    """Warns about keys that nobody reads."""
    known = tuple(known)
    for key in data:
        if key not in known:
            report.warning(
                code, f'{what} has no property "{key}", it is ignored', data.keys_at[key], nearest(key, known)
            )


def read_flow(flow_id: str, data: Any, pos: Pos, report: Reporter) -> FlowSource:
    """Reads one flow; what is wrong goes to `report`, and an error there refuses the flow."""
    flow = FlowSource(flow_id, pos)
    if not _FLOW_ID.match(flow_id):
        report.error("CN-FLOW-001", f'"{flow_id}" is no flow id', pos, "letters, digits, _ and -, not - in front")
    if not isinstance(data, Map):
        report.error("CN-FLOW-002", "a flow is a mapping with `description` and `steps`", pos)
        return flow
    check_keys(data, _FLOW_KEYS, "a flow", report)
    flow.description = _text(data, "description", report)
    flow.name = _text(data, "name", report)
    if not flow.description and not flow_id.startswith("pattern_"):
        report.warning("CN-FLOW-004", f'flow "{flow_id}" has no description', pos, "say what it does for the user")
    if "if" in data:
        flow.guard = read_condition(data["if"], data.values_at["if"], report)
    flow.intents = _intents(data, report)
    flow.run_pattern_completed = _flag(data, "run_pattern_completed", default=True, report=report)
    flow.aside = _flag(data, "aside", default=False, report=report)
    flow.always_include_in_prompt = _flag(data, "always_include_in_prompt", default=False, report=report)
    flow.persisted = _names(data, "persisted_slots", report)
    if "words" in data:
        flow.words = words_of(data["words"], data.values_at["words"], report)
    steps = data.get("steps")
    if not isinstance(steps, List) or not steps:
        report.error(
            "CN-FLOW-005", f'flow "{flow_id}" has no steps', data.keys_at.get("steps", pos), "add a list `steps:`"
        )
        return flow
    _StepReader(flow, report).block(steps)
    _check_flow(flow, report)
    return flow


def read_condition(value: Any, pos: Pos, report: Reporter) -> ConditionSource:
    if isinstance(value, bool):
        return ConditionSource(str(value), pos, constant=value)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return ConditionSource(value, pos, constant=value.strip().lower() == "true")
    if not isinstance(value, str):
        report.error("CN-COND-001", "a condition is a text or true or false", pos)
        return ConditionSource("", pos, constant=False)
    if "{{" in value or "{%" in value:
        return ConditionSource(value, pos)
    try:
        parsed = parse(value)
    except ConditionError as e:
        report.error(
            "CN-COND-002", f"condition not understood: {e}, at character {e.at + 1} of {value!r}", pos, e.suggestion
        )
        return ConditionSource(value, pos, constant=False)
    for lint in parsed.lints:
        report.warning(lint.code, f"{lint.message}, at character {lint.at + 1} of {value!r}", pos, lint.suggestion)
    return ConditionSource(value, pos, parsed)


def read_rejections(value: Any, pos: Pos, report: Reporter) -> tuple[RejectionSource, ...]:
    if not isinstance(value, List):
        report.error("CN-FLOW-016", "`rejections` is a list of {if, utter}", pos)
        return ()
    found = []
    for item, at in zip(value, value.items_at, strict=True):
        if not isinstance(item, Map) or "if" not in item or not isinstance(item.get("utter"), str):
            report.error("CN-FLOW-016", "a rejection needs `if` and `utter`", at)
            continue
        check_keys(item, ("if", "utter"), "a rejection", report)
        condition = read_condition(item["if"], item.values_at["if"], report)
        found.append(RejectionSource(condition, item["utter"], item.values_at["utter"]))
    return tuple(found)


def words_of(value: Any, pos: Pos, report: Reporter) -> dict[str, tuple[str, ...]]:
    """`words: {en: [stop], sw: [simamisha]}`, or a plain list for the default language (key `""`)."""
    if isinstance(value, List):
        return {"": read_phrases(value, pos, report)}
    if isinstance(value, Map):
        return {locale: read_phrases(phrases, value.values_at[locale], report) for locale, phrases in value.items()}
    report.error("CN-FLOW-017", "`words` is a list of phrases, or such a list for each language", pos)
    return {}


def read_phrases(value: Any, pos: Pos, report: Reporter) -> tuple[str, ...]:
    if not isinstance(value, List):
        report.error("CN-FLOW-017", "a list of phrases is expected", pos)
        return ()
    return tuple(str(phrase) for phrase in value if isinstance(phrase, (str, int, float)))


# -- steps ----------------------------------------------------------------------------------------


class _StepReader:
    """Flattens nested blocks into one list; a target is a step id, END or the index of a block's first step."""

    def __init__(self, flow: FlowSource, report: Reporter) -> None:
        self._flow = flow
        self._report = report

    def block(self, items: List, *, nested: bool = False) -> int:
        """The index of the block's first step."""
        first = len(self._flow.steps)
        last: StepSource | None = None
        for item, pos in zip(items, items.items_at, strict=True):
            if len(self._flow.steps) >= MAX_STEPS:
                self._report.error("CN-FLOW-006", f"more than {MAX_STEPS} steps in one flow", pos)
                return first
            last = self._step(item, pos) or last
        if last is not None:
            last.last_of_block = True
            if nested and last.next is None and last.kind != "link":
                self._report.warning(
                    "CN-FLOW-007",
                    f'step "{last.id}" ends a nested block without `next`: the flow ends here',
                    last.pos,
                    "write next: END",
                )
        return first

    def _step(self, item: Any, pos: Pos) -> StepSource | None:
        if not isinstance(item, Map):
            self._report.error("CN-FLOW-008", "a step is a mapping like `- action: utter_hello`", pos)
            return None
        kinds = [kind for kind in _KINDS if kind in item]
        if len(kinds) != 1:
            what = "has no type" if not kinds else f"has {len(kinds)} types ({', '.join(kinds)})"
            hint = next((found for key in item if (found := nearest(key, _KINDS))), "one of " + ", ".join(_KINDS))
            self._report.error("CN-FLOW-009", f"this step {what}", pos, hint)
            return None
        kind = kinds[0]
        check_keys(item, ("id", "next", kind, *_KEYS_OF.get(kind, ())), f"a {kind} step", self._report)
        step = StepSource(kind, "", pos)
        index = len(self._flow.steps)
        self._flow.steps.append(step)
        self._fill(step, item)
        given = item.get("id")
        step.id = str(given) if given is not None else f"{index}_{kind}" + (f"_{step.target}" if step.target else "")
        if "next" in item:
            step.next = self._next(item["next"], item.values_at["next"])
        return step

    def _fill(self, step: StepSource, item: Map) -> None:
        value, pos = item[step.kind], item.values_at[step.kind]
        step.target_pos = pos
        if step.kind == "set_slots":
            step.assignments = self._assignments(value, pos)
        elif step.kind == "noop":
            self._check_noop(item, value, pos)
        elif not isinstance(value, str) or not value:
            self._report.error("CN-FLOW-010", f"`{step.kind}` takes a name", pos)
        else:
            step.target = value
        if step.kind == "collect":
            self._collect(step, item)
        if step.kind == "call" and any(key in item for key in _CALL_KEYS):
            self._report.error("CN-FLOW-011", "calling a tool or an agent is not supported", pos, "call a flow")
        if step.kind == "link" and ("next" in item or ("id" in item and len(item) > 2)):
            self._report.error("CN-FLOW-012", "`link` ends the flow and takes no `next`", pos)

    def _check_noop(self, item: Map, value: Any, pos: Pos) -> None:
        if isinstance(value, List):
            self._report.error("CN-FLOW-013", "the branches stand under `next`, not under `noop`", pos, "noop: true")
        elif "next" not in item:
            self._report.error("CN-FLOW-013", "`noop` needs a `next`", pos)

    def _collect(self, step: StepSource, item: Map) -> None:
        report = self._report
        step.description = _text(item, "description", report)
        step.ask_before_filling = _flag(item, "ask_before_filling", default=False, report=report)
        step.force_slot_filling = _flag(item, "force_slot_filling", default=False, report=report)
        step.utter = _text(item, "utter", report) or None
        if "reset_after_flow_ends" in item:
            step.reset_after_flow_ends = _flag(item, "reset_after_flow_ends", default=True, report=report)
            at = item.keys_at["reset_after_flow_ends"]
            report.note("CN-FLOW-014", "`reset_after_flow_ends` is deprecated", at, "use persisted_slots on the flow")
        if "rejections" in item:
            step.rejections = read_rejections(item["rejections"], item.values_at["rejections"], report)
        for key, why in _IGNORED.items():
            if key in item:
                report.note("CN-FLOW-015", f"`{key}` is accepted and ignored ({why})", item.keys_at[key])

    def _assignments(self, value: Any, pos: Pos) -> tuple[tuple[str, Any, Pos], ...]:
        if isinstance(value, Map):
            self._report.warning("CN-FLOW-018", "`set_slots` is a list of `- slot: value`", pos)
            return tuple((name, given, value.keys_at[name]) for name, given in value.items())
        if not isinstance(value, List):
            self._report.error("CN-FLOW-018", "`set_slots` is a list of `- slot: value`", pos)
            return ()
        found: list[tuple[str, Any, Pos]] = []
        for item, at in zip(value, value.items_at, strict=True):
            if not isinstance(item, Map):
                self._report.error("CN-FLOW-018", "`set_slots` is a list of `- slot: value`", at)
                continue
            found.extend((name, given, item.keys_at[name]) for name, given in item.items())
        return tuple(found)

    def _next(self, value: Any, pos: Pos) -> NextSource:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return TargetSource(str(value), pos)
        if not isinstance(value, List) or not value:
            self._report.error("CN-FLOW-019", "`next` is a step id, END, a list of branches or a list of steps", pos)
            return None
        if isinstance(value[0], Map) and ("if" in value[0] or "else" in value[0] or "then" in value[0]):
            return self._branches(value, pos)
        return TargetSource(self.block(value, nested=True), pos)

    def _branches(self, value: List, pos: Pos) -> tuple[BranchSource, ...]:
        found: list[BranchSource] = []
        for item, at in zip(value, value.items_at, strict=True):
            if found and found[-1].condition is None:
                self._report.error("CN-FLOW-020", "nothing may follow `else`", at)
                break
            branch = self._branch(item, at)
            if branch is not None:
                found.append(branch)
        if not found or found[-1].condition is not None:
            self._report.warning(
                "CN-FLOW-021", "branches without `else`: the flow ends when none holds", pos, "add `- else: END`"
            )
        return tuple(found)

    def _branch(self, item: Any, at: Pos) -> BranchSource | None:
        if isinstance(item, Map) and "else" in item:
            check_keys(item, ("else",), "this branch", self._report)
            return BranchSource(None, self._target(item["else"], item.values_at["else"]))
        if isinstance(item, Map) and "if" in item and "then" in item:
            check_keys(item, ("if", "then"), "a branch", self._report)
            condition = read_condition(item["if"], item.values_at["if"], self._report)
            return BranchSource(condition, self._target(item["then"], item.values_at["then"]))
        self._report.error("CN-FLOW-022", "a branch is `if` with `then`, or `else`", at)
        return None

    def _target(self, value: Any, pos: Pos) -> TargetSource:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return TargetSource(str(value), pos)
        if isinstance(value, List) and value:
            return TargetSource(self.block(value, nested=True), pos)
        self._report.error("CN-FLOW-023", "a branch goes to a step id, END or a list of steps", pos)
        return TargetSource(END, pos)


def _check_flow(flow: FlowSource, report: Reporter) -> None:
    seen: dict[str, Pos] = {}
    for step in flow.steps:
        if step.id in seen:
            report.error("CN-FLOW-024", f'step id "{step.id}" is used twice, first at {seen[step.id]}', step.pos)
        if step.id == END:
            report.error("CN-FLOW-024", "END is no step id", step.pos)
        seen.setdefault(step.id, step.pos)
    for step in flow.steps:
        for target in targets_of(step.next):
            if isinstance(target.step, str) and target.step != END and target.step not in seen:
                report.error("CN-FLOW-025", f'there is no step "{target.step}"', target.pos, nearest(target.step, seen))
        if step.kind == "link" and not step.last_of_block:
            report.error("CN-FLOW-012", "`link` must be the last step", step.pos)
        if step.kind == "link" and step.target == flow.id:
            report.error("CN-FLOW-026", "a flow may not link to itself", step.pos, "go back with `next: <step id>`")
    _check_persisted(flow, report)


def targets_of(next_source: NextSource) -> tuple[TargetSource, ...]:
    if next_source is None:
        return ()
    if isinstance(next_source, TargetSource):
        return (next_source,)
    return tuple(branch.target for branch in next_source)


def _check_persisted(flow: FlowSource, report: Reporter) -> None:
    if flow.persisted and any(step.reset_after_flow_ends is not None for step in flow.steps):
        report.error("CN-FLOW-027", "`persisted_slots` and `reset_after_flow_ends` in one flow", flow.persisted[0][1])
    touched = {step.target for step in flow.steps if step.kind == "collect"}
    touched |= {name for step in flow.steps for name, _, _ in step.assignments}
    calls = any(step.kind == "call" for step in flow.steps)
    for name, pos in flow.persisted:
        if name not in touched and not calls:
            report.error("CN-FLOW-028", f'"{name}" is not collected or set in this flow', pos, nearest(name, touched))


# -- single properties ----------------------------------------------------------------------------


def _text(data: Map, key: str, report: Reporter) -> str:
    value = data.get(key)
    if value is None:
        return ""
    if isinstance(value, (Map, List)):
        report.error("CN-FLOW-029", f"`{key}` is a text", data.values_at[key])
        return ""
    return str(value).strip()


def _flag(data: Map, key: str, *, default: bool, report: Reporter) -> bool:
    value = data.get(key, default)
    if isinstance(value, bool):
        return value
    report.error("CN-FLOW-030", f"`{key}` is true or false, not {value!r}", data.values_at[key], "YAML 1.2: write true")
    return default


def _names(data: Map, key: str, report: Reporter) -> tuple[tuple[str, Pos], ...]:
    value = data.get(key)
    if value is None:
        return ()
    if not isinstance(value, List):
        report.error("CN-FLOW-031", f"`{key}` is a list of names", data.values_at[key])
        return ()
    return tuple((str(name), pos) for name, pos in zip(value, value.items_at, strict=True))


def _intents(data: Map, report: Reporter) -> tuple[tuple[str, float], ...]:
    value = data.get("nlu_trigger")
    if value is None:
        return ()
    if not isinstance(value, List):
        report.error("CN-FLOW-032", "`nlu_trigger` is a list of `- intent: name`", data.values_at["nlu_trigger"])
        return ()
    found: list[tuple[str, float]] = []
    for item, pos in zip(value, value.items_at, strict=True):
        intent = item.get("intent") if isinstance(item, Map) else None
        if isinstance(intent, str):
            found.append((intent, 0.0))
        elif isinstance(intent, Map) and isinstance(intent.get("name"), str):
            threshold = intent.get("confidence_threshold", 0)
            found.append(
                (cast("str", intent["name"]), float(threshold) if isinstance(threshold, (int, float)) else 0.0)
            )
        else:
            report.error("CN-FLOW-032", "`nlu_trigger` is a list of `- intent: name`", pos)
    return tuple(found)
