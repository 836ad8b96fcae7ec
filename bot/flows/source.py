"""A skill's dialogue files as read: plain names, places kept, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.flows.diagnostics import Diagnostic, Pos
from bot.flows.expressions import Parsed
from bot.flows.model import SlotMapping

__all__ = [
    "END",
    "ButtonSource",
    "ConditionSource",
    "FlowSource",
    "FormSource",
    "NextSource",
    "RejectionSource",
    "ResponseSource",
    "RuleSource",
    "SkillSource",
    "SlotSource",
    "StepSource",
    "VariationSource",
]

END = "END"

StepKind = Literal["action", "collect", "link", "call", "set_slots", "noop"]


@dataclass(frozen=True, slots=True)
class ConditionSource:
    """Either read (`parsed`) or a text with Jinja that is rendered before it is read (`jinja`), or a constant."""

    text: str
    pos: Pos
    parsed: Parsed | None = None
    constant: bool | None = None


@dataclass(frozen=True, slots=True)
class RejectionSource:
    condition: ConditionSource
    utter: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class BranchSource:
    condition: ConditionSource | None  # None: else
    target: TargetSource


@dataclass(frozen=True, slots=True)
class TargetSource:
    """A step id, END, or the index of the first step of a nested block."""

    step: str | int
    pos: Pos


NextSource = TargetSource | tuple[BranchSource, ...] | None


@dataclass(slots=True)
class StepSource:
    kind: StepKind
    id: str
    pos: Pos
    target: str = ""  # action, slot, flow
    target_pos: Pos | None = None
    utter: str | None = None
    validate: str = ""  # the action that checks the answer, instead of validate_<slot>
    description: str = ""
    ask_before_filling: bool = False
    force_slot_filling: bool = False
    reset_after_flow_ends: bool | None = None
    rejections: tuple[RejectionSource, ...] = ()
    assignments: tuple[tuple[str, Any, Pos], ...] = ()
    next: NextSource = None
    last_of_block: bool = False


@dataclass(slots=True)
class FlowSource:
    id: str
    pos: Pos
    description: str = ""
    name: str = ""
    names: dict[str, str] = field(default_factory=dict)  # by locale
    guard: ConditionSource | None = None
    intents: tuple[tuple[str, float], ...] = ()
    run_pattern_completed: bool = True
    aside: bool = False
    always_include_in_prompt: bool = False
    persisted: tuple[tuple[str, Pos], ...] = ()
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by locale
    steps: list[StepSource] = field(default_factory=list)
    refused: bool = False


@dataclass(slots=True)
class SlotSource:
    name: str
    pos: Pos
    type: str = "any"
    initial: Any = None
    values: tuple[str, ...] = ()
    min_value: float | None = None
    max_value: float | None = None
    mappings: tuple[SlotMapping, ...] = (SlotMapping("from_llm"),)  # active_flows by plain name
    action_every_turn: str = ""
    accept: str = ""
    rejections: tuple[RejectionSource, ...] = ()
    refill_utter: str | None = None


@dataclass(frozen=True, slots=True)
class ButtonSource:
    title: str
    payload: str
    description: str = ""
    pos: Pos | None = None


@dataclass(slots=True)
class VariationSource:
    pos: Pos
    text: str = ""
    buttons: tuple[ButtonSource, ...] = ()
    image: str | None = None
    attachment: Any = None
    custom: Any = None
    channel: str | None = None
    condition: ConditionSource | None = None
    equals: tuple[tuple[str, Any], ...] = ()  # the deprecated list of slot conditions
    jinja: bool = False
    id: str = ""


@dataclass(slots=True)
class ResponseSource:
    name: str
    pos: Pos
    variations: tuple[VariationSource, ...]


@dataclass(frozen=True, slots=True)
class FormSource:
    """A classic form: it becomes a flow of the same name."""

    name: str
    pos: Pos
    required: tuple[tuple[str, Pos], ...]


@dataclass(frozen=True, slots=True)
class RuleSource:
    """A classic rule as far as we run them: an intent, and what follows."""

    name: str
    pos: Pos
    intent: str
    actions: tuple[tuple[str, Pos], ...]
    guard: ConditionSource | None = None
    form: str = ""  # only while this form runs


@dataclass(slots=True)
class SkillSource:
    """One skill as loaded. `usable` is False when a file could not be read at all; a refused flow is only left out.

    `requires`: skills whose names this one may use without a prefix; set by whoever read the manifest.
    """

    name: str
    digest: str
    flows: dict[str, FlowSource] = field(default_factory=dict)
    slots: dict[str, SlotSource] = field(default_factory=dict)
    actions: dict[str, Pos] = field(default_factory=dict)
    lost: dict[str, Pos] = field(
        default_factory=dict
    )  # flows of files that cannot be read: nobody is told that they are not there
    responses: dict[str, dict[str, ResponseSource]] = field(default_factory=dict)  # locale ("" = default) -> name
    examples: dict[str, list[tuple[str, Pos]]] = field(default_factory=dict)  # intent or flow -> texts
    synonyms: dict[str, str] = field(default_factory=dict)
    entities: dict[str, dict[str, Any]] = field(default_factory=dict)  # entity -> words as written -> value
    patterns: dict[str, list[tuple[str, Pos]]] = field(default_factory=dict)  # entity -> regular expressions
    intents: dict[str, Pos] = field(default_factory=dict)  # as the domain lists them
    forms: dict[str, FormSource] = field(default_factory=dict)
    rules: list[RuleSource] = field(default_factory=list)
    session: dict[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    usable: bool = True
    requires: tuple[str, ...] = ()
    is_project: bool = False  # stands alone: its patterns and texts are the conversation's
    files: Mapping[str, str] = field(default_factory=dict)
