"""What the assistant does besides talking."""

from __future__ import annotations

from typing import ClassVar

from bot.actions import SkillAction, Turn
from bot.contacts import consent
from bot.messages import Option

__all__ = ["Explain", "Greet", "OptIn", "OptOut", "ShowMenu", "ShowStarted", "Speak"]

SOURCE = "chat"


class _WithMenu(SkillAction):
    """Offers what the organization has switched on, below a text."""

    async def offer_menu(self, turn: Turn, response: str, **values: str) -> None:
        entries = await self.context.menu(turn.organization.id, turn.locale)
        turn.offer(
            response,
            [Option(title=e.title, description=e.description, payload=f"/start {e.flow}") for e in entries],
            **values,
        )


class Greet(_WithMenu):
    """By the name of the profile, when it has one."""

    name: ClassVar[str] = "assistant_greet"

    async def perform(self, turn: Turn) -> None:
        person = " ".join(turn.contact.name.split())
        if person:
            await self.offer_menu(turn, "utter_assistant_greeting", name=person)
        else:
            await self.offer_menu(turn, "utter_assistant_greeting_unnamed")


class ShowMenu(_WithMenu):
    name: ClassVar[str] = "assistant_show_menu"

    async def perform(self, turn: Turn) -> None:
        if await self.context.menu(turn.organization.id, turn.locale):
            await self.offer_menu(turn, "utter_assistant_menu")
        else:
            turn.say("utter_assistant_nothing_offered")


class Explain(_WithMenu):
    name: ClassVar[str] = "assistant_explain"

    async def perform(self, turn: Turn) -> None:
        await self.offer_menu(turn, "utter_assistant_help")


class Speak(SkillAction):
    """From now on in the language of slot `assistant_language`."""

    name: ClassVar[str] = "assistant_speak"

    async def perform(self, turn: Turn) -> None:
        turn.speak(turn.slot("assistant_language", str))


class OptOut(SkillAction):
    """No business-initiated message from now on. The ledger keeps the person's own words."""

    name: ClassVar[str] = "assistant_opt_out"

    async def perform(self, turn: Turn) -> None:
        if await consent.withdraw(turn.contact.id, source=SOURCE, wording=turn.text, now=turn.now):
            turn.audit("consent.withdrawn", subject=f"contacts:{turn.contact.id}", after={"source": SOURCE})


class OptIn(SkillAction):
    name: ClassVar[str] = "assistant_opt_in"

    async def perform(self, turn: Turn) -> None:
        if await consent.grant(turn.contact.id, source=SOURCE, wording=turn.text, now=turn.now):
            turn.audit("consent.granted", subject=f"contacts:{turn.contact.id}", after={"source": SOURCE})


class ShowStarted(_WithMenu):
    name: ClassVar[str] = "assistant_show_started"

    async def perform(self, turn: Turn) -> None:
        await self.offer_menu(turn, "utter_assistant_started")
