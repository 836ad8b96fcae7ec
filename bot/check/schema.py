"""JSON schemas of skill.yml, flows and domain files, for editors: `chatnation schema flows`.

The models here say what may be written; the readers in bot/flows judge what it means, with better words. A test holds the two
together.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.flows.model import Accept, MappingType, SlotType
from bot.manifest import Manifest

__all__ = ["SCHEMAS", "DomainFile", "FlowsFile", "schema"]

Name = Annotated[str, Field(min_length=1, max_length=200)]
Condition = str | bool
Phrases = list[str | int | float]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=False)


# -- flows ----------------------------------------------------------------------------------------


class Rejection(_Written):
    """Why a value will not do; the first that holds counts."""

    if_: Condition = Field(alias="if")
    utter: Name


class Branch(_Written):
    if_: Condition = Field(alias="if")
    then: Name | list[Step]


class Else(_Written):
    else_: Name | list[Step] = Field(alias="else")


class _Step(_Written):
    id: str | int | None = Field(None, description="unique within the flow; where `next` can go")
    next: str | int | list[Branch | Else] | list[Step] | None = Field(
        None, description="a step id, END, a list of branches, or a list of steps"
    )


class ActionStep(_Step):
    action: Name = Field(description="a response (utter_...), an action of the domain, or a default action")


class CollectStep(_Step):
    collect: Name = Field(description="the slot that is asked for")
    description: str | None = None
    utter: Name | None = Field(None, description="the question; default: utter_ask_<slot>")
    ask_before_filling: bool = Field(False, description="forget a value from before, and ask")
    force_slot_filling: bool = Field(False, description="whatever is written is the answer")
    reset_after_flow_ends: bool = Field(True, deprecated=True, description="use persisted_slots of the flow")
    rejections: list[Rejection] = []
    silence_timeout: Any = Field(None, description="calls only; ignored")
    dtmf: Any = Field(None, description="calls only; ignored")


class LinkStep(_Written):
    link: Name = Field(description="ends this flow and starts the other")
    id: str | int | None = None


class CallStep(_Step):
    call: Name = Field(description="runs the other flow as if it stood here")


class SetSlotsStep(_Step):
    set_slots: list[dict[str, Any]] | dict[str, Any]


class NoopStep(_Step):
    noop: Literal[True]


Step = ActionStep | CollectStep | LinkStep | CallStep | SetSlotsStep | NoopStep


class Trigger(_Written):
    intent: Name | NamedIntent


class NamedIntent(_Written):
    name: Name
    confidence_threshold: float = 0


class Flow(_Written):
    description: str | None = Field(None, description="what it does for the person; what starts it is judged by this")
    name: str | None = Field(None, description="what people see it called")
    if_: Condition | None = Field(None, alias="if", description="guard: only then it may be started by a wish")
    nlu_trigger: list[Trigger] = []
    always_include_in_prompt: bool = False
    run_pattern_completed: bool = True
    aside: bool = False
    persisted_slots: list[Name] = []
    words: Phrases | dict[str, Phrases] | None = Field(None, description="phrases that start it, by language")
    steps: list[Step] = Field(min_length=1)


class FlowsFile(_Written):
    version: str | float | None = None
    flows: dict[str, Flow]


# -- domain ---------------------------------------------------------------------------------------


class MappingCondition(_Written):
    active_flow: str | None = None
    active_loop: str | None = None
    requested_slot: str | None = None


class Mapping(_Written):
    type: Literal[MappingType, "custom"]
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    intent: str | list[str] | None = None
    not_intent: str | list[str] | None = None
    value: Any = None
    conditions: list[MappingCondition] = []
    action: str | None = None
    run_action_every_turn: str | None = None
    coexistence_system: str | None = None
    allow_nlu_correction: bool = False


class Validation(_Written):
    rejections: list[Rejection] = []
    refill_utter: Name | None = None


class Slot(_Written):
    type: SlotType = "any"
    initial_value: Any = None
    mappings: list[Mapping] = []
    values: list[str | int | float | bool | None] = []
    validation: Validation | None = None
    min_value: float | None = None
    max_value: float | None = None
    accept: Accept = ""
    shared_for_coexistence: bool = False
    influence_conversation: bool = Field(False, description="ignored")


class Button(_Written):
    title: str | int | float | bool
    payload: str | int | float | bool | None = Field(
        None, description="/SetSlots(slot=value), /intent, /flow, or the text that it stands for"
    )
    description: str | None = None
    type: str | None = None
    url: str | None = None


class SlotIs(_Written):
    type: Literal["slot"] = "slot"
    name: Name
    value: Any


class Metadata(BaseModel):
    template: Literal["jinja"] | None = None
    rephrase: bool = False
    rephrase_prompt: str | None = None


class Variation(_Written):
    text: str | int | float | bool | None = None
    buttons: list[Button] = []
    image: str | None = None
    attachment: Any = None
    elements: list[Any] = []
    custom: Any = None
    channel: str | None = None
    condition: str | bool | list[SlotIs] | None = None
    id: str | int | None = None
    metadata: Metadata | None = None
    allow_interruptions: bool | None = None
    translation: Any = None


class Form(_Written):
    required_slots: list[Name] | dict[str, Any]
    ignored_intents: Any = None


class SessionConfig(_Written):
    session_expiration_time: float | None = None
    carry_over_slots_to_new_session: bool | None = None
    start_session_after_expiry: bool | None = None


class DomainFile(_Written):
    version: str | float | None = None
    slots: dict[str, Slot | None] = {}
    responses: dict[str, str | list[str | Variation]] = {}
    actions: list[str | dict[str, Any]] = []
    forms: dict[str, Form] = {}
    intents: list[str | dict[str, Any]] = []
    entities: list[str | dict[str, Any]] = []
    session_config: SessionConfig | None = None


for _model in (Branch, Else, ActionStep, CollectStep, CallStep, SetSlotsStep, NoopStep, Trigger, Flow, FlowsFile):
    _model.model_rebuild()

SCHEMAS: dict[str, type[BaseModel]] = {"skill": Manifest, "flows": FlowsFile, "domain": DomainFile}


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of one kind of file."""
    made = SCHEMAS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": f"ChatNation {name}.yml"}


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SCHEMAS:
        sys.exit(f"chatnation schema: one of {', '.join(SCHEMAS)}")
    sys.stdout.write(json.dumps(schema(sys.argv[1]), indent=2) + "\n")
