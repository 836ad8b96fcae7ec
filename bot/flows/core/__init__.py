"""The built-in skill `core`: the default patterns, their texts, and the slots they ask for."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from bot.flows.load import load_skill
from bot.flows.source import SkillSource

__all__ = ["core_skill"]


@lru_cache(maxsize=1)
def core_skill() -> SkillSource:
    """Read once from the package's own files, the only files that this package opens."""
    root = resources.files(__package__)
    names = ("flows.yml", "domain.yml", "locales/sw.yml")
    return load_skill("core", {name: root.joinpath(name).read_text(encoding="utf-8") for name in names})
