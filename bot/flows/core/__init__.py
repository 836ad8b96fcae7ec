"""The built-in skill `core`: the default patterns, their texts, and the slots they ask for."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from bot.flows.diagnostics import Pos
from bot.flows.load import load_skill
from bot.flows.model import SlotMapping
from bot.flows.source import SkillSource, SlotSource

__all__ = ["core_skill"]


# Slots that files written elsewhere may name without defining them (flows.md section 6).
BUILT_IN_SLOTS = {
    "session_started_metadata": "any",
    "language": "text",
    "silence_timeout": "float",
    "consecutive_silence_timeouts": "float",
    "confirm_correction": "bool",
    "max_clarification_options": "float",
    "continue_conversation": "bool",
    "csat_score": "text",
    "return_value": "any",
    "requested_slot": "text",
    "mocked_datetime": "any",
    "route_session_to_calm": "bool",
}


@lru_cache(maxsize=1)
def core_skill() -> SkillSource:
    """Read once from the package's own files, the only files that this package opens."""
    root = resources.files(__package__)
    names = ("flows.yml", "domain.yml", "locales/sw.yml")
    skill = load_skill("core", {name: root.joinpath(name).read_text(encoding="utf-8") for name in names})
    for name, kind in BUILT_IN_SLOTS.items():
        skill.slots.setdefault(name, SlotSource(name, Pos("core"), kind, mappings=(SlotMapping("controlled"),)))
    return skill
