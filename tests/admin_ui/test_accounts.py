"""Registering, inviting, forgetting a password, and roles of an organization's own, by the pages for it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from nicegui.testing import User

from bot.identity.access import organizations_of
from bot.ports import Letter
from store import people
from store.models import CustomRole, Membership
from store.tenancy import organization_scope
from tests.admin_ui.desk import PASSWORD, Desks, until


class Postbox:
    """Stands at the notify port."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def email(self, letter: Letter) -> None:
        self.letters.append(letter)

    async def sms(self, *_: Any) -> None: ...

    async def link(self) -> str:
        """Path and query of the link in the newest letter."""
        await until(lambda: self.letters)
        found = re.search(r"https?://[^/\s]+(/\S+)", self.letters[-1].text)
        assert found is not None
        return found.group(1)


@pytest.fixture
def postbox(desks: Desks) -> Postbox:
    desks.runtime.notifier = Postbox()
    return desks.runtime.notifier


def fill(user: User, **fields: str) -> None:
    for marker, text in fields.items():
        user.find(marker=marker.replace("_", "-")).clear().type(text)


async def test_a_stranger_creates_an_organization_and_is_its_owner(desks: Desks, postbox: Postbox) -> None:
    user = desks.stranger()
    await user.open("/register")
    fill(user, organization="Kisumu Jazz", your_name="Akinyi Odhiambo", email="akinyi@jazz.example", password="short")
    user.find(marker="register").click()
    await user.should_see("Kisumu Jazz", retries=5)
    await until(lambda: any(each.error for each in user.find(marker="password").elements))
    fill(user, password=PASSWORD)
    user.find(marker="register").click()
    await user.should_see("Get going", retries=40)
    person = await people.person_named("akinyi@jazz.example")
    assert person is not None
    (place,) = await organizations_of(person.id)
    assert (place.name, place.role) == ("Kisumu Jazz", "owner")


async def test_who_is_invited_comes_in_with_the_role_that_was_chosen(desks: Desks, postbox: Postbox) -> None:
    owner = await desks.sit_down("owner")
    await owner.open("/people")
    owner.find(marker="invite").click()
    await owner.should_see(marker="invite-email", retries=20)
    fill(owner, invite_email="not an address")
    owner.find(marker="send-invitation").click()
    await owner.should_see("no e-mail address", retries=20)
    fill(owner, invite_email="wanja@savanna.example")
    next(iter(owner.find(marker="invite-role").elements)).set_value("viewer")
    owner.find(marker="send-invitation").click()
    await owner.should_see("Invited, not here yet", retries=20)
    guest = desks.stranger()
    await guest.open(await postbox.link())
    await guest.should_see("Join Savanna Events")
    fill(guest, your_name="Wanja Kimani", password=PASSWORD)
    guest.find(marker="accept").click()
    await guest.should_see("Conversations today", retries=40)
    assert (await guest.http_client.get("/people")).status_code == 403


async def test_a_forgotten_password_is_replaced_by_a_letter(desks: Desks, postbox: Postbox) -> None:
    await desks.sit_down("owner")
    user = desks.stranger()
    await user.open("/forgot")
    fill(user, email="owner@savanna.example")
    user.find(marker="send").click()
    await user.should_see("the letter is on its way", retries=20)
    await user.open(await postbox.link())
    fill(user, password="four clouds over one giraffe")
    user.find(marker="reset").click()
    await until(lambda: user.back_history[-1] == "/login")
    again = await desks.sign_in("owner@savanna.example", "four clouds over one giraffe")
    await again.should_see("Conversations today", retries=20)


@pytest.mark.parametrize("path", ["/reset?token=x", "/invitation?token=x", "/verify?token=x"])
async def test_a_link_that_is_spent_says_what_to_do(desks: Desks, path: str) -> None:
    user = desks.stranger()
    await user.open(path)
    await user.should_see("This link does not work any more")


async def test_an_owner_makes_a_role_and_gives_it(desks: Desks) -> None:
    viewer = await desks.sit_down("viewer")
    owner = await desks.sit_down("owner")
    await owner.open("/people")
    owner.find(marker="new-role").click()
    await owner.should_see(marker="role-name", retries=20)
    fill(owner, role_name="Door staff")
    next(iter(owner.find(marker="role-permissions").elements)).set_value(["events.view", "events.checkin"])
    owner.find(marker="keep-role-of-ours").click()
    await owner.should_see("2 permissions", retries=20)
    with organization_scope(desks.organization_id):
        role = await CustomRole.get(name="Door staff")
    owner.find(content="Change", kind=None).click()
    await owner.should_see(marker="keep-role", retries=20)
    next(iter(owner.find(marker="role").elements)).set_value(f"custom:{role.id}")
    owner.find(marker="keep-role").click()
    await until(lambda: owner.notify.contains("The new role holds"))
    with organization_scope(desks.organization_id):
        assert (await Membership.get(role_id=role.id)).role == "custom"
    assert (await viewer.http_client.get("/events")).status_code == 200
    assert (await viewer.http_client.get("/audit")).status_code == 403


async def test_who_belongs_nowhere_is_told_so(desks: Desks) -> None:
    user = await desks.sit_down("viewer")
    with organization_scope(desks.organization_id):
        await Membership.all().delete()
    answer = await user.http_client.get("/")
    assert answer.headers["location"] == "/no-organization"
    await user.open("/no-organization")
    await user.should_see("You belong to no organization")
