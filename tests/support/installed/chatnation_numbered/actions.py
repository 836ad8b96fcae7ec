"""Local actions: the row of an answer, the state of the conversation and the message are committed together."""

from __future__ import annotations

import asyncio
import re
from typing import ClassVar

from bot.actions import SkillAction, Turn
from chatnation_numbered.models import Answer

__all__ = ["AnswerNumber", "AskText"]

NUMBERED = re.compile(r"n-(\d+)(?: wait (\d+(?:\.\d+)?))?")


class AnswerNumber(SkillAction):
    """Notes the answer. `wait 0.5` makes it take so many seconds, inside the transaction."""

    name: ClassVar[str] = "numbered_answer"

    async def perform(self, turn: Turn) -> None:
        text = turn.slot("numbered_text", str)
        found = NUMBERED.search(text)
        if found is None:
            turn.set("numbered_said", f"I answer numbers, not {text[:40]}.")
            return
        count = int(turn.get("numbered_count", 0)) + 1
        await Answer.create(contact_id=turn.contact.id, number=int(found[1]), count=count)
        await asyncio.sleep(float(found[2] or 0))
        turn.set("numbered_count", count)
        turn.set("numbered_said", f"n-{found[1]} is number {count} of this conversation.")


class AskText(SkillAction):
    """The answer to the last message is what asks for the next one: one message in, one message out."""

    name: ClassVar[str] = "action_ask_numbered_text"

    async def perform(self, turn: Turn) -> None:
        turn.say_text(turn.get("numbered_said") or "Write numbered messages.")
        turn.set("numbered_said", None)  # a question that is put again must not look like a second answer
