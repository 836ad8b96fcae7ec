"""Local actions: the row of an answer, the state of the conversation and the message are committed together."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import ClassVar

from bot.actions import OnlineAction, SkillAction, Turn
from chatnation_numbered.models import Answer

__all__ = ["AnswerNumber", "AskText", "CallOut"]

NUMBERED = re.compile(r"n-(\d+)(?: wait (\d+(?:\.\d+)?))?")


class AnswerNumber(SkillAction):
    """Notes the answer. `wait 0.5` makes it take so many seconds, inside the transaction; `die` kills the process there."""

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
        if text.endswith(" die"):
            os.kill(os.getpid(), signal.SIGKILL)
        turn.set("numbered_count", count)
        turn.set("numbered_said", f"n-{found[1]} is number {count} of this conversation.")


class CallOut(OnlineAction):
    """Answers from outside of any transaction: only the lease keeps a second worker from answering too."""

    name: ClassVar[str] = "numbered_call"

    async def perform(self, turn: Turn) -> None:
        found = NUMBERED.search(turn.text)
        assert found is not None, "numbered messages only"
        await asyncio.sleep(float(found[2] or 0))
        turn.say_text(f"n-{found[1]} was called.")


class AskText(SkillAction):
    """The answer to the last message is what asks for the next one: one message in, one message out."""

    name: ClassVar[str] = "action_ask_numbered_text"

    async def perform(self, turn: Turn) -> None:
        turn.say_text(turn.get("numbered_said") or "Write numbered messages.")
        turn.set("numbered_said", None)  # a question that is put again must not look like a second answer
