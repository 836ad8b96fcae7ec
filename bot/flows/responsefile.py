"""Reads responses, of a domain file or of a file in another language."""

from __future__ import annotations

import re
from typing import Any

from bot.flows.diagnostics import Pos, Reporter
from bot.flows.flowfile import check_keys, read_condition
from bot.flows.slotfile import plain
from bot.flows.source import ButtonSource, ResponseSource, SkillSource, VariationSource
from bot.flows.yamltext import List, Map

__all__ = ["read_responses"]

_NAME = re.compile(r"[^\W-][\w.\-/]{0,199}\Z")  # with / for the answers of retrieval intents: utter_faq/opening_hours
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
    "translation",
)
MAX_TEXT = 20_000  # characters of one text; WhatsApp takes 4,096 a message, a longer one is cut into several
_IGNORED = {
    "allow_interruptions": "voice only",
    "translation": "other languages stand in locales/<lang>.yml",
}


def read_responses(data: Map, skill: SkillSource, locale: str, report: Reporter) -> None:
    """Adds the responses of one file; `locale` is empty for the skill's default language."""
    known = skill.responses.setdefault(locale, {})
    for name, value in data.items():
        pos = data.keys_at[name]
        if name in known:
            report.error("CN-NAME-001", f'response "{name}" is defined twice, first at {known[name].pos}', pos)
            continue
        with report.about(subject=f"response:{name}"):
            if not _NAME.match(name):
                report.error("CN-NAME-008", f"{name!r} is no name for a response", pos, "letters, digits, _, - and .")
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
    for key, why in _IGNORED.items():
        if key in data:
            report.note("CN-RESP-012", f"`{key}` is accepted and ignored ({why})", data.keys_at[key])
    _check_texts(data, report)
    variation = VariationSource(pos, text=plain(data.get("text")), custom=data.get("custom"))
    variation.image = data.get("image") if isinstance(data.get("image"), str) else None
    variation.attachment = data.get("attachment")
    if variation.attachment is None and isinstance(data.get("elements"), List):
        variation.custom = variation.custom or {"elements": data["elements"]}
    variation.channel = data.get("channel") if isinstance(data.get("channel"), str) else None
    variation.id = plain(data.get("id"))
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


def _check_texts(data: Map, report: Reporter) -> None:
    """What should be a text and is none would otherwise vanish silently."""
    for key in ("text", "image", "channel", "id"):
        if isinstance(data.get(key), (Map, List)):
            report.error("CN-RESP-013", f"`{key}` is a text", data.values_at[key])
    if len(plain(data.get("text"))) > MAX_TEXT:
        report.error(
            "CN-RESP-010", f"a text longer than {MAX_TEXT:,} characters", data.values_at["text"], "send a file"
        )
    metadata = data.get("metadata")
    if isinstance(metadata, Map):
        for key in ("rephrase", "rephrase_prompt"):
            if metadata.get(key):
                report.note("CN-RESP-014", f"`{key}`: the text is said as it stands", metadata.keys_at[key])
        template = metadata.get("template")
        if template not in (None, "jinja"):
            report.warning("CN-RESP-015", f"no template language {template!r}", metadata.values_at["template"], "jinja")
    elif metadata is not None:
        report.error("CN-RESP-013", "`metadata` is a mapping", data.values_at["metadata"])


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
        found.append(ButtonSource(title, plain(item.get("payload")) or title, plain(item.get("description")), at))
    return tuple(found)


def _read_equals(value: List, report: Reporter) -> tuple[tuple[str, Any], ...]:
    found: list[tuple[str, Any]] = []
    for item, at in zip(value, value.items_at, strict=True):
        if isinstance(item, Map) and isinstance(item.get("name"), str) and "value" in item:
            found.append((item["name"], item["value"]))
        else:
            report.error("CN-RESP-006", "a condition is {type: slot, name, value}", at)
    return tuple(found)
