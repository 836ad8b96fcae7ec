"""What the flows of this skill do besides talking. Thin: the verbs are in `service`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from bot.actions import SkillAction, Turn
from bot.contacts import consent
from bot.messages import MediaKind, MediaOut, Option
from bot.understand.addresses import likely_email
from skills.events import service
from skills.events.events import TicketCancelled, TicketIssued
from skills.events.jobs import PICTURE_READY, RenderTicket
from skills.events.service.catalog import EventView
from skills.events.service.registration import Registrant
from skills.events.service.ticket import TicketView
from skills.events.wording import day_text, price_text, type_lines, type_note, venue_text, when_text, words_of

__all__ = [
    "AskCancelSure",
    "AskConfirm",
    "AskEvent",
    "AskName",
    "AskNext",
    "AskTicket",
    "AskTicketType",
    "CancelTicket",
    "CheckEmail",
    "CheckType",
    "LookUp",
    "LookUpTickets",
    "LookUpTypes",
    "PromisePicture",
    "Register",
    "RequestPicture",
    "SendPicture",
    "TellAbout",
    "TellPrice",
    "TellWhen",
    "TellWhere",
]

MAX_TOLD = 5  # events that a fact is told of at once, when none is named
PICTURE_WAIT_S = 120.0  # a drawing takes 50 ms; this is how long a queue or a restart may hold it up
FITS_A_TICKET = re.compile(r"[^@<>{}\[\]|\\^?0-9]{2,80}")  # what the flow's rejections let pass
CONSENT_WORDING = "registration for an event: messages about it here, STOP ends them"


# -- events ---------------------------------------------------------------------------------------


class LookUp(SkillAction):
    """Sets `events_found` to none, one or some upcoming events; the only one is chosen at once."""

    name: ClassVar[str] = "events_look_up"

    async def perform(self, turn: Turn) -> None:
        events = await service.list_upcoming(now=turn.now)
        turn.set("events_found", _how_many(len(events)))
        if len(events) == 1:
            turn.set("events_event", str(events[0].row.id))


class AskEvent(SkillAction):
    name: ClassVar[str] = "action_ask_events_event"

    async def perform(self, turn: Turn) -> None:
        events = await service.list_upcoming(now=turn.now)
        if not events:
            turn.say("utter_events_none")
            return
        turn.offer("utter_events_choose", [_event_option(view, turn.locale) for view in events])


class AskNext(SkillAction):
    """One event in detail, with what can be done about it."""

    name: ClassVar[str] = "action_ask_events_next"

    async def perform(self, turn: Turn) -> None:
        words = words_of(turn.locale)
        view = await _event(turn)
        other = Option(title=words.other_events, payload="/SetSlots(events_next=other)")
        if view is None:
            turn.offer("utter_events_gone", [other])
            return
        options = [Option(title=words.register, payload="/SetSlots(events_next=register)")] if view.is_open else []
        if len(await service.list_upcoming(now=turn.now)) > 1:
            options.append(other)
        options.append(Option(title=words.done, payload="/SetSlots(events_next=done)"))
        turn.offer(
            "utter_events_details",
            options,
            **_details(view, turn.locale),
        )


# -- answers in passing ---------------------------------------------------------------------------


class _Tell(SkillAction):
    """A fact of the event that is named, else of the one that the conversation is about, else of those that come next."""

    async def perform(self, turn: Turn) -> None:
        chosen = turn.get("events_event") or await _event_of_ticket(turn)
        wanted = turn.get("events_named") or chosen
        view = await service.event_view(UUID(wanted), now=turn.now) if wanted else None
        views = [view] if view is not None else await service.list_upcoming(now=turn.now)
        if not views:
            turn.say("utter_events_none")
        elif len(views) > 1:
            turn.say("utter_events_facts", facts="\n".join(self.fact(each, turn.locale) for each in views[:MAX_TOLD]))
        else:
            # Whoever is busy with an event has its buttons already.
            offered = [] if chosen or not views[0].is_open else [_register_option(views[0], turn.locale)]
            self.tell(turn, views[0], offered)

    def fact(self, view: EventView, locale: str) -> str:
        raise TypeError(f"{self.name} tells no fact")

    def tell(self, turn: Turn, view: EventView, offered: Sequence[Option]) -> None:
        turn.offer("utter_events_facts", offered, facts=self.fact(view, turn.locale))


class TellAbout(_Tell):
    name: ClassVar[str] = "events_tell_about"

    def fact(self, view: EventView, locale: str) -> str:
        return f"📅 *{view.row.title}*: {when_text(view.row, locale)}"

    def tell(self, turn: Turn, view: EventView, offered: Sequence[Option]) -> None:
        turn.offer("utter_events_details", offered, **_details(view, turn.locale))


class TellWhere(_Tell):
    name: ClassVar[str] = "events_tell_where"

    def fact(self, view: EventView, locale: str) -> str:
        return f"📍 *{view.row.title}*: {venue_text(view.row, locale)}"


class TellWhen(_Tell):
    name: ClassVar[str] = "events_tell_when"

    def fact(self, view: EventView, locale: str) -> str:
        return f"📅 *{view.row.title}*: {when_text(view.row, locale)}"


class TellPrice(_Tell):
    name: ClassVar[str] = "events_tell_price"

    def fact(self, view: EventView, locale: str) -> str:
        return f"🎟️ *{view.row.title}*\n{type_lines(view, locale)}"


# -- registration ---------------------------------------------------------------------------------


class LookUpTypes(SkillAction):
    """Sets `events_found`: none (said so), held, one (chosen at once) or some ticket types that one can have now."""

    name: ClassVar[str] = "events_look_up_types"

    async def perform(self, turn: Turn) -> None:
        view = await _event(turn)
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
        turn.set("events_found", _how_many(len(offered)))
        if not offered:
            turn.say("utter_events_no_seats", title=view.row.title)
        elif len(offered) == 1:
            turn.set("events_ticket_type", str(offered[0].id))


class AskTicketType(SkillAction):
    name: ClassVar[str] = "action_ask_events_ticket_type"

    async def perform(self, turn: Turn) -> None:
        view = await _event(turn)
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
        view = await _event(turn)
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
            turn.contact.id, source="registration", wording=CONSENT_WORDING, now=turn.now
        ):
            turn.audit("consent.granted", subject=f"contacts:{turn.contact.id}", after={"source": "registration"})
        assert turn.work is not None
        await turn.work.publish(TicketIssued(ticket_id=ticket.id, event_id=ticket.event_id, contact_id=turn.contact.id))
        turn.say("utter_events_registered", name=ticket.holder_name)


# -- the picture ----------------------------------------------------------------------------------


class RequestPicture(SkillAction):
    """Sets `events_picture` to ready or gone; else has the ticket drawn, and the conversation waits for it."""

    name: ClassVar[str] = "events_request_picture"

    async def perform(self, turn: Turn) -> None:
        ticket_id = turn.slot("events_ticket", UUID)
        view = await service.ticket_view(ticket_id, contact_id=turn.contact.id)
        if view is None or not view.is_valid:
            turn.say("utter_events_ticket_gone")
            turn.set("events_picture", "gone")
            return
        if view.row.picture:
            turn.set("events_picture", "ready")
            return
        if turn.get("events_result") != "issued":
            turn.say("utter_events_drawing")
        await service.await_picture(ticket_id)
        turn.enqueue(RenderTicket(ticket_id=ticket_id, session_id=turn.session_id, locale=turn.locale))
        turn.wait_for(
            PICTURE_READY, key=str(ticket_id), seconds=PICTURE_WAIT_S, slot="events_picture", on_timeout="timed_out"
        )


class SendPicture(SkillAction):
    name: ClassVar[str] = "events_send_picture"

    async def perform(self, turn: Turn) -> None:
        await _show_ticket(turn, turn.slot("events_ticket", UUID))


class PromisePicture(SkillAction):
    """The drawing is late: the ticket's code now, the picture as a message of its own once it is there."""

    name: ClassVar[str] = "events_promise_picture"

    async def perform(self, turn: Turn) -> None:
        ticket_id = turn.slot("events_ticket", UUID)
        if await service.owe_picture(ticket_id):
            await _show_ticket(turn, ticket_id)  # it came at the last moment
            return
        view = await service.ticket_view(ticket_id, contact_id=turn.contact.id)
        if view is None or not view.is_valid:
            turn.say("utter_events_ticket_gone")
            return
        turn.say("utter_events_promise", title=view.event.title, code=view.row.code)


# -- my tickets -----------------------------------------------------------------------------------


class LookUpTickets(SkillAction):
    """Sets `events_found` to none, one or some valid tickets of the person; the only one, also of the event named, is chosen at once."""

    name: ClassVar[str] = "events_look_up_tickets"

    async def perform(self, turn: Turn) -> None:
        tickets = await service.tickets_of(turn.contact.id, now=turn.now)
        turn.set("events_found", _how_many(len(tickets)))
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
        await turn.work.publish(
            TicketCancelled(ticket_id=ticket.id, event_id=ticket.event_id, contact_id=turn.contact.id)
        )
        turn.say("utter_events_cancelled", title=view.event.title)


# -- helpers --------------------------------------------------------------------------------------


def _how_many(n: int) -> str:
    return ("none", "one")[n] if n < 2 else "some"


async def _event(turn: Turn) -> EventView | None:
    return await service.event_view(turn.slot("events_event", UUID), now=turn.now)


async def _event_of_ticket(turn: Turn) -> str | None:
    """Asked about while a ticket is cancelled or looked at."""
    ticket = turn.get("events_ticket")
    view = await service.ticket_view(UUID(ticket), contact_id=turn.contact.id) if ticket else None
    return str(view.event.id) if view is not None else None


def _details(view: EventView, locale: str) -> dict[str, str]:
    about = view.row.cover or view.row.description
    return {
        "title": view.row.title,
        "cover": f"\n{about}" if about else "",
        "when": when_text(view.row, locale),
        "venue": venue_text(view.row, locale),
        "types": type_lines(view, locale),
    }


def _register_option(view: EventView, locale: str) -> Option:
    words = words_of(locale)
    return Option(title=words.register, payload=words.register_for.format(title=view.row.title))


def _event_option(view: EventView, locale: str) -> Option:
    day = day_text(view.row, locale)
    return Option(
        title=view.row.title,
        description=f"{day} · {view.row.venue}" if view.row.venue else day,
        payload=f"/SetSlots(events_event={view.row.id})",
    )


def _ticket_option(view: TicketView, locale: str) -> Option:
    return Option(
        title=view.event.title,
        description=f"{day_text(view.event, locale)} · {view.type_name} · {view.row.code}",
        payload=f"/SetSlots(events_ticket={view.row.id})",
    )


async def _show_ticket(turn: Turn, ticket_id: UUID) -> None:
    blob = await service.take_picture(ticket_id)
    view = await service.ticket_view(ticket_id, contact_id=turn.contact.id)
    if view is None or not view.is_valid or not blob:
        turn.say("utter_events_ticket_gone")
        return
    picture = MediaOut(kind=MediaKind.IMAGE, blob=blob, mime_type="image/jpeg", filename=f"{view.row.code}.jpg")
    turn.show(
        picture,
        "utter_events_picture",
        title=view.event.title,
        when=when_text(view.event, turn.locale),
        venue=venue_text(view.event, turn.locale),
        code=view.row.code,
    )
