"""Reads example utterances (`nlu.yml`) and what a `locales/` file adds."""

from __future__ import annotations

import re
from typing import Any

from bot.flows.diagnostics import Pos, Reporter
from bot.flows.domainfile import read_responses
from bot.flows.flowfile import check_keys, read_phrases
from bot.flows.source import SkillSource
from bot.flows.yamltext import List, Map

__all__ = ["read_locale", "read_nlu"]

# `[two](seats)` and `[two]{"entity": "seats"}`: the marked words are part of the example.
_ENTITY = re.compile(r"\[([^\]\n]+)\](\([^)\n]*\)|\{[^}\n]*\})")


def read_nlu(data: Any, file: str, skill: SkillSource, report: Reporter) -> None:
    if data is None:
        return
    if not isinstance(data, Map) or not isinstance(data.get("nlu", List(Pos(file))), List):
        report.error("CN-NLU-001", "an nlu file has a list `nlu:`", Pos(file))
        return
    items = data.get("nlu")
    if items is None:
        return
    for item, pos in zip(items, items.items_at, strict=True):
        if isinstance(item, Map):
            _read_item(item, pos, skill, report)
        else:
            report.error("CN-NLU-002", "an item is `intent:` (or `flow:`) with `examples:`", pos)


def _read_item(item: Map, pos: Pos, skill: SkillSource, report: Reporter) -> None:
    examples = _examples(item.get("examples"))
    if isinstance(item.get("synonym"), str):
        for text, _ in examples:
            skill.synonyms[text] = item["synonym"]
        return
    if "regex" in item or "lookup" in item:
        report.note("CN-NLU-003", "regex and lookup tables are read later, not used yet", pos)
        return
    name = item.get("intent") or item.get("flow")
    if not isinstance(name, str):
        report.error("CN-NLU-002", "an item is `intent:` (or `flow:`) with `examples:`", pos)
        return
    at = item.values_at.get("examples", pos)
    skill.examples.setdefault(name, []).extend((text, at) for text, _ in examples)


def _examples(value: Any) -> list[tuple[str, str]]:
    """(text without marks, text as written)."""
    lines: list[str] = []
    if isinstance(value, str):
        lines = [line.strip()[1:].strip() for line in value.splitlines() if line.strip().startswith("-")]
    elif isinstance(value, List):
        lines = [str(item.get("text", "")).strip() if isinstance(item, Map) else str(item) for item in value]
    return [(_ENTITY.sub(r"\1", line), line) for line in lines if line]


def read_locale(locale: str, data: Any, file: str, skill: SkillSource, report: Reporter) -> None:
    """`responses:`, `nlu:` and `flows: {id: {name, words}}` in another language."""
    if data is None:
        return
    if not isinstance(data, Map):
        report.error("CN-NLU-004", "a locale file is a mapping with `responses:`", Pos(file))
        return
    check_keys(data, ("version", "responses", "nlu", "flows"), "a locale file", report, "CN-NLU-005")
    if isinstance(data.get("responses"), Map):
        read_responses(data["responses"], skill, locale, report)
    if "nlu" in data:
        read_nlu(data, file, skill, report)
    flows = data.get("flows")
    if not isinstance(flows, Map):
        return
    for flow_id, texts in flows.items():
        flow = skill.flows.get(flow_id)
        if flow is None or not isinstance(texts, Map):
            report.warning("CN-NLU-006", f'there is no flow "{flow_id}" to translate', flows.keys_at[flow_id])
            continue
        check_keys(texts, ("name", "description", "words"), "a flow's translation", report, "CN-NLU-005")
        if isinstance(texts.get("name"), str):
            flow.names[locale] = texts["name"]
        if "words" in texts:
            flow.words[locale] = read_phrases(texts["words"], texts.values_at["words"], report)
