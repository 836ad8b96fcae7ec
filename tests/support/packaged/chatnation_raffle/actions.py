from __future__ import annotations

from typing import ClassVar

from bot.actions import SkillAction, Turn


class Draw(SkillAction):
    """Gives everybody the same number: an example."""

    name: ClassVar[str] = "raffle_draw"

    async def perform(self, turn: Turn) -> None:
        turn.set("raffle_number", 7)
