"""Where in a text a value stands, for whoever asks why it was taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import phonenumbers

from bot.flows import Command, SetSlot, Slot
from bot.flows.words import normalise
from bot.understand.accept import Reading
from bot.understand.amounts import find_amounts
from bot.understand.dates import find_dates, find_times, plain
from bot.understand.entities import without_others
from bot.understand.heard import Heard
from bot.understand.numbers import find_digits, read_number
from bot.understand.result import Source

__all__ = ["Span", "evidence_of"]

Span = tuple[int, int]
_WORD = re.compile(r"[^\W_]+")


def evidence_of(command: Command, source: Source, heard: Heard) -> Span:
    """Where in the text it stands: a value where it was read, words without the politeness around them."""
    if source in (Source.WORDS, Source.GLOBAL):
        return _find_phrase(heard.text, heard.bare)
    slot = heard.compiled.slots.get(command.name) if isinstance(command, SetSlot) else None
    if slot is None or not isinstance(command, SetSlot) or source not in (Source.SLOT, Source.ENTITY):
        return 0, len(heard.text)
    named = {mapping.entity for mapping in slot.mappings if mapping.entity}
    values = command.value if isinstance(command.value, list) else [command.value]
    spans = [(each.start, each.end) for each in heard.entities if each.entity in named and each.value in values]
    if spans:
        return min(start for start, _ in spans), max(end for _, end in spans)
    return _find_value(slot, command.value, heard.reading, heard.taken)


def _find_phrase(text: str, words: str) -> Span:
    """The words (normalised) in the text as written; the whole text where they do not stand in it as they are."""
    tokens = words.split()
    found = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    spelled = [normalise(text[start:end]) for start, end in found]
    for n in range(len(found) - len(tokens) + 1 if tokens else 0):
        if spelled[n : n + len(tokens)] == tokens:
            return found[n][0], found[n + len(tokens) - 1][1]
    return 0, len(text)


def _find_value(slot: Slot, value: Any, reading: Reading, taken: Sequence[Span]) -> Span:
    """What the slot's acceptor read the value from; the whole text when that is it, or when it cannot be told."""
    whole = (0, len(reading.text))
    if slot.accept in _BY_ACCEPT:
        spans = _BY_ACCEPT[slot.accept](reading)
        return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else whole
    if slot.type == "float":
        return _number(value, reading, taken) or whole
    start = reading.text.find(value) if isinstance(value, str) else -1
    if start >= 0:
        return start, start + len(value)
    return _find_phrase(reading.text, normalise(value)) if isinstance(value, str) else whole


def _number(value: float, reading: Reading, taken: Sequence[Span]) -> Span | None:
    for text in (without_others(reading, taken), reading.text):
        if (span := find_digits(text)) is not None:
            return span
        for match in _WORD.finditer(text):
            if read_number(match.group(), normalise(match.group()), reading.lexicons) == value:
                return match.span()
    return None


def _amounts(reading: Reading) -> list[Span]:
    found = find_amounts(plain(reading.text), reading.words, reading.lexicons, reading.country)
    digits = find_digits(reading.text)
    return [each.span for each in found] or ([digits] if digits else [])


def _phones(reading: Reading) -> list[Span]:
    return [(each.start, each.end) for each in phonenumbers.PhoneNumberMatcher(reading.text, reading.country)]


_BY_ACCEPT: dict[str, Callable[[Reading], list[Span]]] = {
    "phone": _phones,
    "date": lambda reading: [each.span for each in find_dates(reading.text, reading.now)],
    "time": lambda reading: [each.span for each in find_times(reading.text, reading.now)],
    "datetime": lambda reading: [
        each.span for find in (find_dates, find_times) for each in find(reading.text, reading.now)
    ],
    "amount": _amounts,
}
