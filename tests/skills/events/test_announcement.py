"""Announcements: everybody who holds a ticket, once, with a reason where it does not go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import pytest

from bot.errors import Permanent
from bot.skill import OrganizationInfo, TaskContext, UnitOfWork
from bot.testing import Stage
from bot.unit import open_unit
from skills.events import demo, service, tasks_bulk
from skills.events.jobs import Announce
from skills.events.models import Announcement, Event, Ticket, TicketType
from store.ids import uuid7
from store.tenancy import organization_scope
from tests.skills.events.people import new_event, put_holders


async def ask_for(stage: Stage, event: Event, text: str = "Doors open at eight.") -> Announcement:
    async with open_unit(stage.runtime, stage.organization_id, actor="platform") as work:
        return await service.announce(work, event, text, requested_by="platform")


async def report_of(stage: Stage, announcement: Announcement) -> service.AnnouncementReport:
    with organization_scope(stage.organization_id):
        return await service.announcement_report(announcement.id)


def context(stage: Stage, unit_of_work: object = None) -> TaskContext:
    base = stage.runtime.skill_context("events")

    def unit() -> AbstractAsyncContextManager[UnitOfWork]:
        return open_unit(stage.runtime, stage.organization_id, actor="job:test")

    services = {name: getattr(base, name) for name in base.__dataclass_fields__}
    info = OrganizationInfo(stage.organization_id, "Savanna Events", "KE", "en", "Africa/Nairobi")
    return TaskContext(**services, organization=info, job_id=uuid7(), attempt=1, unit_of_work=unit_of_work or unit)  # type: ignore[arg-type]


async def test_everybody_gets_it_once_in_batches(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event(capacity=5000)
    people = await put_holders(stage, event, kind, 2 * service.BATCH + 30)
    announcement = await ask_for(stage, event)
    await stage.settle()
    report = await report_of(stage, announcement)
    assert report == service.AnnouncementReport(len(people), finished=True, statuses={"accepted": len(people)})
    received = [each.text for phone in stage.channel.phones.values() for each in phone]
    assert received == [f"📣 *{event.title}*\n\nDoors open at eight."] * len(people)
    assert stage.log.jobs == ["events.announce"] * 3


async def test_two_tickets_are_one_message_and_cancelled_ones_none(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event()
        [twice, gone, _] = await put_holders(stage, event, kind, 3)
        first = await Ticket.get(contact_id=twice)
        values = {
            name: getattr(first, name) for name in ("order_id", "event_id", "contact_id", "account_id", "holder_name")
        }
        other = await TicketType.create(event_id=event.id, name="Supper", capacity=5)
        await Ticket.create(**values, ticket_type_id=other.id, code="AAAA-BBBB")
        await Ticket.filter(contact_id=gone).update(status="cancelled")
    announcement = await ask_for(stage, event)
    await stage.settle()
    assert (await report_of(stage, announcement)).statuses == {"accepted": 2}


async def test_whoever_must_not_be_written_to_has_a_reason(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event()
    silent = await put_holders(stage, event, kind, 2, opted_in=False)
    await stage.rows("UPDATE contacts SET opted_in_at = now(), opted_out_at = now() WHERE id = $1", silent[0])
    announcement = await ask_for(stage, event)
    await stage.settle()
    report = await report_of(stage, announcement)
    assert report.statuses == {"refused": 2}
    assert report.refusals == {"opted_out": 1, "no_opt_in": 1}
    assert not any(stage.channel.phones.values())


async def test_a_crash_at_the_end_of_a_batch_leaves_nothing_and_the_next_try_everything(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event(capacity=5000)
        people = await put_holders(stage, event, kind, service.BATCH + 10)
    stage.hold_jobs = True
    announcement = await ask_for(stage, event)

    @asynccontextmanager
    async def crashing() -> AsyncIterator[UnitOfWork]:
        async with open_unit(stage.runtime, stage.organization_id, actor="job:test") as work:
            yield work
            raise ConnectionResetError("the worker is gone")

    with pytest.raises(ConnectionResetError):
        await tasks_bulk.announce(Announce(announcement_id=announcement.id), context(stage, crashing))
    assert (await report_of(stage, announcement)).queued == 0
    stage.hold_jobs = False
    await stage.settle()
    report = await report_of(stage, announcement)
    assert (report.queued, report.finished, report.statuses) == (len(people), True, {"accepted": len(people)})


async def test_a_batch_that_was_done_already_does_nothing(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event(capacity=5000)
    people = await put_holders(stage, event, kind, service.BATCH + 10)
    announcement = await ask_for(stage, event)
    await stage.settle()
    for after in (None, people[0], UUID(int=0)):
        await tasks_bulk.announce(Announce(announcement_id=announcement.id, after=after), context(stage))
    await stage.settle()
    assert stage.channel.sent == len(people)
    assert (await report_of(stage, announcement)).queued == len(people)


async def test_who_asked_for_it_is_in_the_audit_log(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, _ = await new_event()
    await ask_for(stage, event)
    [entry] = await stage.rows("SELECT actor, after FROM audit_entries WHERE action = 'events.announcement_requested'")
    assert entry["actor"] == "platform"
    assert '"requested_by": "platform"' in entry["after"]


@pytest.mark.parametrize("text", ["", "  \n", "x" * 4001])
async def test_nothing_and_too_much_are_refused(stage: Stage, text: str) -> None:
    with organization_scope(stage.organization_id):
        event, _ = await new_event()
    with pytest.raises(Permanent):
        await ask_for(stage, event, text)
    assert await stage.rows("SELECT 1 FROM events_announcements") == []


async def test_the_demo_says_what_became_of_each_announcement(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        event, kind = await new_event()
    people = await put_holders(stage, event, kind, 5)
    await stage.rows("UPDATE contacts SET opted_out_at = now() WHERE id = $1", people[0])
    await stage.rows("UPDATE contacts SET opted_in_at = NULL WHERE id = $1", people[1])
    stage.hold_jobs = True
    async with open_unit(stage.runtime, stage.organization_id, actor="demo") as work:
        done = await demo.announce(work, event.slug, "Doors open at eight.")
    assert (done.about, done.people) == (f"with a ticket of {event.title}", 5)
    with organization_scope(stage.organization_id):
        [waiting] = await demo.announcements(5)
    assert (waiting.counts, waiting.is_settled) == ("0 queued so far: 0 sent", False)
    stage.hold_jobs = False
    await stage.settle()
    with organization_scope(stage.organization_id):
        [settled] = await demo.announcements(5)
    assert (settled.announcement_id, settled.about, settled.is_settled) == (done.announcement_id, event.title, True)
    assert settled.counts in (
        "5 queued: 3 sent, 2 not sent (1 opted out, 1 no opt in)",
        "5 queued: 3 sent, 2 not sent (1 no opt in, 1 opted out)",
    )
