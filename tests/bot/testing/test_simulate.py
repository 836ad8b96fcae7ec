"""A draft may be talked with in the organization itself, and leaves nothing there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.publishing.serve import compiled_for
from bot.testing import Stage
from bot.testing.simulate import Simulation
from skills.events.testing import given
from store.tenancy import organization_scope
from tests.support.database import Database

TABLES = ("contacts", "sessions", "messages", "jobs", "audit_entries", "events_orders", "events_tickets", "charges")


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with Stage.open(skills=("assistant", "events")) as opened:
        yield opened


async def _talk(stage: Stage) -> Simulation:
    profile = await stage.runtime.directory.organization(stage.organization_id)
    return Simulation(stage.runtime, profile.info, await compiled_for(stage.runtime, profile), "events")


async def add_event(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        kinds = [{"name": "Day pass", "capacity": 5}]
        await given([{"slug": "harvest-day", "title": "Harvest Day", "types": kinds}], now=stage.clock.now())


async def _counts(stage: Stage) -> dict[str, int]:
    return {table: (await stage.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in TABLES}


async def test_it_answers_from_the_organizations_own_things_and_leaves_nothing_there(stage: Stage) -> None:
    await add_event(stage)
    before = await _counts(stage)
    talk = await _talk(stage)
    with organization_scope(stage.organization_id):
        seen = await talk.say("hi")
        assert any(each.who == "bot" and each.text for each in seen.lines)
        seen = await talk.say("register")
        seen = await talk.tap("Use this name")
        seen = await talk.say("amina@example.org")
        seen = await talk.say("yes")
        assert any("Harvest Day" in each.text for each in seen.lines if each.who == "bot")
        seen = await talk.say("yes")
    assert any("would run now" in each.text for each in seen.lines), "the picture is a job"
    assert await _counts(stage) == before


async def test_time_passes_and_what_was_done_last_is_taken_back(stage: Stage) -> None:
    await add_event(stage)
    talk = await _talk(stage)
    with organization_scope(stage.organization_id):
        asked = await talk.say("register")
        later = await talk.wait(timedelta(hours=25))
        assert later.lines[-1].text == "25 h later" or later.lines[len(asked.lines)].text == "25 h later"
        assert await talk.undo() == asked
