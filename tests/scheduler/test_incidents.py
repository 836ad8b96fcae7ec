"""The clock's eye on the platform: it opens an incident, keeps it while it lasts, and ends it when it is over."""

from __future__ import annotations

from datetime import timedelta

from bot.platform.incidents import QUIET_S
from bot.testing.people import enrol
from scheduler.incidents import LASTS_S, Incidents
from store import db
from store.notifications import Board
from store.platform import Incident, incidents
from store.tenancy import unscoped
from tests.bot.conversations.conftest import Room, room

__all__ = ["room"]

STOP = "UPDATE channel_accounts SET state = 'stopped', state_reason = 'its token ended', state_at = now() RETURNING id"
CONNECT = "UPDATE channel_accounts SET state = 'connected', state_reason = '' RETURNING id"


async def of_numbers() -> list[Incident]:
    """The machine that tests run on may have a full disk."""
    return [each for each in (await incidents())[0] if each.kind == "number"]


async def test_a_stopped_number_is_an_incident_until_it_is_connected_again(room: Room) -> None:
    root = await enrol(room.stage.runtime, None, "root@chatnation.example", "platform_admin", name="Rosa Root")
    clock = Incidents(room.stage.runtime)
    await clock.tick()
    assert await of_numbers() == []

    [account] = await room.stage.rows(STOP)
    assert await clock.tick() == 1
    assert await clock.tick() == 0  # it is known
    [found] = await of_numbers()
    assert (found.state, found.severity, found.key) == ("open", "critical", f"number:{account['id']}")
    assert found.facts["reason"] == "its token ended"
    [notice] = await Board(None).latest(root)
    assert (notice.kind, notice.link) == ("incident", f"/platform/incidents/{found.id}")

    await room.stage.rows(CONNECT)
    await clock.tick()
    assert [each.state for each in await of_numbers()] == ["open"]  # it may come and go
    room.stage.clock.move(timedelta(seconds=QUIET_S + 1))
    await clock.tick()
    [over] = await of_numbers()
    assert (over.id, over.state, over.resolved_by) == (found.id, "resolved", "")


async def as_platform(sql: str) -> None:
    with unscoped("test"):
        await db.execute(sql)


async def test_what_comes_for_nobodys_number_is_an_incident_until_the_number_is_connected(room: Room) -> None:
    clock = Incidents(room.stage.runtime)
    await as_platform(
        "INSERT INTO webhook_deliveries (id, received_at, sealed_body, size_bytes, outcome, detail, attempts) SELECT gen_random_uuid(),"
        " now() - make_interval(mins => minutes), '', 0, 'unrouted', '', 0 FROM unnest(ARRAY[0, 50, 70]) AS minutes"
    )
    assert await clock.tick() >= 1
    [found] = [each for each in (await incidents())[0] if each.kind == "unknown_number"]
    assert (found.state, found.severity, found.facts) == ("open", "critical", {"rows": 2})

    await as_platform("UPDATE webhook_deliveries SET outcome = 'accepted'")
    room.stage.clock.move(timedelta(seconds=QUIET_S + 1))
    await clock.tick()
    [over] = [each for each in (await incidents())[0] if each.kind == "unknown_number"]
    assert over.state == "resolved"


async def test_what_does_not_last_is_no_incident(room: Room) -> None:
    patient = Incidents(room.stage.runtime, lasts_s=LASTS_S | {"number": 3_600.0})
    await room.stage.rows(STOP)
    assert await patient.tick() == 0
    assert await of_numbers() == []
