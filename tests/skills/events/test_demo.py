"""The demo may be loaded again and again, and never shows an event that is over."""

from __future__ import annotations

from datetime import timedelta

from bot.testing import Stage
from skills.events import demo, service
from skills.events.models import Event, TicketType
from store.tenancy import organization_scope
from tests.skills.events.people import NOW


async def test_loading_twice_changes_nothing(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        await demo.load("savanna", now=NOW)
        before = [(each.slug, each.starts_at) for each in await Event.all().order_by("slug")]
        await demo.load("savanna", now=NOW + timedelta(days=2))
        assert [(each.slug, each.starts_at) for each in await Event.all().order_by("slug")] == before
        assert len(before) == 2
        assert any(each.capacity - each.sold == 1 for each in await TicketType.all())


async def test_what_is_over_gets_a_new_date(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        await demo.load("pwani", now=NOW)
        later = NOW + timedelta(days=100)
        assert await service.list_upcoming(now=later) == []
        await demo.load("pwani", now=later)
        [view] = await service.list_upcoming(now=later)
        assert view.is_open


async def test_organizations_without_a_demo_are_left_alone(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        await demo.load("somebody-else")
        assert await Event.all().count() == 0
