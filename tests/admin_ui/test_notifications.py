"""The bell: what one is told arrives on open pages, and is read there."""

from __future__ import annotations

import asyncio
from uuid import UUID

from bot.identity.roles import Role
from bot.notifications import notify
from bot.testing.people import enrol
from bot.unit import open_unit
from store import people
from store.notifications import Board
from tests.admin_ui.desk import PATIENCE, Desks, until


async def ring(desks: Desks, user_id: UUID, text: str, link: str = "/audit") -> None:
    async with open_unit(desks.runtime, desks.organization_id, actor="platform") as work:
        await notify(work, "failing", {"en": text, "sw": f"sw {text}"}, link, user_id=user_id)


async def test_the_bell_counts_live_and_leads_to_what_it_tells(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    owner = await people.person_named("owner@savanna.example")
    assert owner is not None
    await user.open("/profile")
    await ring(desks, owner.id, "The endpoint crm.example is away")
    await user.should_see(marker="bell-count", content="1", retries=60)
    await user.open("/notifications")
    await user.should_see("The endpoint crm.example is away")
    user.find(marker="notice").click()
    await until(lambda: user.back_history[-1] == "/audit")
    tally = (await Board(desks.organization_id).tallies([owner.id]))[owner.id]
    assert tally.unread == 0


async def test_what_another_is_told_is_not_seen(desks: Desks) -> None:
    other = await enrol(desks.runtime, desks.organization_id, "ben@savanna.example", Role.ADMIN)
    await ring(desks, other, "For Ben alone")
    user = await desks.sit_down("owner")
    await user.open("/notifications")
    await user.should_not_see("For Ben alone")


async def test_what_tells_is_chosen_on_the_profile_page(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    owner = await people.person_named("owner@savanna.example")
    assert owner is not None
    await user.open("/profile")
    user.find(marker="way-failing-email").click()
    user.find(marker="way-failing-app").click()

    await until(lambda: user.notify.contains("Saved"))
    for _ in range(PATIENCE):
        if (await people.notify_by(owner.id)).get("failing") == []:
            break
        await asyncio.sleep(0.05)
    assert (await people.notify_by(owner.id)).get("failing") == []
    await ring(desks, owner.id, "Nobody is told")
    assert await Board(desks.organization_id).latest(owner.id) == []
