"""Values that stand somewhere in a sentence: "two seats for Friday" fills the number and the day that a flow asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bot.flows import Compiled, SetSlot, Slot
from bot.flows.words import normalise
from bot.understand.accept import Reading, accept_text, name_fillers
from bot.understand.amounts import find_amounts
from bot.understand.dates import find_dates, find_times, plain
from bot.understand.numbers import read_number

__all__ = ["TOLD_BY_ITSELF", "TYPED", "UNMISTAKABLE", "OwnName", "find_own_name", "find_values", "without_others"]

LONGEST_LEAD_IN = 6  # words of "my names really are", with what stands in between
MIN_LETTERS = 3  # of a name: shorter ones stand in other words' company by chance
TYPED = frozenset(("date", "time", "datetime", "amount", "email", "phone"))

UNMISTAKABLE = ("email", "phone")  # nobody writes one by the way
TOLD_BY_ITSELF = (*UNMISTAKABLE, "name")  # a name is told by "my name is"


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
        may_change = corrects or members[0].accept in TOLD_BY_ITSELF
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
    if slot.accept in TYPED or slot.accept == "name":
        return slot.accept
    if slot.type == "float":
        return "number"
    return slot.id if slot.type == "categorical" else ""


def _value(slot: Slot, reading: Reading, taken: Sequence[tuple[int, int]]) -> Any:
    if slot.accept in TYPED:
        return accept_text(slot, reading)
    if slot.accept == "name":
        return _name(slot, reading)
    if slot.type == "categorical":
        named = {value for value in slot.values if _is_named(normalise(value), reading.words)}
        return next(iter(named)) if len(named) == 1 else None
    return _number(reading, taken)


def _name(slot: Slot, reading: Reading) -> Any:
    found = find_own_name(reading)
    return accept_text(slot, replace(reading, text=found.name, words=normalise(found.name))) if found else None


class OwnName(NamedTuple):
    """`beside`: what else the message says."""

    name: str
    beside: str


def find_own_name(reading: Reading) -> OwnName | None:
    """What follows "my name is", up to the end of the sentence or what else is said in it: "really Amina, not Anna" is Amina."""
    if "?" in reading.text:
        return None
    parts = re.split(r"(?:(?<!\b\w)\.|[,;!?\n]|\.{2,})+(?:\s|$)", reading.text)  # the dot of an initial ends nothing
    for at, part in enumerate(parts):
        words = part.split()
        for begins, told in _after_lead_ins(words, reading):
            start, end = _name_within(words, told, reading)
            if start < end:
                beside = [*parts[:at], *words[:begins], *words[end:], *parts[at + 1 :]]
                return OwnName(" ".join(words[start:end]), normalise(" ".join(beside)))
    return None


def _after_lead_ins(words: Sequence[str], reading: Reading) -> Iterator[tuple[int, int]]:
    """Where "my name is" (or "my name really is") begins, and where what it tells."""
    plain, fillers = [normalise(word) for word in words], name_fillers(reading.lexicons)
    for n in range(len(words)):
        places = [n, *(m for m in range(n + 1, min(n + LONGEST_LEAD_IN, len(words))) if plain[m] not in fillers)]
        for lexicon in reading.lexicons:
            for lead_in in lexicon.own_name:
                size = len(lead_in.split())
                if size <= len(places) and " ".join(plain[m] for m in places[:size]) == lead_in:
                    yield n, places[size - 1] + 1


def _name_within(words: Sequence[str], start: int, reading: Reading) -> tuple[int, int]:
    """An empty stretch when there is none: "my name is spelled wrong"."""
    plain = [normalise(word) for word in words]
    no_name = frozenset().union(*(lexicon.no_name for lexicon in reading.lexicons))
    ends = frozenset().union(*(lexicon.name_ends for lexicon in reading.lexicons))
    fillers = name_fillers(reading.lexicons)
    while start < len(words) and plain[start] in fillers:
        start += 1
    if start == len(words) or plain[start] in no_name:
        return start, start
    end = next((n for n in range(start + 1, len(words)) if plain[n] in ends), len(words))
    while end > start + 1 and plain[end - 1] in fillers:
        end -= 1
    return start, end


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
