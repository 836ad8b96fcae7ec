"""`schedule` and `webhook` of skill.yml: what is due or delivered starts a job, or a flow with a person, and does so once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from bot.standard_webhooks import make_secret, signature
from bot.testing import Person, Stage
from bot.triggers import new_secret
from bot.unit import open_unit
from channels.triggers import add_triggers
from scheduler.schedules import Schedules
from store.tenancy import organization_scope
from tests.support.database import Database

SKILLS = "tests.scheduler.trigger_skills"
MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # six in Nairobi


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with Stage.open(skills=("bell",), package=SKILLS, now=MONDAY) as opened:
        yield opened


async def rang(stage: Stage, name: str) -> list[str]:
    """When jobs of this schedule were due, by the clock in UTC."""
    found = await stage.rows("SELECT key FROM jobs WHERE key LIKE $1 ORDER BY key", f"schedule:bell:{name}:%")
    return [row["key"].rpartition(f"{name}:")[2][5:16] for row in found]


async def look(clock: Schedules, stage: Stage, *, at: datetime | None = None) -> int:
    if at is not None:
        stage.clock.move(at - stage.clock.now())
    return await clock.tick()


async def test_a_schedule_comes_by_the_clock_of_the_organization_and_each_time_once(stage: Stage) -> None:
    clock = Schedules(stage.runtime)
    assert await look(clock, stage) == 0
    await look(clock, stage, at=MONDAY + timedelta(hours=2, minutes=59))
    assert await rang(stage, "morning") == []
    await look(clock, stage, at=MONDAY + timedelta(hours=3))  # nine in Nairobi
    assert await look(clock, stage) == 0
    await look(clock, stage, at=MONDAY + timedelta(hours=27, seconds=5))
    assert await rang(stage, "morning") == ["11-23T06:00", "11-24T06:00"]
    await stage.settle()
    heard = await stage.rows("SELECT subject FROM audit_entries WHERE action = 'bell.rang' AND subject LIKE '%T06:00%'")
    assert len(heard) == 4, "the job ran, with the time that it was due: morning's and hourly's"


async def test_what_was_missed_is_made_up_for_as_the_trigger_says(stage: Stage) -> None:
    await look(Schedules(stage.runtime), stage)
    # The clock is away for two days; another process comes back.
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(days=2, hours=8))
    assert await rang(stage, "morning") == ["11-25T06:00"], "the last one"
    assert len(await rang(stage, "hourly")) == 2 * 24 + 8, "each"
    assert await rang(stage, "noon") == [], "none"
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(days=3, hours=6, minutes=30))
    assert await rang(stage, "noon") == ["11-26T09:30"], "in time"


async def test_two_clocks_make_no_more_than_one(stage: Stage) -> None:
    clocks = [Schedules(stage.runtime) for _ in range(4)]
    await asyncio.gather(*(each.tick() for each in clocks))
    stage.clock.move(timedelta(hours=3))
    made = await asyncio.gather(*(each.tick() for each in clocks))
    assert sum(made) == 4, "nine in the morning once, and each of three hours once"
    assert await rang(stage, "hourly") == ["11-23T04:00", "11-23T05:00", "11-23T06:00"]


async def test_a_clock_that_went_back_brings_nothing_twice(stage: Stage) -> None:
    clock = Schedules(stage.runtime)
    await look(clock, stage)
    await look(clock, stage, at=MONDAY + timedelta(hours=3))
    await look(clock, stage, at=MONDAY + timedelta(hours=2))
    await look(clock, stage, at=MONDAY + timedelta(hours=3))
    assert await rang(stage, "morning") == ["11-23T06:00"]


async def test_a_skill_that_is_off_is_not_started_and_what_it_missed_is_gone(stage: Stage) -> None:
    await look(Schedules(stage.runtime), stage)
    await stage.rows("UPDATE skill_installs SET enabled = false")
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(hours=4))
    await stage.rows("UPDATE skill_installs SET enabled = true")
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(hours=5))
    assert await rang(stage, "morning") == []
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(hours=28))
    assert await rang(stage, "morning") == ["11-24T06:00"]


async def test_an_organization_that_moves_to_another_time_zone_is_followed(stage: Stage) -> None:
    await look(Schedules(stage.runtime), stage)
    await stage.rows("UPDATE organizations SET timezone = 'Europe/London'")
    await look(Schedules(stage.runtime), stage)
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(hours=7))
    assert await rang(stage, "morning") == ["11-23T09:00"]


async def agreed(stage: Stage, name: str, *, agrees: bool = True) -> Person:
    person = stage.person(name)
    await person.say("hello")
    if agrees:
        await stage.rows(
            "UPDATE contacts SET opted_in_at = $2 WHERE id = (SELECT contact_id FROM sessions WHERE id = $1)",
            person.session_id,
            stage.clock.now(),
        )
    return person


async def test_a_flow_on_a_schedule_begins_with_those_who_may_be_written_to(stage: Stage) -> None:
    await look(Schedules(stage.runtime), stage)
    old = await agreed(stage, "Old")
    stage.clock.move(timedelta(hours=25))
    ann, bob, eve = await agreed(stage, "Ann"), await agreed(stage, "Bob", agrees=False), await agreed(stage, "Eve")
    await stage.rows("UPDATE conversations SET taken_over_at = now() WHERE id = $1", eve.session_id)
    before = [len(each.heard) for each in (ann, old, bob, eve)]
    await look(Schedules(stage.runtime), stage, at=MONDAY + timedelta(hours=36))
    await stage.settle()
    await look(Schedules(stage.runtime), stage)
    await stage.settle()
    assert [each.text for each in ann.heard[before[0] :]] == ["How was your day?"]
    assert [len(each.heard) for each in (old, bob, eve)] == before[1:]
    assert "Noted: long" in [each.text for each in await ann.say("long")]


# -- webhooks --------------------------------------------------------------------------------------


class Sender:
    """Another system, which knows the secret."""

    def __init__(self, stage: Stage, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url
        self.stage = stage
        self.secret = ""

    async def send(self, name: str, body: bytes, **changes: Any) -> int:
        made = {
            "id": "d1",
            "at": str(int(self.stage.clock.now().timestamp())),
            "secret": self.secret,
            "sent": body,
        } | changes
        headers = {
            "webhook-id": made["id"],
            "webhook-timestamp": made["at"],
            "webhook-signature": changes.get("signature") or signature(made["secret"], made["id"], made["at"], body),
        }
        organization_id = changes.get("organization_id") or self.stage.organization_id
        address = f"{self._url}/webhooks/skills/{organization_id}/bell/{name}"
        async with self._session.post(address, data=made["sent"], headers=headers) as answer:
            return answer.status


async def secret_for(stage: Stage, name: str) -> str:
    with organization_scope(stage.organization_id):
        async with open_unit(stage.runtime, stage.organization_id, actor="user:test") as work:
            return await new_secret(stage.runtime, work, "bell", name, actor="user:test")


@pytest.fixture
async def sender(stage: Stage) -> AsyncIterator[Sender]:
    app = web.Application()
    add_triggers(app, stage.runtime)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [(host, port)] = [each[:2] for each in runner.addresses]
    async with aiohttp.ClientSession() as session:
        made = Sender(stage, session, f"http://{host}:{port}")
        made.secret = await secret_for(stage, "heard")
        yield made
    await runner.cleanup()


async def heard(stage: Stage) -> list[tuple[str, str]]:
    await stage.settle()
    found = await stage.rows("SELECT subject, after FROM audit_entries WHERE action = 'bell.heard' ORDER BY subject")
    return [(row["subject"], json.loads(row["after"])["body"]) for row in found]


async def test_a_delivery_is_read_once_by_the_skills_job(sender: Sender) -> None:
    assert await sender.send("heard", b'{"a": 1}') == 200
    assert await sender.send("heard", b'{"a": 1}') == 200
    assert await sender.send("heard", b"second", id="d2") == 200
    assert await heard(sender.stage) == [("d1", '{"a": 1}'), ("d2", "second")]


async def test_deliveries_at_the_same_moment_are_one(sender: Sender) -> None:
    assert set(await asyncio.gather(*(sender.send("heard", b"x") for _ in range(6)))) == {200}
    assert await heard(sender.stage) == [("d1", "x")]


async def test_it_is_kept_sealed(sender: Sender) -> None:
    await sender.send("heard", b"a word that nobody reads in the table")
    [row] = await sender.stage.rows("SELECT sealed_body FROM trigger_deliveries")
    [kept] = await sender.stage.rows("SELECT secret FROM trigger_secrets")
    assert b"nobody reads" not in bytes(row["sealed_body"])
    assert sender.secret.encode() not in bytes(kept["secret"])


async def test_what_is_not_signed_by_the_secret_leaves_nothing(sender: Sender) -> None:
    now = int(sender.stage.clock.now().timestamp())
    wrong: list[tuple[int, dict[str, Any]]] = [
        (403, {"secret": make_secret()}),
        (403, {"sent": b"other"}),
        (403, {"signature": "v1,AAAA"}),
        (403, {"signature": "ünïcode"}),
        (403, {"organization_id": UUID(int=7)}),
        (400, {"id": ""}),
        (400, {"id": "x" * 201}),
        (400, {"at": "yesterday"}),
        (400, {"at": str(now - 301)}),
        (400, {"at": str(now + 301)}),
    ]
    for status, changes in wrong:
        assert await sender.send("heard", b"x", **changes) == status, changes
    assert await sender.send("nowhere", b"x") == 403
    assert await sender.send("ask", b"{}") == 403, "the secret of another webhook"
    assert await heard(sender.stage) == []
    assert await sender.stage.rows("SELECT 1 FROM trigger_deliveries") == []


async def test_a_new_secret_counts_at_once_and_the_old_one_for_a_day(sender: Sender) -> None:
    old, sender.secret = sender.secret, await secret_for(sender.stage, "heard")
    assert await sender.send("heard", b"x", secret=old) == 200
    assert await sender.send("heard", b"x", id="d2") == 200
    sender.stage.clock.move(timedelta(hours=25))
    assert await sender.send("heard", b"x", id="d3", secret=old) == 403
    assert await sender.send("heard", b"x", id="d4") == 200


async def test_a_skill_that_is_off_takes_nothing(sender: Sender) -> None:
    await sender.stage.rows("UPDATE skill_installs SET enabled = false")
    sender.stage.runtime.directory.forget()
    assert await sender.send("heard", b"x") == 410
    assert await sender.stage.rows("SELECT 1 FROM trigger_deliveries") == []


async def test_a_delivery_begins_a_flow_with_the_person_that_it_names(sender: Sender) -> None:
    stage = sender.stage
    secret = await secret_for(stage, "ask")
    ann, bob = await agreed(stage, "Ann"), await agreed(stage, "Bob")
    before = len(ann.heard), len(bob.heard)
    told = json.dumps({"phone": ann.phone, "slots": {"bell_about": "work"}}).encode()
    for _ in range(2):
        assert await sender.send("ask", told, secret=secret) == 200
        await stage.settle()
    assert [each.text for each in ann.heard[before[0] :]] == ["How was your day?"]
    assert len(bob.heard) == before[1]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"nonsense", "JSON"),
        (b"[]", "JSON"),
        (b'{"phone": "12"}', "JSON"),
        (b'{"phone": "+254711999999"}', "nobody"),
        (b'{"slots": 1}', "JSON"),
    ],
)
async def test_a_delivery_that_names_nobody_is_dead_with_the_reason(sender: Sender, body: bytes, why: str) -> None:
    assert await sender.send("ask", body, secret=await secret_for(sender.stage, "ask")) == 200
    with pytest.raises(AssertionError, match=why):
        await sender.stage.settle()
