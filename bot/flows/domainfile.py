"""Reads domain files: slots, actions, responses, session."""

from __future__ import annotations

from typing import Any

from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.flowfile import check_keys, read_condition, read_rejections
from bot.flows.source import ButtonSource, ResponseSource, SkillSource, SlotSource, VariationSource
from bot.flows.yamltext import List, Map

__all__ = ["read_domain", "read_responses"]

_DOMAIN_KEYS = (
    "version",
    "slots",
    "responses",
    "actions",
    "forms",
    "intents",
    "entities",
    "session_config",
)
_SLOT_TYPES = ("text", "bool", "categorical", "float", "list", "any")
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
_ACCEPTS = (
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
)
_MAPPINGS = ("from_llm", "from_entity", "from_intent", "from_trigger_intent", "from_text", "controlled", "custom")
_VARIATION_KEYS = (
    "text",
    "buttons",
    "image",
    "attachment",
    "elements",
    "custom",
    "channel",
    "condition",
    "id",
    "metadata",
    "allow_interruptions",
)


def read_domain(data: Any, file: str, skill: SkillSource, report: Reporter) -> None:
    if data is None:
        return
    if not isinstance(data, Map):
        report.error("CN-SLOT-001", "a domain file is a mapping", Pos(file))
        return
    check_keys(data, _DOMAIN_KEYS, "a domain", report, "CN-SLOT-002")
    if data.get("forms"):
        report.warning("CN-SLOT-003", "forms are not run", data.keys_at["forms"], "write a flow with `collect` steps")
    _read_slots(data, skill, report)
    _read_actions(data, skill, report)
    if isinstance(data.get("responses"), Map):
        read_responses(data["responses"], skill, "", report)
    if isinstance(data.get("session_config"), Map):
        skill.session.update(data["session_config"])


# -- slots ----------------------------------------------------------------------------------------


def _read_slots(data: Map, skill: SkillSource, report: Reporter) -> None:
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
    slot.mappings = _mappings(data, report)
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


def _mappings(data: Map, report: Reporter) -> tuple[str, ...]:
    mappings = data.get("mappings")
    if not isinstance(mappings, List):
        return ("from_llm",)
    found: list[str] = []
    for item, pos in zip(mappings, mappings.items_at, strict=True):
        kind = str(item.get("type")) if isinstance(item, Map) else ""
        if kind not in _MAPPINGS:
            report.error("CN-SLOT-008", f'no slot mapping "{kind}"', pos, nearest(kind, _MAPPINGS))
            continue
        if kind == "custom":
            report.note("CN-SLOT-009", "mapping `custom` is read as `controlled`", pos)
            kind = "controlled"
        found.append(kind)
    return tuple(found) or ("from_llm",)


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


def _read_actions(data: Map, skill: SkillSource, report: Reporter) -> None:
    actions = data.get("actions")
    if actions is None:
        return
    if not isinstance(actions, List):
        report.error("CN-SLOT-011", "`actions` is a list of names", data.values_at["actions"])
        return
    for item, pos in zip(actions, actions.items_at, strict=True):
        name = next(iter(item)) if isinstance(item, Map) and len(item) == 1 else item
        if isinstance(name, str):
            skill.actions.setdefault(name, pos)


# -- responses ------------------------------------------------------------------------------------


def read_responses(data: Map, skill: SkillSource, locale: str, report: Reporter) -> None:
    """Adds the responses of one file; `locale` is empty for the skill's default language."""
    known = skill.responses.setdefault(locale, {})
    for name, value in data.items():
        pos = data.keys_at[name]
        if name in known:
            report.error("CN-NAME-001", f'response "{name}" is defined twice, first at {known[name].pos}', pos)
            continue
        known[name] = ResponseSource(name, pos, _read_variations(name, value, pos, report))


def _read_variations(name: str, value: Any, pos: Pos, report: Reporter) -> tuple[VariationSource, ...]:
    if isinstance(value, str):
        return (VariationSource(pos, text=value),)
    if not isinstance(value, List) or not value:
        report.error("CN-RESP-001", f'response "{name}" is a list of variations', pos, "- text: ...")
        return ()
    found = []
    for item, at in zip(value, value.items_at, strict=True):
        if isinstance(item, str):
            found.append(VariationSource(at, text=item))
        elif isinstance(item, Map):
            found.append(_read_variation(item, at, report))
        else:
            report.error("CN-RESP-001", "a variation is a mapping with `text`", at)
    return tuple(found)


def _read_variation(data: Map, pos: Pos, report: Reporter) -> VariationSource:
    check_keys(data, _VARIATION_KEYS, "a response", report, "CN-RESP-002")
    variation = VariationSource(pos, text=_plain(data.get("text")), custom=data.get("custom"))
    variation.image = data.get("image") if isinstance(data.get("image"), str) else None
    variation.attachment = data.get("attachment")
    variation.channel = data.get("channel") if isinstance(data.get("channel"), str) else None
    variation.id = _plain(data.get("id"))
    if "buttons" in data:
        variation.buttons = _read_buttons(data["buttons"], data.values_at["buttons"], report)
    metadata = data.get("metadata")
    variation.jinja = isinstance(metadata, Map) and metadata.get("template") == "jinja"
    if isinstance(data.get("condition"), List):
        at = data.keys_at["condition"]
        report.note("CN-RESP-003", "a list of conditions is deprecated", at, "write one text, slots.x = 'y'")
        variation.equals = _read_equals(data["condition"], report)
    elif "condition" in data:
        variation.condition = read_condition(data["condition"], data.values_at["condition"], report)
    if not any((variation.text, variation.buttons, variation.image, variation.attachment, variation.custom)):
        report.warning("CN-RESP-004", "this response says nothing", pos)
    return variation


def _plain(value: Any) -> str:
    return "" if value is None or isinstance(value, (Map, List)) else str(value)


def _read_buttons(value: Any, pos: Pos, report: Reporter) -> tuple[ButtonSource, ...]:
    if not isinstance(value, List):
        report.error("CN-RESP-005", "`buttons` is a list of {title, payload}", pos)
        return ()
    found = []
    for item, at in zip(value, value.items_at, strict=True):
        if not isinstance(item, Map) or item.get("title") is None:
            report.error("CN-RESP-005", "a button needs a `title`", at)
            continue
        check_keys(item, ("title", "payload", "description", "type", "url"), "a button", report, "CN-RESP-002")
        title = str(item["title"])
        found.append(ButtonSource(title, _plain(item.get("payload")) or title, _plain(item.get("description"))))
    return tuple(found)


def _read_equals(value: List, report: Reporter) -> tuple[tuple[str, Any], ...]:
    found: list[tuple[str, Any]] = []
    for item, at in zip(value, value.items_at, strict=True):
        if isinstance(item, Map) and isinstance(item.get("name"), str) and "value" in item:
            found.append((item["name"], item["value"]))
        else:
            report.error("CN-RESP-006", "a condition is {type: slot, name, value}", at)
    return tuple(found)
