from __future__ import annotations

from typing import ClassVar

from bot.actions import OnlineAction, SkillAction, Turn
from bot.contacts import consent
from bot.messages import Option
from tests.bot.turn.hand import HAND
from tests.bot.turn.skills.probe.jobs import Note


class Answer(SkillAction):
    name: ClassVar[str] = "probe_answer"

    async def perform(self, turn: Turn) -> None:
        await HAND.met(self.name)
        turn.say_text(f"ack {turn.slot('probe_line', str)}")


class Before(SkillAction):
    name: ClassVar[str] = "probe_before"

    async def perform(self, turn: Turn) -> None:
        turn.say_text("before")
        turn.charge("probe.step")
        turn.enqueue(Note(session_id=turn.session_id))
        turn.audit("probe.before")
        await HAND.met(self.name)


class Call(OnlineAction):
    name: ClassVar[str] = "probe_call"

    async def perform(self, turn: Turn) -> None:
        await HAND.met(self.name)
        turn.say_text(f"called for {turn.text}")


class After(SkillAction):
    name: ClassVar[str] = "probe_after"

    async def perform(self, turn: Turn) -> None:
        turn.charge("probe.step")
        turn.say_text("after")
        await HAND.met(self.name)


class Risk(SkillAction):
    name: ClassVar[str] = "probe_risk"

    async def perform(self, turn: Turn) -> None:
        turn.charge("probe.step")
        turn.say_text("tried")
        await HAND.met(self.name)


class Wait(SkillAction):
    name: ClassVar[str] = "probe_wait"

    async def perform(self, turn: Turn) -> None:
        await HAND.met(self.name)
        turn.say_text("waiting")
        turn.enqueue(Note(session_id=turn.session_id))
        turn.wait_for("probe.noted", key="1", seconds=HAND.wait_s, slot="probe_result", on_timeout="too late")


class Stop(SkillAction):
    name: ClassVar[str] = "probe_stop"

    async def perform(self, turn: Turn) -> None:
        await consent.withdraw(turn.contact.id, source="chat", wording=turn.text, now=turn.now)


class AskPick(SkillAction):
    name: ClassVar[str] = "action_ask_probe_pick"

    async def perform(self, turn: Turn) -> None:
        options = [
            Option(title=f"Option {n}", payload=f"/SetSlots(probe_pick=item{n})") for n in range(1, HAND.options + 1)
        ]
        turn.offer("utter_probe_pick", options)
