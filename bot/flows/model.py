"""Flows as the engine runs them: names resolved, conditions and texts compiled, nothing that changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.flows.diagnostics import Diagnostic
from bot.flows.expressions import Condition
from bot.flows.templates import Filling, Template

__all__ = [
    "END",
    "Accept",
    "Branch",
    "Compiled",
    "Flow",
    "MappingType",
    "Next",
    "Rejection",
    "Response",
    "Slot",
    "SlotMapping",
    "SlotType",
    "Step",
    "Variation",
]

END = -1

SlotType = Literal["text", "bool", "categorical", "float", "list", "any"]
Accept = Literal[
    "",
    "text",
    "email",
    "phone",
    "name",
    "date",
    "time",
    "datetime",
    "amount",
    "image",
    "document",
    "media",
    "location",
    "contact",
]


@dataclass(frozen=True, slots=True)
class Branch:
    condition: Condition | None  # None: else
    to: int


Next = int | tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    condition: Condition
    utter: str


MappingType = Literal["from_llm", "from_entity", "from_intent", "from_trigger_intent", "from_text", "controlled"]


@dataclass(frozen=True, slots=True)
class SlotMapping:
    """One way in which a slot is filled. Empty `intents`: any; `active_flows` (loaded ids): only while one of these runs,
    and, with `requested`, only while that slot is asked for."""

    type: MappingType
    entity: str = ""
    role: str = ""
    group: str = ""
    intents: tuple[str, ...] = ()
    not_intents: tuple[str, ...] = ()
    value: Any = None
    active_flows: tuple[str, ...] = ()
    requested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    id: str
    name: str
    skill: str
    type: SlotType = "any"
    initial: Any = None
    values: tuple[str, ...] = ()
    min_value: float | None = None
    max_value: float | None = None
    accept: str = ""
    controlled: bool = False  # only actions, buttons, set_slots and its entities may fill it, no free words
    rejections: tuple[Rejection, ...] = ()
    refill_utter: str | None = None
    mappings: tuple[SlotMapping, ...] = (SlotMapping("from_llm"),)
    action_every_turn: str = ""  # `run_action_every_turn` of a controlled slot; read, not run


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `target` is a loaded id: of the action or response, the slot, or the flow."""

    id: str
    kind: Literal["action", "utter", "listen", "builtin", "named", "collect", "link", "call", "set_slots", "noop"]
    next: Next
    target: str = ""
    utter: str | None = None
    again: str | None = None
    ask_action: str | None = None
    validate_action: str | None = None
    ask_before_filling: bool = False
    force_slot_filling: bool = False
    rejections: tuple[Rejection, ...] = ()
    assignments: tuple[tuple[str, Any], ...] = ()
    description: str = ""
    named: Template | None = None  # the name of the action or response is known only when the step runs


@dataclass(frozen=True, slots=True)
class Flow:
    """`collects`: slots its questions fill, called flows included. `resets`: slots and the values they fall back to when it ends."""

    id: str
    skill: str
    name: str
    names: Mapping[str, str]
    description: str
    steps: tuple[Step, ...]
    index: Mapping[str, int]
    guard: Condition | None
    intents: tuple[tuple[str, float], ...]
    run_pattern_completed: bool
    aside: bool  # at its end the question that it interrupted is simply put again
    always_include_in_prompt: bool
    collects: frozenset[str]
    touches: frozenset[str]
    resets: tuple[tuple[str, Any], ...]
    is_pattern: bool

    def title(self, locale: str) -> str:
        return self.names.get(locale) or self.names.get(locale.split("-")[0]) or self.name


@dataclass(frozen=True, slots=True)
class Variation:
    text: Template
    buttons: tuple[tuple[Template, Template, Template], ...] = ()
    image: Template | None = None
    attachment: Callable[[Filling], Any] | None = None
    custom: Callable[[Filling], Any] | None = None
    channel: str | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Response:
    id: str
    skill: str
    variations: tuple[Variation, ...]
    plain: bool  # one variation without conditions: the usual case


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a skill's plain names mean, its own first, then those it requires, then core."""

    flows: Mapping[str, str]
    slots: Mapping[str, str]
    responses: Mapping[str, str]
    actions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """All flows of one set of skills. Immutable and shared; `content_hash` changes when any text does."""

    content_hash: str
    default_locale: str
    flows: Mapping[str, Flow]
    slots: Mapping[str, Slot]
    responses: Mapping[str, Mapping[str, Response]]  # locale -> id -> response; "" is the skill's default language
    scopes: Mapping[str, Scopes]
    initial: Mapping[str, Any]  # slots that start with a value
    words: Mapping[str, str]  # exact phrase, normalised -> flow
    examples: Mapping[str, tuple[str, ...]]  # example, normalised -> flows
    intents: Mapping[str, tuple[tuple[str, float], ...]]  # intent -> flows with their thresholds
    synonyms: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()
    entities: Mapping[str, tuple[tuple[str, Any], ...]] = field(
        default_factory=dict
    )  # words, normalised -> (entity, value)
    patterns: Mapping[str, tuple[re.Pattern[str], ...]] = field(default_factory=dict)  # entity -> `regex:` of nlu files
    said: Mapping[str, str] = field(default_factory=dict)  # example, normalised -> the intent that a mapping names
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # flow made of a classic form -> its slots
    session: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    organization: str = "organization"  # the skill whose patterns and words stand in for core's

    def response(self, response_id: str, locale: str) -> Response | None:
        for name in (locale, locale.split("-")[0], ""):
            found = self.responses.get(name)
            if found is not None and response_id in found:
                return found[response_id]
        return None

    def slot_id(self, name: str, skill: str) -> str | None:
        """The loaded id of a plain or qualified slot name, as the files of `skill` would mean it."""
        if name in self.slots:
            return name
        scope = self.scopes.get(skill)
        return scope.slots.get(name) if scope else None

    def flow_id(self, name: str, skill: str = "core") -> str | None:
        """The loaded id of a flow; a plain name that `skill` does not know is taken when exactly one skill has it."""
        if name in self.flows:
            return name
        scope = self.scopes.get(skill)
        if scope and name in scope.flows:
            return scope.flows[name]
        found = [flow_id for flow_id in self.flows if flow_id.partition(":")[2] == name]
        return found[0] if len(found) == 1 else None

    def slots_for(self, skill: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """All slots that `skill` sees, by plain name, null included: what an action's tracker shows."""
        scope = self.scopes.get(skill)
        return {name: values.get(slot) for name, slot in scope.slots.items()} if scope else {}
