"""Reads example utterances (`nlu.yml`) and what a `locales/` file adds."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.flowfile import check_keys, read_phrases
from bot.flows.patterns import may_hang
from bot.flows.responsefile import read_responses
from bot.flows.source import SkillSource
from bot.flows.yamltext import List, Map

__all__ = ["read_locale", "read_nlu"]

# `[two](seats)` and `[two]{"entity": "seats", "value": "2"}`: the marked words are part of the example.
_ENTITY = re.compile(r"\[([^\]\n]+)\](?:\(([^)\n]*)\)|(\{[^}\n]*\}))")
MAX_PATTERN = 1_000  # characters of a regular expression


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


_KINDS = ("intent", "flow", "synonym", "regex", "lookup")


def _read_item(item: Map, pos: Pos, skill: SkillSource, report: Reporter) -> None:
    check_keys(item, (*_KINDS, "examples", "metadata"), "an item", report, "CN-NLU-005")
    kind = next((kind for kind in _KINDS if kind in item), "")
    name = item.get(kind)
    if not isinstance(name, str) or not name:
        hint = next((found for key in item if (found := nearest(key, _KINDS))), "")
        report.error("CN-NLU-002", "an item is `intent:` (or `flow:`) with `examples:`", pos, hint)
        return
    at = item.values_at.get("examples", pos)
    examples = _examples(item.get("examples"))
    if not examples:
        report.warning("CN-NLU-008", f'"{name}" has no examples', at, "examples: | with one `- ...` a line")
    if kind == "synonym":
        skill.synonyms.update(dict.fromkeys(examples, name))
    elif kind == "lookup":
        skill.entities.setdefault(name, {}).update({text: text for text in examples})
    elif kind == "regex":
        _read_patterns(name, examples, at, skill, report)
    else:
        texts = [(_marked(text, skill, at, report), at) for text in examples]
        skill.examples.setdefault(name, []).extend(texts)


def _read_patterns(name: str, texts: list[str], at: Pos, skill: SkillSource, report: Reporter) -> None:
    for text in texts:
        try:
            if len(text) > MAX_PATTERN:
                raise re.error(f"longer than {MAX_PATTERN} characters")
            if may_hang(text):
                raise re.error("it may take for ever: a repetition in a repetition")
            re.compile(text)
        except (re.error, OverflowError, RecursionError) as e:
            report.error("CN-NLU-009", f"not a regular expression: {e}, in {text[:80]!r}", at)
        else:
            skill.patterns.setdefault(name, []).append((text, at))


def _marked(text: str, skill: SkillSource, at: Pos, report: Reporter) -> str:
    """The example without its marks; what they mark becomes a word of the entity."""
    for match in _ENTITY.finditer(text):
        words, short, long = match.groups()
        entity, value = _mark(str(words), short, long)
        if entity:
            skill.entities.setdefault(entity, {}).setdefault(words, value)
        else:
            report.warning("CN-NLU-010", f"a mark that names no entity: {match.group()!r}", at)
    return _ENTITY.sub(r"\1", text)


def _mark(words: str, short: str | None, long: str | None) -> tuple[str, Any]:
    if long is None:
        entity, _, value = (short or "").partition(":")
        return entity.strip(), value.strip() or words
    try:
        data = json.loads(long)
    except ValueError:
        return "", None
    named = data.get("entity") if isinstance(data, dict) else None
    return (named, data.get("value", words)) if isinstance(named, str) else ("", None)


def _examples(value: Any) -> list[str]:
    lines: list[str] = []
    if isinstance(value, str):
        lines = [line.strip()[1:].strip() for line in value.splitlines() if line.strip().startswith("-")]
    elif isinstance(value, List):
        lines = [
            str(item.get("text") or "").strip().removeprefix("-").strip() if isinstance(item, Map) else str(item)
            for item in value
        ]
    return [line for line in lines if line]


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
        if flow_id in skill.lost:
            continue
        if flow is None or not isinstance(texts, Map):
            hint = nearest(flow_id, skill.flows) if flow is None else "{name: ..., words: [...]}"
            report.warning("CN-NLU-006", f'there is no flow "{flow_id}" to translate', flows.keys_at[flow_id], hint)
            continue
        check_keys(texts, ("name", "description", "words"), "a flow's translation", report, "CN-NLU-005")
        if isinstance(texts.get("name"), str):
            flow.names[locale] = texts["name"]
        if "words" in texts:
            flow.words[locale] = read_phrases(texts["words"], texts.values_at["words"], report)
