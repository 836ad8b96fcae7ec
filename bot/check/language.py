"""What the files of a skill should say, beyond being readable. One function per rule; none needs the skill's code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bot.check.limits import texts_fit_whatsapp
from bot.flows import Compiled, Diagnostic, SkillSource, Slot
from bot.flows.diagnostics import Pos, Reporter, nearest
from bot.flows.source import ResponseSource
from bot.flows.values import Unfit, coerce

__all__ = ["LANGUAGE_RULES", "LanguageRule", "responses_of"]

LanguageRule = Callable[[SkillSource, Compiled], Iterator[Diagnostic]]

_SET_SLOTS = re.compile(r"/SetSlots\((.*)\)\s*\Z", re.DOTALL)
_NEARLY = re.compile(r"/\s*set_?slots?\b", re.IGNORECASE)
_INTENT = re.compile(r"/([^\s{(]+)")
_PLACE = re.compile(r"\{\{|\}\}|\{([\w.\-]+)\}")
_NAMESPACES = ("contact", "organization", "context", "values", "slots")
_OWN_PAYLOADS = ("start", "cancel", "handoff", "back", "repeat", "skip", "restart", "retry", "session_start")
_EMPTY = ("null", "none", "undefined")
MAX_PAIRS = 10  # as Rasa documents it


def responses_of(skill: SkillSource) -> Iterator[tuple[str, ResponseSource]]:
    for locale, responses in skill.responses.items():
        for response in responses.values():
            yield locale, response


def buttons_lead_somewhere(skill: SkillSource, compiled: Compiled) -> Iterator[Diagnostic]:
    """A payload sets slots that there are, or starts something, or is free text on purpose."""
    report = Reporter()
    for _, response in responses_of(skill):
        with report.about(subject=f"response:{response.name}"):
            for variation in response.variations:
                for button in variation.buttons:
                    _check_payload(button.payload, button.pos or variation.pos, skill, compiled, report)
    yield from report.found


def _check_payload(payload: str, pos: Pos, skill: SkillSource, compiled: Compiled, report: Reporter) -> None:
    text = payload.strip()
    if not text.startswith("/") or "{{" in text:
        return
    if match := _SET_SLOTS.match(text):
        _check_pairs(match.group(1), pos, skill, compiled, report)
    elif _NEARLY.match(text):
        report.warning("CN-RESP-021", f"{text!r} sets nothing, it is taken as text", pos, "/SetSlots(slot=value)")
    elif match := _INTENT.match(text):
        name = match.group(1)
        known = {*compiled.intents, *(flow.partition(":")[2] for flow in compiled.flows), *_OWN_PAYLOADS}
        if name not in known and name not in compiled.flows:
            report.warning(
                "CN-RESP-022", f"{text!r} starts nothing: no flow has this intent", pos, nearest(name, known)
            )


def _check_pairs(pairs: str, pos: Pos, skill: SkillSource, compiled: Compiled, report: Reporter) -> None:
    parts = pairs.split(",")
    if len(parts) > MAX_PAIRS:
        report.warning("CN-RESP-021", f"more than {MAX_PAIRS} slots in one payload; the rest is not set", pos)
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            report.warning("CN-RESP-021", f"{part.strip()!r} is not slot=value", pos, "values hold no , and no ( )")
            continue
        slot = compiled.slot_id(name.strip(), skill.name)
        if slot is None:
            known = compiled.scopes[skill.name].slots if skill.name in compiled.scopes else ()
            report.warning(
                "CN-RESP-023", f'there is no slot "{name.strip()}" to set', pos, nearest(name.strip(), known)
            )
        elif compiled.slots[slot].type == "list":
            report.warning("CN-RESP-023", f'list slot "{name.strip()}" cannot be set by a button', pos)
        else:
            _check_value(name.strip(), value.strip().strip("'\""), compiled.slots[slot], pos, report)


def _check_value(name: str, value: str, slot: Slot, pos: Pos, report: Reporter) -> None:
    if "{" in value or value.lower() in _EMPTY:
        return
    try:
        coerce(slot, value)
    except Unfit as e:
        known = [str(each) for each in slot.values]
        report.warning("CN-RESP-023", f'"{value}" does not fit slot "{name}": {e}', pos, nearest(value, known))


def translations_have_an_original(skill: SkillSource, compiled: Compiled) -> Iterator[Diagnostic]:
    """A response that stands in another language alone is said by nobody: mostly a misspelt name."""
    report = Reporter()
    original = skill.responses.get("", {})
    for locale, responses in skill.responses.items():
        for name, response in responses.items():
            if not locale or name in original or f"core:{name}" in compiled.responses.get("", {}):
                continue
            with report.about(subject=f"response:{name}"):
                hint = nearest(name, original)
                report.warning("CN-RESP-025", f'there is no response "{name}" to translate', response.pos, hint)
    yield from report.found


def places_can_be_filled(skill: SkillSource, compiled: Compiled) -> Iterator[Diagnostic]:
    """`{name}` in a response that a flow says itself is a slot: no action gives it a value."""
    report = Reporter()
    said = {step.target for flow in skill.flows.values() for step in flow.steps if step.kind == "action"}
    said |= {
        step.utter or f"utter_ask_{step.target}"
        for flow in skill.flows.values()
        for step in flow.steps
        if step.kind == "collect"
    }
    for _, response in responses_of(skill):
        if response.name not in said:
            continue
        with report.about(subject=f"response:{response.name}"):
            for variation in response.variations:
                for match in _PLACE.finditer("" if variation.jinja else variation.text):
                    name = match.group(1)
                    if name is None or name.partition(".")[0] in _NAMESPACES or compiled.slot_id(name, skill.name):
                        continue
                    known = compiled.scopes[skill.name].slots if skill.name in compiled.scopes else ()
                    hint = nearest(name, known) or "a literal brace is written {{"
                    report.warning("CN-RESP-024", f"{{{name}}} is no slot: nothing stands there", variation.pos, hint)
    yield from report.found


LANGUAGE_RULES: tuple[LanguageRule, ...] = (
    buttons_lead_somewhere,
    places_can_be_filled,
    translations_have_an_original,
    texts_fit_whatsapp,
)
