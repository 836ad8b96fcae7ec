"""The Swahili of what pages say in English alone, by the English. Data, and nothing else; a skill brings its own (`kit.in_swahili`)."""

from __future__ import annotations

from admin_ui.swahili import audience, content, doors, kit, people, refusals

__all__ = ["CATALOGUE"]

CATALOGUE: dict[str, str] = {
    **kit.WORDS,
    **doors.WORDS,
    **people.WORDS,
    **audience.WORDS,
    **content.WORDS,
    **refusals.WORDS,
}
