"""STOP and START: recorded once, in the person's words, and kept by the gate."""

from __future__ import annotations

import pytest

from bot.contacts import consent
from bot.messages import Text
from bot.testing import Person, Stage
from bot.unit import open_unit
from store import db
from store.models import Consent, Contact
from store.tenancy import organization_scope


async def consents(stage: Stage) -> list[tuple[str, str, str]]:
    with organization_scope(stage.organization_id):
        return [(each.state, each.source, each.wording) for each in await Consent.all().order_by("id")]


async def audits(stage: Stage) -> list[str]:
    return [row["action"] for row in await stage.rows("SELECT action FROM audit_entries ORDER BY id")]


async def write_to(stage: Stage, person: Person, text: str) -> None:
    """A message that the organization starts."""
    assert person.contact_id is not None
    async with open_unit(stage.runtime, stage.organization_id, actor="platform") as work:
        work.send(person.contact_id, stage.account_id, Text(text=text), key=text)
    await stage.settle()


async def test_stop_said_twice_is_recorded_once(stage: Stage) -> None:
    ann = stage.person("Ann")
    await ann.say("Stop")
    await ann.say("STOP!")
    assert await consents(stage) == [("withdrawn", "chat", "Stop")]
    assert await audits(stage) == ["consent.withdrawn"]
    assert len(ann.heard) == 2


async def test_start_said_twice_is_recorded_once(stage: Stage) -> None:
    ann = stage.person("Ann")
    await ann.say("start")
    await ann.say("anza")
    assert await consents(stage) == [("granted", "chat", "start")]
    assert await audits(stage) == ["consent.granted"]


async def test_after_stop_nothing_is_started_but_everything_is_answered(stage: Stage) -> None:
    ann = stage.person("Ann")
    await ann.say("start")
    await write_to(stage, ann, "News!")
    await ann.say("stop")
    await write_to(stage, ann, "More news!")
    texts = [each.text for each in ann.heard]
    assert "News!" in texts
    assert "More news!" not in texts
    assert await ann.say("menu")
    await ann.say("start")
    await write_to(stage, ann, "Welcome back!")
    assert ann.heard[-1].text == "Welcome back!"


async def test_nobody_is_written_to_who_never_agreed(stage: Stage) -> None:
    ann = stage.person("Ann")
    await ann.say("hi")
    before = len(ann.heard)
    await write_to(stage, ann, "Buy!")
    assert len(ann.heard) == before


@pytest.mark.parametrize(("opted_out", "granted"), [(False, True), (True, False)])
async def test_a_registration_is_no_way_around_stop(stage: Stage, opted_out: bool, granted: bool) -> None:
    now = stage.clock.now()
    with organization_scope(stage.organization_id):
        contact = await Contact.create(name="Ann", opted_out_at=now if opted_out else None)
        async with db.transaction():
            given = await consent.grant_unless_withdrawn(contact.id, source="registration", wording="w", now=now)
        await contact.refresh_from_db()
    assert given is granted
    assert (contact.opted_in_at is not None) is granted
    assert (contact.opted_out_at is not None) is opted_out
