"""The one action: local, so its row, its state and its message are committed together."""

from __future__ import annotations

import asyncio
import re
from typing import ClassVar

from bot.actions import SkillAction, Turn
from chatnation_numbered.models import Answer

__all__ = ["AnswerNumber"]

NUMBERED = re.compile(r"n-(\d+)(?: wait (\d+(?:\.\d+)?))?")


class AnswerNumber(SkillAction):
    """Says the number and how many this conversation has had. `wait 0.5` makes it take so many seconds, inside the transaction."""

    name: ClassVar[str] = "numbered_answer"

    async def perform(self, turn: Turn) -> None:
        found = NUMBERED.search(turn.text)
        if found is None:
            turn.say_text("I answer numbers.")
            return
        count = int(turn.get("numbered_count", 0)) + 1
        await Answer.create(contact_id=turn.contact.id, number=int(found[1]), count=count)
        await asyncio.sleep(float(found[2] or 0))
        turn.set("numbered_count", count)
        turn.say_text(f"n-{found[1]} is number {count} of this conversation.")
