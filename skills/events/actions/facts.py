"""Answers in passing: about, when, where, how much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from bot.actions import SkillAction, Turn
from bot.messages import Option
from skills.events import service
from skills.events.actions.parts import details_of
from skills.events.service.catalog import EventView
from skills.events.wording import type_lines, venue_text, when_text, words_of

__all__ = ["TellAbout", "TellPrice", "TellWhen", "TellWhere"]

MAX_TOLD = 5  # events that a fact is told of at once, when none is named


class _Tell(SkillAction):
    """A fact of the event that is named, else of the one that the conversation is about, else of those that come next. By itself: when it is."""

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
        return f"📅 *{view.row.title}*: {when_text(view.row, locale)}"

    def tell(self, turn: Turn, view: EventView, offered: Sequence[Option]) -> None:
        turn.offer("utter_events_facts", offered, facts=self.fact(view, turn.locale))


class TellAbout(_Tell):
    name: ClassVar[str] = "events_tell_about"

    def tell(self, turn: Turn, view: EventView, offered: Sequence[Option]) -> None:
        turn.offer("utter_events_details", offered, **details_of(view, turn.locale))


class TellWhere(_Tell):
    name: ClassVar[str] = "events_tell_where"

    def fact(self, view: EventView, locale: str) -> str:
        return f"📍 *{view.row.title}*: {venue_text(view.row, locale)}"


class TellWhen(_Tell):
    name: ClassVar[str] = "events_tell_when"


class TellPrice(_Tell):
    name: ClassVar[str] = "events_tell_price"

    def fact(self, view: EventView, locale: str) -> str:
        return f"🎟️ *{view.row.title}*\n{type_lines(view, locale)}"


async def _event_of_ticket(turn: Turn) -> str | None:
    """Asked about while a ticket is cancelled or looked at."""
    ticket = turn.get("events_ticket")
    view = await service.ticket_view(UUID(ticket), contact_id=turn.contact.id) if ticket else None
    return str(view.event.id) if view is not None else None


def _register_option(view: EventView, locale: str) -> Option:
    words = words_of(locale)
    return Option(title=words.register, payload=words.register_for.format(title=view.row.title))
