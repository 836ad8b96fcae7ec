"""What the pages of contacts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal

from admin_ui.kit import badge
from admin_ui.scope import here
from admin_ui.words import Words
from bot.contacts.book import FieldKind, LabelRow
from bot.unit import Unit, open_unit

__all__ = ["CONSENTS", "KINDS", "LANGUAGES", "consent_words", "label_badges", "sentence", "tone_of", "unit"]

Tone = Literal["plain", "good", "warn", "bad", "info", "accent"]

CONSENTS: Mapping[str, tuple[Words, Tone]] = {
    "in": ({"en": "Agreed", "sw": "Amekubali"}, "good"),
    "out": ({"en": "Stopped", "sw": "Amekataa"}, "warn"),
    "none": ({"en": "Not asked", "sw": "Hajaulizwa"}, "plain"),
}
LANGUAGES = {"": "Like the organization", "en": "English", "sw": "Kiswahili"}
KINDS: Mapping[str, Words] = {
    FieldKind.TEXT: {"en": "Text", "sw": "Maandishi"},
    FieldKind.NUMBER: {"en": "Number", "sw": "Nambari"},
    FieldKind.DATE: {"en": "Date", "sw": "Tarehe"},
    FieldKind.BOOLEAN: {"en": "Yes or no", "sw": "Ndiyo au hapana"},
    FieldKind.CHOICE: {"en": "Choice", "sw": "Chaguo"},
    FieldKind.EMAIL: {"en": "E-mail", "sw": "Barua pepe"},
    FieldKind.URL: {"en": "Web address", "sw": "Anwani ya wavuti"},
}


def tone_of(colour: str) -> Tone:
    return colour if colour in ("good", "warn", "bad", "info", "accent") else "plain"  # type: ignore[return-value]


def label_badges(keys: Sequence[str], known: Mapping[str, LabelRow]) -> None:
    for key in keys:
        if key in known:
            badge(known[key].name, tone_of(known[key].colour))


def consent_words(consent: str) -> str:
    return here().say(CONSENTS[consent][0])


def unit() -> AbstractAsyncContextManager[Unit]:
    """One transaction of a handler that goes on afterwards: it draws again what it changed, or offers to take it back."""
    desk = here()
    return open_unit(desk.runtime, desk.organization.id, actor=desk.principal.actor)


def sentence(error: Exception) -> str:
    text = str(error)
    return here().say(text[:1].upper() + text[1:])
