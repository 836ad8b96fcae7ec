"""Upcoming events, and one of them in detail."""

from __future__ import annotations

from typing import ClassVar

from bot.actions import SkillAction, Turn
from bot.messages import Option
from skills.events import service
from skills.events.actions.parts import chosen_event, details_of, how_many
from skills.events.service.catalog import EventView
from skills.events.wording import day_text, words_of

__all__ = ["AskEvent", "AskNext", "LookUp"]


class LookUp(SkillAction):
    """Sets `events_found` to none, one or some upcoming events; the only one is chosen at once."""

    name: ClassVar[str] = "events_look_up"

    async def perform(self, turn: Turn) -> None:
        events = await service.list_upcoming(now=turn.now)
        turn.set("events_found", how_many(len(events)))
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
        view = await chosen_event(turn)
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
            **details_of(view, turn.locale),
        )


def _event_option(view: EventView, locale: str) -> Option:
    day = day_text(view.row, locale)
    return Option(
        title=view.row.title,
        description=f"{day} · {view.row.venue}" if view.row.venue else day,
        payload=f"/SetSlots(events_event={view.row.id})",
    )
