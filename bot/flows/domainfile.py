"""Reads domain files: slots, responses, actions, forms, intents, entities, session."""

from __future__ import annotations

from typing import Any

from bot.flows.diagnostics import Pos, Reporter
from bot.flows.flowfile import check_keys
from bot.flows.formfile import read_forms
from bot.flows.responsefile import read_responses
from bot.flows.slotfile import read_slots
from bot.flows.source import SkillSource
from bot.flows.yamltext import List, Map

__all__ = ["read_domain"]

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


def read_domain(data: Any, file: str, skill: SkillSource, report: Reporter) -> None:
    if data is None:
        return
    if not isinstance(data, Map):
        report.error("CN-SLOT-001", "a domain file is a mapping", Pos(file))
        return
    check_keys(data, _DOMAIN_KEYS, "a domain", report, "CN-SLOT-002")
    read_slots(data, skill, report)
    _read_actions(data, skill, report)
    read_forms(data, skill, report)
    skill.intents.update(_names_of(data, "intents", report))
    for entity, _ in _names_of(data, "entities", report):
        skill.entities.setdefault(entity, {})
    if isinstance(data.get("responses"), Map):
        read_responses(data["responses"], skill, "", report)
    elif data.get("responses") is not None:
        report.error("CN-RESP-011", "`responses` is a mapping of name to variations", data.values_at["responses"])
    if isinstance(data.get("session_config"), Map):
        skill.session.update(_session(data["session_config"], report))
    elif data.get("session_config") is not None:
        report.error("CN-SLOT-013", "`session_config` is a mapping", data.values_at["session_config"])


_SESSION_KEYS = (
    "session_expiration_time",
    "carry_over_slots_to_new_session",
    "start_session_after_expiry",
)


def _session(data: Map, report: Reporter) -> dict[str, Any]:
    check_keys(data, _SESSION_KEYS, "session_config", report, "CN-SLOT-002")
    found: dict[str, Any] = {}
    for key in _SESSION_KEYS:
        value = data.get(key)
        if value is None:
            continue
        minutes = key == "session_expiration_time"
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        if fits if minutes else isinstance(value, bool):
            found[key] = value
        else:
            what = "minutes, 0 or more" if minutes else "true or false"
            report.error("CN-SLOT-013", f"`{key}` is {what}, not {value!r}", data.values_at[key])
    return found


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


def _names_of(data: Map, key: str, report: Reporter) -> list[tuple[str, Pos]]:
    """`- name` or `- name: {properties}`; properties of intents and entities tune a training that we do not have."""
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, List):
        report.error("CN-SLOT-011", f"`{key}` is a list of names", data.values_at[key])
        return []
    found = []
    for item, pos in zip(value, value.items_at, strict=True):
        name = next(iter(item)) if isinstance(item, Map) and len(item) == 1 else item
        if isinstance(name, (str, int, float)):
            found.append((str(name), pos))
        else:
            report.error("CN-SLOT-011", f"`{key}` is a list of names", pos)
    return found
