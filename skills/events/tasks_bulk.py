"""What bulk workers run: announcements, and tickets whose conversation was left before they were drawn."""

from __future__ import annotations

from bot.messages import Text
from bot.ports import Lane
from bot.skill import TaskContext, task
from skills.events import service
from skills.events.jobs import Announce, DeliverTicket
from skills.events.models import Announcement, Event, PictureDue
from skills.events.wording import ticket_message

__all__ = ["announce", "deliver_ticket"]


@task(Announce)
async def announce(job: Announce, ctx: TaskContext) -> None:
    """One batch and the job for the next, together or not at all; a batch that was done already does nothing."""
    async with ctx.unit_of_work() as work:
        announcement = await Announcement.filter(id=job.announcement_id).select_for_update().first()
        if announcement is None or announcement.finished_at is not None or announcement.reached != job.after:
            return
        text = service.announcement_text(await Event.get(id=announcement.event_id), announcement.text)
        recipients = await service.next_recipients(announcement)
        for each in recipients:
            work.send(
                each.contact_id,
                each.account_id,
                Text(text=text),
                key=service.announcement_key(announcement.id, each.contact_id),
                lane=Lane.BULK,
                origin="events:announce",
            )
        announcement.queued += len(recipients)
        if len(recipients) < service.BATCH:
            announcement.finished_at = work.now
        else:
            announcement.reached = recipients[-1].contact_id
            work.enqueue(Announce(announcement_id=announcement.id, after=announcement.reached))
        await announcement.save(update_fields=["queued", "reached", "finished_at"])


@task(DeliverTicket)
async def deliver_ticket(job: DeliverTicket, ctx: TaskContext) -> None:
    """Sends a picture that its conversation never came to show."""
    async with ctx.unit_of_work() as work:
        view = await service.ticket_view(job.ticket_id)
        if view is None or not view.is_valid or view.row.picture_due is not PictureDue.CHAT:
            return
        blob = await service.take_picture(job.ticket_id)
        work.send(
            view.row.contact_id,
            view.row.account_id,
            ticket_message(view, blob, job.locale),
            key=f"events.ticket:{job.ticket_id}:picture",
            lane=Lane.REPLY,
            origin="events:deliver_ticket",
        )
