"""From the choice of a ticket type to a ticket."""

from __future__ import annotations

import re
from typing import ClassVar
from uuid import UUID

from bot.actions import SkillAction, Turn
from bot.contacts import consent
from bot.messages import Option
from bot.understand.addresses import likely_email
from skills.events import service
from skills.events.actions.parts import chosen_event, how_many
from skills.events.events import tell_registered
from skills.events.service.registration import Registrant
from skills.events.wording import price_text, type_note, when_text, words_of

__all__ = ["AskConfirm", "AskName", "AskTicketType", "CheckEmail", "CheckType", "LookUpTypes", "Register"]

FITS_A_TICKET = re.compile(r"[^@<>{}\[\]|\\^?0-9]{2,80}")  # what the flow's rejections let pass
CONSENT_WORDING = "registration for an event: messages about it here, STOP ends them"


class LookUpTypes(SkillAction):
    """Sets `events_found`: none (said so), held, one (chosen at once) or some ticket types that one can have now."""

    name: ClassVar[str] = "events_look_up_types"

    async def perform(self, turn: Turn) -> None:
        view = await chosen_event(turn)
        if view is None:
            turn.say("utter_events_gone")
            turn.set("events_found", "none")
            return
        held = {each.row.id: await service.held_ticket(each.row.id, turn.contact.id) for each in view.types}
        tickets = [ticket for ticket in held.values() if ticket is not None]
        offered = [each.row for each in view.types if each.is_open]
        if turn.get("events_ticket_type", "") not in ("", *(str(row.id) for row in offered)):
            turn.set("events_ticket_type", None)
        if tickets and all(held[row.id] for row in offered):
            turn.set("events_ticket", str(tickets[0].id))
            turn.set("events_found", "held")
            return
        turn.set("events_found", how_many(len(offered)))
        if not offered:
            turn.say("utter_events_no_seats", title=view.row.title)
        elif len(offered) == 1:
            turn.set("events_ticket_type", str(offered[0].id))


class AskTicketType(SkillAction):
    name: ClassVar[str] = "action_ask_events_ticket_type"

    async def perform(self, turn: Turn) -> None:
        view = await chosen_event(turn)
        if view is None:
            turn.say("utter_events_gone")
            return
        options = [
            Option(
                title=each.row.name,
                description=f"{price_text(each.row.price_minor, view.row.currency, turn.locale)}, {type_note(each, view.row, turn.locale)}",
                payload=f"/SetSlots(events_ticket_type={each.row.id})",
            )
            for each in view.types
            if each.is_open
        ]
        turn.offer("utter_events_choose_type", options, title=view.row.title)


class CheckType(SkillAction):
    """Sets `events_found` to held, gone or open for the chosen type, before anybody types a name in vain."""

    name: ClassVar[str] = "events_check_type"

    async def perform(self, turn: Turn) -> None:
        type_id = turn.slot("events_ticket_type", UUID)
        held = await service.held_ticket(type_id, turn.contact.id)
        if held is not None:
            turn.set("events_ticket", str(held.id))
            turn.set("events_found", "held")
            return
        offered = await service.offered_types(turn.slot("events_event", UUID), now=turn.now)
        turn.set("events_found", "open" if any(each.row.id == type_id for each in offered) else "gone")


class AskName(SkillAction):
    """Proposes the name of the profile, when there is one that can stand on a ticket."""

    name: ClassVar[str] = "action_ask_events_name"

    async def perform(self, turn: Turn) -> None:
        known = " ".join(turn.contact.name.split())
        if not FITS_A_TICKET.fullmatch(known) or not any(letter.isalpha() for letter in known):
            turn.say("utter_events_ask_name")
            return
        # Names with the payload's own signs come back as if they had been typed.
        payload = known if set(known) & set("(),=") else f"/SetSlots(events_name={known})"
        turn.offer(
            "utter_events_ask_name_known",
            [Option(title=words_of(turn.locale).use_this_name, payload=payload)],
            name=known,
        )


class CheckEmail(SkillAction):
    """Sets `events_email_hint` to what was probably meant, or to nothing; takes it once the person has said yes."""

    name: ClassVar[str] = "events_check_email"

    async def perform(self, turn: Turn) -> None:
        hint = turn.get("events_email_hint")
        if hint and turn.get("events_email_ok"):
            turn.set("events_email", hint)
            turn.set("events_email_hint", None)
            return
        likely = likely_email(turn.slot("events_email", str))
        if likely != hint:  # else it was asked about already
            turn.set("events_email_ok", None)
        turn.set("events_email_hint", likely)


class AskConfirm(SkillAction):
    name: ClassVar[str] = "action_ask_events_confirm"

    async def perform(self, turn: Turn) -> None:
        view = await chosen_event(turn)
        if view is None:
            turn.say("utter_events_gone")
            return
        chosen = next((each for each in view.types if str(each.row.id) == turn.get("events_ticket_type")), None)
        turn.say(
            "utter_events_summary",
            title=view.row.title,
            when=when_text(view.row, turn.locale),
            type=chosen.row.name if chosen else "",
            price=price_text(chosen.row.price_minor, view.row.currency, turn.locale) if chosen else "",
            name=turn.get("events_name"),
            email=turn.get("events_email"),
        )


class Register(SkillAction):
    """Takes the seat. Sets `events_result` to issued, held or gone, and `events_ticket`. Meter: events.ticket_issued."""

    name: ClassVar[str] = "events_register"

    async def perform(self, turn: Turn) -> None:
        who = Registrant(
            turn.contact.id, turn.account_id, turn.slot("events_name", str), turn.slot("events_email", str)
        )
        key = f"turn:{turn.inbox_id}:{turn.step}"
        try:
            ticket = await service.register(turn.slot("events_ticket_type", UUID), who, key=key, now=turn.now)
        except service.AlreadyRegistered as e:
            turn.set("events_ticket", str(e.ticket.id))
            turn.set("events_result", "held")
            return
        except (service.SoldOut, service.NotOnSale):
            turn.set("events_result", "gone")
            return
        turn.set("events_ticket", str(ticket.id))
        turn.set("events_result", "issued")
        turn.charge("events.ticket_issued")
        turn.audit("events.ticket_issued", subject=f"events_tickets:{ticket.id}", after={"event": str(ticket.event_id)})
        if await consent.grant_unless_withdrawn(
            turn.contact.id, source="registration", wording=CONSENT_WORDING, now=turn.now, inbox_id=turn.inbox_id
        ):
            turn.audit("consent.granted", subject=f"contacts:{turn.contact.id}", after={"source": "registration"})
        assert turn.work is not None
        await tell_registered(turn.work, ticket)
        turn.say("utter_events_registered", name=ticket.holder_name)
