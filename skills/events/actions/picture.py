"""The picture of a ticket: wanted, drawn elsewhere, shown or promised."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from bot.actions import SkillAction, Turn
from bot.messages import MediaKind, MediaOut
from skills.events import service
from skills.events.jobs import PICTURE_READY, RenderTicket
from skills.events.wording import venue_text, when_text

__all__ = ["PromisePicture", "RequestPicture", "SendPicture"]

PICTURE_WAIT_S = 120.0  # a drawing takes 50 ms; this is how long a queue or a restart may hold it up


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
