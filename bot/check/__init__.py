"""`chatnation check`: what every skill must satisfy, told as file:line:col with a code and a way to mend it."""

from __future__ import annotations

from bot.check.rules import RULES
from bot.flows import Diagnostic
from bot.registry import Registry

__all__ = ["check"]


def check(registry: Registry, *, skill: str = "") -> list[Diagnostic]:
    """All problems of all skills, or of one. The registry must have been loaded with actions."""
    return [
        problem
        for each in registry.skills.values()
        if skill in ("", each.name)
        for rule in RULES
        for problem in rule(each, registry)
    ]
