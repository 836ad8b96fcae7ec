"""Values that stand somewhere in a sentence: "two seats for Friday" fills the number and the day that a flow asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.flows import Compiled, SetSlot, Slot
from bot.flows.words import normalise
from bot.understand.accept import Reading, accept_text
from bot.understand.amounts import find_amounts
from bot.understand.dates import find_dates, find_times, plain
from bot.understand.numbers import read_number

__all__ = ["find_values", "without_others"]

MIN_LETTERS = 3  # of a name: shorter ones stand in other words' company by chance
_TYPED = frozenset(("date", "time", "datetime", "amount", "email", "phone"))

UNMISTAKABLE = ("email", "phone")  # nobody writes one by the way


def find_values(
    reading: Reading,
    flow: str,
    compiled: Compiled,
    filled: Mapping[str, Any],
    *,
    asked: Slot | None,
    taken: Sequence[tuple[int, int]] = (),
) -> list[SetSlot]:
    """What the flow asks for elsewhere and this sentence tells. Two empty slots of one kind: neither, who could know which.

    `taken`: where entities stand, whose digits are no number of their own. A value that was given already is changed by words of correction
    only: "my cousin has one" takes nobody's two seats away. An address, a phone number or "my name is" is never said by the way.
    """
    corrects = any(f" {cue} " in f" {reading.words} " for lexicon in reading.lexicons for cue in lexicon.corrections)
    slots = [compiled.slots[each] for each in sorted(compiled.flows[flow].collects)]
    kinds: dict[str, list[Slot]] = {}
    for slot in slots:
        if (kind := _kind(slot)) and not (asked is not None and (slot.id == asked.id or kind == _kind(asked))):
            kinds.setdefault(kind, []).append(slot)
    found = []
    for members in kinds.values():
        empty = [slot for slot in members if filled.get(slot.id) is None]
        may_change = corrects or members[0].accept in (*UNMISTAKABLE, "name")
        wanted = empty if len(empty) == 1 else members if len(members) == 1 and may_change else []
        for slot in wanted:
            value = _value(slot, reading, taken)
            if value is not None and value != filled.get(slot.id):
                found.append(SetSlot(slot.id, value))
    return found


def _kind(slot: Slot) -> str:
    """Of the slots that are told apart by their values alone; empty for those that are not."""
    if slot.controlled:
        return ""
    if slot.accept in _TYPED or slot.accept == "name":
        return slot.accept
    if slot.type == "float":
        return "number"
    return slot.id if slot.type == "categorical" else ""


def _value(slot: Slot, reading: Reading, taken: Sequence[tuple[int, int]]) -> Any:
    if slot.accept in _TYPED:
        return accept_text(slot, reading)
    if slot.accept == "name":
        return _name(slot, reading)
    if slot.type == "categorical":
        named = {value for value in slot.values if _is_named(normalise(value), reading.words)}
        return next(iter(named)) if len(named) == 1 else None
    return _number(reading, taken)


def _name(slot: Slot, reading: Reading) -> Any:
    """What follows "my name is", up to the end of the sentence."""
    if "?" in reading.text:
        return None
    no_name = frozenset().union(*(lexicon.no_name for lexicon in reading.lexicons))
    for part in re.split(r"[,;.!?\n]+(?:\s|$)", reading.text):
        words = part.split()
        for n in range(len(words)):
            for lexicon in reading.lexicons:
                for lead_in in lexicon.own_name:
                    size = len(lead_in.split())
                    rest = words[n + size :]
                    if (
                        normalise(" ".join(words[n : n + size])) == lead_in
                        and rest
                        and normalise(rest[0]) not in no_name
                    ):
                        name = " ".join(rest)
                        return accept_text(slot, replace(reading, text=name, words=normalise(name)))
    return None


def _is_named(name: str, words: str) -> bool:
    return len(name) >= MIN_LETTERS and f" {name} " in f" {words} "


def _number(reading: Reading, taken: Sequence[tuple[int, int]]) -> float | None:
    rest = without_others(reading, taken)
    return read_number(rest, normalise(rest), reading.lexicons)


def without_others(reading: Reading, taken: Sequence[tuple[int, int]] = ()) -> str:
    """The text, with blanks where a date, time, amount, phone number or address stands: no number of theirs counts."""
    text = plain(reading.text)
    spans: list[tuple[int, int]] = [
        each.span for each in (*find_dates(text, reading.now), *find_times(text, reading.now))
    ]
    spans += [each.span for each in find_amounts(text, reading.words, reading.lexicons, reading.country)]
    spans += taken
    spans += [match.span() for match in re.finditer(r"\+?\d[\d\s-]{6,}\d|\S+@\S+", text)]
    return _without(text, spans)


def _without(text: str, spans: Iterable[Sequence[int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
