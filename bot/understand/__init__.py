"""Deterministic understanding: from a message and the open question to commands, offline and cheap."""

from __future__ import annotations

from bot.understand.match import CHATTER, Example, Fit, Matcher
from bot.understand.result import Considered, Mood, Source, Understanding
from bot.understand.understand import Meaning, interpret, understand
from bot.understand.wishes import examples_of

__all__ = [
    "CHATTER",
    "Considered",
    "Example",
    "Fit",
    "Matcher",
    "Meaning",
    "Mood",
    "Source",
    "Understanding",
    "examples_of",
    "interpret",
    "understand",
]
