"""Reads the slots of a domain file."""

from __future__ import annotations

import re
from typing import Any, get_args

from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.flowfile import check_keys, read_rejections
from bot.flows.model import Accept, MappingType, SlotMapping, SlotType
from bot.flows.source import SkillSource, SlotSource
from bot.flows.yamltext import List, Map

__all__ = ["NAME", "plain", "read_slots"]

NAME = re.compile(r"[^\W-][\w.\-]{0,199}\Z")  # what conditions, payloads and column widths can carry

_SLOT_KEYS = (
    "type",
    "initial_value",
    "mappings",
    "values",
    "validation",
    "shared_for_coexistence",
    "influence_conversation",
    "min_value",
    "max_value",
    "accept",
)
_SLOT_TYPES, _ACCEPTS = get_args(SlotType), get_args(Accept)
_MAPPINGS = (*get_args(MappingType), "custom")
_MAPPING_KEYS = (
    "type",
    "entity",
    "role",
    "group",
    "intent",
    "not_intent",
    "value",
    "conditions",
    "action",
    "run_action_every_turn",
    "coexistence_system",
    "allow_nlu_correction",
)


def read_slots(data: Map, skill: SkillSource, report: Reporter) -> None:
    slots = data.get("slots")
    if slots is None:
        return
    if not isinstance(slots, Map):
        report.error("CN-SLOT-001", "`slots` is a mapping of name to properties", data.values_at["slots"])
        return
    for name, value in slots.items():
        pos = slots.keys_at[name]
        if name in skill.slots:
            report.error("CN-NAME-001", f'slot "{name}" is defined twice, first at {skill.slots[name].pos}', pos)
            continue
        with report.about(subject=f"slot:{name}"):
            if not NAME.match(name):
                report.error("CN-NAME-008", f"{name!r} is no name for a slot", pos, "letters, digits, _, - and .")
                continue
            skill.slots[name] = _read_slot(name, value, pos, report)


def _read_slot(name: str, data: Any, pos: Pos, report: Reporter) -> SlotSource:
    slot = SlotSource(name, pos)
    if data is None:
        return slot
    if not isinstance(data, Map):
        report.error("CN-SLOT-004", f'slot "{name}" needs a mapping with its `type`', pos)
        return slot
    check_keys(data, _SLOT_KEYS, "a slot", report, "CN-SLOT-002")
    slot.type = str(data.get("type", "any"))
    if slot.type not in _SLOT_TYPES:
        report.error(
            "CN-SLOT-005", f'no slot type "{slot.type}"', data.values_at["type"], nearest(slot.type, _SLOT_TYPES)
        )
        slot.type = "any"
    slot.initial = data.get("initial_value")
    slot.min_value = _number(data.get("min_value"))
    slot.max_value = _number(data.get("max_value"))
    slot.values = _values(data, slot, report)
    slot.accept = str(data.get("accept", ""))
    if slot.accept not in _ACCEPTS:
        hint = nearest(slot.accept, _ACCEPTS) or "one of " + ", ".join(filter(None, _ACCEPTS))
        report.error("CN-SLOT-006", f'no such `accept`: "{slot.accept}"', data.values_at["accept"], hint)
        slot.accept = ""
    slot.mappings = _mappings(data, slot, report)
    _read_validation(data, slot, report)
    return slot


def _values(data: Map, slot: SlotSource, report: Reporter) -> tuple[str, ...]:
    values = data.get("values")
    if isinstance(values, List):
        return tuple(_as_word(value) for value in values if value is not None)
    if slot.type == "categorical":
        report.error("CN-SLOT-007", f'categorical slot "{slot.name}" has no `values`', slot.pos)
    return ()


def _as_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mappings(data: Map, slot: SlotSource, report: Reporter) -> tuple[SlotMapping, ...]:
    mappings = data.get("mappings")
    if mappings is None:
        return (SlotMapping("from_llm"),)
    if not isinstance(mappings, List):
        report.error("CN-SLOT-008", "`mappings` is a list of {type: ...}", data.values_at["mappings"])
        return (SlotMapping("from_llm"),)
    pairs = zip(mappings, mappings.items_at, strict=True)
    found = [made for item, pos in pairs if (made := _mapping(item, pos, slot, report)) is not None]
    return tuple(found) or (SlotMapping("from_llm"),)


def _mapping(item: Any, pos: Pos, slot: SlotSource, report: Reporter) -> SlotMapping | None:
    kind = str(item.get("type")) if isinstance(item, Map) else ""
    if kind not in _MAPPINGS:
        report.error("CN-SLOT-008", f'no slot mapping "{kind}"', pos, nearest(kind, _MAPPINGS))
        return None
    check_keys(item, _MAPPING_KEYS, "a mapping", report, "CN-SLOT-002")
    if kind == "custom":
        report.note("CN-SLOT-009", "mapping `custom` is read as `controlled`", pos)
        kind = "controlled"
    if kind == "from_entity" and not isinstance(item.get("entity"), str):
        report.error("CN-SLOT-014", "`from_entity` needs an `entity`", pos)
        return None
    if kind in ("from_intent", "from_trigger_intent") and "value" not in item:
        report.error("CN-SLOT-014", f"`{kind}` needs a `value`", pos)
        return None
    if every := item.get("run_action_every_turn") or item.get("action"):
        slot.action_every_turn = str(every)
        report.note(
            "CN-SLOT-015",
            f'"{every}" is not run on every turn',
            item.keys_at.get("run_action_every_turn", pos),
            "run it as a step of a flow",
        )
    if "coexistence_system" in item or "allow_nlu_correction" in item:
        key = "coexistence_system" if "coexistence_system" in item else "allow_nlu_correction"
        report.note("CN-SLOT-016", f"`{key}` is accepted and ignored", item.keys_at[key])
    active, requested = _mapping_conditions(item, report)
    return SlotMapping(
        kind,  # type: ignore[arg-type]  # one of _MAPPINGS
        entity=plain(item.get("entity")),
        role=plain(item.get("role")),
        group=plain(item.get("group")),
        intents=_words(item.get("intent")),
        not_intents=_words(item.get("not_intent")),
        value=item.get("value"),
        active_flows=active,
        requested=requested,
    )


def _mapping_conditions(item: Map, report: Reporter) -> tuple[tuple[str, ...], tuple[str, ...]]:
    conditions = item.get("conditions")
    if conditions is None:
        return (), ()
    if not isinstance(conditions, List):
        report.error(
            "CN-SLOT-017", "`conditions` is a list of {active_flow} or {active_loop}", item.values_at["conditions"]
        )
        return (), ()
    active: list[str] = []
    requested: list[str] = []
    for each, at in zip(conditions, conditions.items_at, strict=True):
        if not isinstance(each, Map) or not ("active_flow" in each or "active_loop" in each):
            report.error("CN-SLOT-017", "a condition has `active_flow` or `active_loop`", at)
            continue
        check_keys(each, ("active_flow", "active_loop", "requested_slot"), "a condition", report, "CN-SLOT-002")
        active += _words(each.get("active_flow")) + _words(each.get("active_loop"))
        requested += _words(each.get("requested_slot"))
    return tuple(active), tuple(requested)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, List):
        return tuple(str(each) for each in value)
    return () if value is None else (str(value),)


def _read_validation(data: Map, slot: SlotSource, report: Reporter) -> None:
    validation = data.get("validation")
    if validation is None:
        return
    if not isinstance(validation, Map):
        report.error("CN-SLOT-010", "`validation` is a mapping with `rejections`", data.values_at["validation"])
        return
    check_keys(validation, ("rejections", "refill_utter"), "a validation", report, "CN-SLOT-002")
    if "rejections" in validation:
        slot.rejections = read_rejections(validation["rejections"], validation.values_at["rejections"], report)
    if isinstance(validation.get("refill_utter"), str):
        slot.refill_utter = validation["refill_utter"]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def plain(value: Any) -> str:
    """A scalar as text; nothing for null, lists and mappings."""
    return "" if value is None or isinstance(value, (Map, List)) else str(value)
