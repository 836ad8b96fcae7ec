"""A person's own tickets: chosen from, cancelled."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from bot.actions import SkillAction, Turn
from bot.messages import Option
from skills.events import service
from skills.events.actions.parts import how_many
from skills.events.events import tell_cancelled
from skills.events.service.ticket import TicketView
from skills.events.wording import day_text, when_text

__all__ = ["AskCancelSure", "AskTicket", "CancelTicket", "LookUpTickets"]


class LookUpTickets(SkillAction):
    """Sets `events_found` to none, one or some valid tickets of the person; the only one, also of the event named, is chosen at once."""

    name: ClassVar[str] = "events_look_up_tickets"

    async def perform(self, turn: Turn) -> None:
        tickets = await service.tickets_of(turn.contact.id, now=turn.now)
        turn.set("events_found", how_many(len(tickets)))
        named = [each for each in tickets if str(each.event.id) == turn.get("events_event")]
        if len(named or tickets) == 1:
            turn.set("events_ticket", str((named or tickets)[0].row.id))


class AskTicket(SkillAction):
    name: ClassVar[str] = "action_ask_events_ticket"

    async def perform(self, turn: Turn) -> None:
        tickets = await service.tickets_of(turn.contact.id, now=turn.now)
        turn.offer("utter_events_choose_ticket", [_ticket_option(view, turn.locale) for view in tickets])


class AskCancelSure(SkillAction):
    name: ClassVar[str] = "action_ask_events_cancel_sure"

    async def perform(self, turn: Turn) -> None:
        view = await service.ticket_view(turn.slot("events_ticket", UUID), contact_id=turn.contact.id)
        if view is None:
            turn.say("utter_events_ticket_gone")
            return
        turn.say(
            "utter_events_cancel_sure",
            title=view.event.title,
            when=when_text(view.event, turn.locale),
            type=view.type_name,
            name=view.row.holder_name,
        )


class CancelTicket(SkillAction):
    """Releases the seat and says so."""

    name: ClassVar[str] = "events_cancel_ticket"

    async def perform(self, turn: Turn) -> None:
        ticket = await service.cancel_ticket(turn.slot("events_ticket", UUID), turn.contact.id, now=turn.now)
        view = None if ticket is None else await service.ticket_view(ticket.id)
        if ticket is None or view is None:
            turn.say("utter_events_ticket_gone")
            return
        turn.audit("events.ticket_cancelled", subject=f"events_tickets:{ticket.id}", after={"by": "contact"})
        assert turn.work is not None
        await tell_cancelled(turn.work, ticket)
        turn.say("utter_events_cancelled", title=view.event.title)


def _ticket_option(view: TicketView, locale: str) -> Option:
    return Option(
        title=view.event.title,
        description=f"{day_text(view.event, locale)} · {view.type_name} · {view.row.code}",
        payload=f"/SetSlots(events_ticket={view.row.id})",
    )
