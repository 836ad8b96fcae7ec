"""Deterministic understanding: from a message and the open question to commands, offline and cheap."""

from __future__ import annotations

from bot.understand.match import CHATTER, Example, Fit, Matcher
from bot.understand.result import Considered, Mood, Source, Understanding
from bot.understand.understand import Meaning, interpret, understand
from bot.understand.wishes import MATCHERS_B, examples_of, is_prepared, prepare, wishes_hash

__all__ = [
    "CHATTER",
    "MATCHERS_B",
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
    "is_prepared",
    "prepare",
    "understand",
    "wishes_hash",
]
