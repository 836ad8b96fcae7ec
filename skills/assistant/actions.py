"""What the assistant does besides talking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bot.actions import SkillAction, Turn
from bot.contacts import consent, erasure
from bot.messages import Option
from bot.understand.understand import zone_of

__all__ = [
    "Explain",
    "Greet",
    "LookUpRequest",
    "OptIn",
    "OptOut",
    "RequestDeletion",
    "ShowMenu",
    "ShowStarted",
    "Speak",
    "TellAbilities",
]

SOURCE = "chat"
BUTTONS = 3  # of one message (WhatsApp); with more it becomes a list


@dataclass(frozen=True, slots=True)
class _Language:
    name: str
    flow: str
    invitation: str  # in that language: whoever needs it cannot read the rest


OTHER_LANGUAGE = {
    "en": _Language("Kiswahili", "assistant:assistant_swahili", "🌍 Kwa Kiswahili, andika *Kiswahili*."),
    "sw": _Language("English", "assistant:assistant_english", "🌍 For English, write *English*."),
}


class _WithMenu(SkillAction):
    """Offers what the organization has switched on, below a text."""

    async def offer_menu(self, turn: Turn, response: str, *, besides: Sequence[Option] = (), **values: str) -> None:
        entries = await self.context.menu(turn.organization.id, turn.locale)
        options = [Option(title=e.title, description=e.description, payload=f"/start {e.flow}") for e in entries]
        if options and len(options) != BUTTONS:  # one more would turn buttons that are seen at once into a list
            options += besides
        turn.offer(response, options, **values)


class Greet(_WithMenu):
    """By the name of the profile, when it has one. Whoever has no language yet is shown the other one."""

    name: ClassVar[str] = "assistant_greet"

    async def perform(self, turn: Turn) -> None:
        person = " ".join(turn.contact.name.split())
        other = None if turn.contact.locale else OTHER_LANGUAGE.get(turn.locale.partition("-")[0])
        language = f"\n\n{other.invitation}" if other else ""
        besides = [Option(title=other.name, description=other.name, payload=f"/start {other.flow}")] if other else []
        if person:
            await self.offer_menu(turn, "utter_assistant_greeting", besides=besides, name=person, language=language)
        else:
            await self.offer_menu(turn, "utter_assistant_greeting_unnamed", besides=besides, language=language)


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


class TellAbilities(SkillAction):
    """The menu in a sentence each, without buttons: it may be asked in the middle of something that has its own."""

    name: ClassVar[str] = "assistant_tell_abilities"

    async def perform(self, turn: Turn) -> None:
        entries = await self.context.menu(turn.organization.id, turn.locale)
        lines = [f"• *{each.title}*" + (f": {each.description}" if each.description else "") for each in entries]
        if lines:
            turn.say("utter_assistant_abilities", abilities="\n".join(lines))
        else:
            turn.say("utter_assistant_abilities_none")


class Speak(SkillAction):
    """From now on in the language of slot `assistant_language`."""

    name: ClassVar[str] = "assistant_speak"

    async def perform(self, turn: Turn) -> None:
        turn.speak(turn.slot("assistant_language", str))


class OptOut(SkillAction):
    """No business-initiated message from now on. The ledger keeps the person's own words."""

    name: ClassVar[str] = "assistant_opt_out"
    obeyed_always: ClassVar[bool] = True

    async def perform(self, turn: Turn) -> None:
        if await consent.withdraw(
            turn.contact.id, source=SOURCE, wording=turn.text, now=turn.now, inbox_id=turn.inbox_id
        ):
            turn.audit("consent.withdrawn", subject=f"contacts:{turn.contact.id}", after={"source": SOURCE})


class OptIn(SkillAction):
    name: ClassVar[str] = "assistant_opt_in"
    obeyed_always: ClassVar[bool] = True

    async def perform(self, turn: Turn) -> None:
        if await consent.grant(turn.contact.id, source=SOURCE, wording=turn.text, now=turn.now, inbox_id=turn.inbox_id):
            turn.audit("consent.granted", subject=f"contacts:{turn.contact.id}", after={"source": SOURCE})


class LookUpRequest(SkillAction):
    """Sets `assistant_requested`: whether such a request is open, which it then says."""

    name: ClassVar[str] = "assistant_look_up_request"

    async def perform(self, turn: Turn) -> None:
        asked_at = await erasure.asked_at(turn.contact.id)
        turn.set("assistant_requested", asked_at is not None)
        if asked_at is not None:
            day = asked_at.astimezone(zone_of(turn.organization.timezone)).strftime("%d.%m.%Y")
            turn.say("utter_assistant_forget_noted_already", day=day)


class RequestDeletion(SkillAction):
    """Notes the request with the contact, ends messages, and puts the conversation on the list of people."""

    name: ClassVar[str] = "assistant_request_deletion"

    async def perform(self, turn: Turn) -> None:
        subject = f"contacts:{turn.contact.id}"
        if await erasure.note_request(turn.contact.id, now=turn.now):
            turn.audit(erasure.ASKED, subject=subject, after={"source": SOURCE})
        if await consent.withdraw(
            turn.contact.id, source=SOURCE, wording=turn.text, now=turn.now, inbox_id=turn.inbox_id
        ):
            turn.audit("consent.withdrawn", subject=subject, after={"source": SOURCE})
        turn.call_a_person("erasure_requested")
        turn.say("utter_assistant_forget_noted")


class ShowStarted(_WithMenu):
    name: ClassVar[str] = "assistant_show_started"

    async def perform(self, turn: Turn) -> None:
        await self.offer_menu(turn, "utter_assistant_started")
