"""What a skill is called where people read it."""

from __future__ import annotations

from admin_ui.kit import Desk

__all__ = ["skill_title"]


def skill_title(desk: Desk, name: str) -> str:
    """Of one that is not installed any more, its plain name."""
    skill = desk.runtime.registry.skills.get(name)
    manifest = skill.manifest if skill is not None else None
    return desk.say(dict(manifest.title)) if manifest is not None and manifest.title else name
