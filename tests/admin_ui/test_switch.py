"""Whoever belongs to several organizations changes between them in the header; each page stays with the one it was opened for."""

from __future__ import annotations

import asyncio
from uuid import UUID

from nicegui.testing import User

from bot.testing.people import enrol
from store.models import ContactLabel, Membership
from store.tenancy import organization_scope
from tests.admin_ui.desk import PASSWORD, PATIENCE, Desks, until

EMAIL = "asha@both.example"


async def of_both(desks: Desks) -> User:
    await enrol(desks.runtime, desks.other_id, EMAIL, "owner", password=PASSWORD)
    return await desks.sit_down("owner", email=EMAIL)


async def change(user: User, organization_id: UUID) -> None:
    before = user.client
    user.find(marker=f"organization-{organization_id}").click()
    await until(lambda: user.client is not before)  # the page that opens then has the new cookie


async def make_label(desks: Desks, user: User, name: str) -> None:
    user.find(marker="new-label").click()
    await user.should_see(marker="label-name", retries=40)
    user.find(marker="label-name").type(name)
    user.find(marker="save-label").click()
    for _ in range(PATIENCE):
        if await labels_of(desks.organization_id) | await labels_of(desks.other_id):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no label was made")


async def labels_of(organization_id: UUID) -> set[str]:
    with organization_scope(organization_id):
        return {each.name for each in await ContactLabel.all()}


async def test_the_switch_leads_to_the_other_organization_and_what_is_made_there_is_its(desks: Desks) -> None:
    user = await of_both(desks)
    names = {desks.organization_id: "Savanna Events", desks.other_id: "Pwani Makers"}
    for target in (desks.other_id, desks.organization_id, desks.other_id):
        await change(user, target)
        await user.open("/contacts/book")
        await user.should_see(names[target])
    await make_label(desks, user, "Potter")
    assert await labels_of(desks.other_id) == {"Potter"}
    assert await labels_of(desks.organization_id) == set()


async def test_a_page_opened_before_still_writes_for_its_own_organization(desks: Desks) -> None:
    user = await of_both(desks)
    await change(user, desks.organization_id)
    await user.open("/contacts/book")
    before = user.client
    await user.open("/")
    await change(user, desks.other_id)
    user.client = before  # the tab that was left open
    await make_label(desks, user, "Speaker")
    assert await labels_of(desks.organization_id) == {"Speaker"}
    assert await labels_of(desks.other_id) == set()


async def test_who_belongs_to_one_has_no_switch(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    await user.open("/")
    await user.should_not_see(marker=f"organization-{desks.organization_id}")


async def test_who_was_removed_from_the_chosen_one_goes_on_in_the_other(desks: Desks) -> None:
    user = await of_both(desks)
    await change(user, desks.other_id)
    with organization_scope(desks.other_id):
        await Membership.all().delete()
    await user.open("/contacts/book")
    await user.should_see("Savanna Events")
