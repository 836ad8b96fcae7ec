"""What the render worker runs. Only it imports this module, and with it pyvips."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.ports import Lane
from bot.skill import TaskContext, task
from skills.events import service
from skills.events.jobs import PICTURE_READY, DeliverTicket, RenderTicket
from skills.events.models import PictureDue
from skills.events.render.ticket import TicketFace, draw_ticket
from skills.events.service.ticket import TicketView
from skills.events.wording import date_text, ticket_message, time_text, venue_text, words_of

__all__ = ["render_ticket"]

JPEG = "image/jpeg"
# The conversation shows the picture within moments. Should it have been left meanwhile (cancel, STOP), this is when it comes by itself.
LEFT_AFTER = timedelta(seconds=20)


@task(RenderTicket)
async def render_ticket(job: RenderTicket, ctx: TaskContext) -> None:
    """Draws, stores, then wakes the conversation; a conversation that gave up waiting gets a message of its own.

    Repeatable: the picture has the same content and so the same name, the wake-up and the message happen once by their keys.
    """
    async with ctx.unit_of_work():
        view = await service.ticket_view(job.ticket_id)
        face = None if view is None or not view.is_valid else await _face(view, job, ctx)
    if view is None or face is None:
        return
    jpeg = await asyncio.to_thread(draw_ticket, face)
    blob = await ctx.blobs.put(ctx.organization.id, jpeg, JPEG)
    async with ctx.unit_of_work() as work:
        due = await service.picture_drawn(job.ticket_id, blob)
        if due is None:
            return
        work.charge("events.picture_rendered", key=f"job:{ctx.job_id}:events.picture_rendered")
        if due is PictureDue.MESSAGE:
            work.send(
                view.row.contact_id,
                view.row.account_id,
                ticket_message(view, blob, job.locale),
                key=f"events.ticket:{job.ticket_id}:picture",
                lane=Lane.REPLY,
                origin="events:render_ticket",
            )
            return
        work.resume(job.session_id, PICTURE_READY, key=f"{job.ticket_id}", slots={"events_picture": "ready"})
        work.enqueue(DeliverTicket(ticket_id=job.ticket_id, locale=job.locale), at=work.now + LEFT_AFTER)


async def _face(view: TicketView, job: RenderTicket, ctx: TaskContext) -> TicketFace:
    words, event = words_of(job.locale), view.event
    return TicketFace(
        organization=ctx.organization.name,
        title=event.title,
        date=date_text(event, job.locale),
        time=time_text(event, job.locale),
        venue=venue_text(event, job.locale),
        holder=view.row.holder_name,
        ticket_type=view.type_name,
        code=view.row.code,
        qr=await service.ticket_token(view.row.id),
        labels=words.ticket_labels,
        footer=words.ticket_footer,
    )
