"""The platform's pages: its own people see them, with or without an organization; nobody else does, whatever her role."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from nicegui import ui
from nicegui.testing import User

from admin_ui.kit.page import Group, pages
from admin_ui.scope import PLATFORM, desk_of
from bot.identity.roles import NOT_BORROWED, Role
from bot.identity.roles import PLATFORM as PERMISSIONS
from bot.testing.people import enrol
from store import audit
from store.tenancy import organization_scope
from tests.admin_ui.desk import PASSWORD, Desks, until


def filled(path: str) -> str:
    return re.sub(r"{\w+}", str(uuid4()), path)


def listed(user: User) -> set[str]:
    return {row["name"] for each in user.find(ui.table).elements for row in each.rows}


async def root(desks: Desks) -> User:
    await enrol(desks.runtime, None, "root@chatnation.example", "platform_admin", password=PASSWORD, name="Rosa Root")
    return await desks.sign_in("root@chatnation.example")


@pytest.mark.parametrize("role", [Role.OWNER, Role.EXHIBITOR_STAFF])
async def test_no_role_of_an_organization_opens_a_page_of_the_platform(desks: Desks, role: Role) -> None:
    user = await desks.sit_down(role.value)
    found = [each for each in pages() if each.group is Group.PLATFORM or each.path.startswith("/platform")]
    assert len(found) >= 5
    for each in found:
        assert each.permission in PERMISSIONS, each.path
        answer = await user.http_client.get(filled(each.path))
        assert answer.status_code == 403, each.path


async def test_the_platforms_own_need_no_organization_and_see_none_of_its_pages(desks: Desks) -> None:
    user = await root(desks)
    await user.open("/")
    assert user.client is not None
    desk = desk_of(user.client)
    assert (desk.organization, desk.principal.permissions) == (PLATFORM, PERMISSIONS)
    assert listed(user) == {"Savanna Events", "Pwani Makers"}
    for each in pages():
        if each.public or "{" in each.path or each.path == "/":
            continue
        expected = 200 if each.permission is None or each.permission in PERMISSIONS else 403
        assert (await user.http_client.get(each.path)).status_code == expected, each.path
    for path in ("/platform/organizations/", "/platform/incidents/"):
        assert (await user.http_client.get(f"{path}{uuid4()}")).status_code == 404


async def test_suspended_from_the_page_and_its_people_are_told_why(desks: Desks) -> None:
    owner = await desks.sit_down("owner")
    user = await root(desks)
    await user.open(f"/platform/organizations/{desks.organization_id}")
    user.find(marker="suspend").click()
    await user.should_see(marker="suspend-go", retries=40)
    user.find(marker="suspend-go").click()
    await user.should_see("Say why", retries=40)
    user.find(marker="suspend-reason").type("Reports of spam")
    user.find(marker="suspend-go").click()
    await user.should_see("Suspended since", retries=60)
    answer = await owner.http_client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/suspended")
    await owner.open("/suspended")
    await owner.should_see("Reports of spam")
    await owner.should_see("is suspended")
    owner.http_client.cookies["cn_locale"] = "sw"
    await owner.open("/suspended")
    await owner.should_see("imesimamishwa")
    await owner.should_see("Hakuna kilichopotea")


async def test_with_borrowed_eyes_there_is_a_banner_less_is_allowed_and_both_names_are_written(desks: Desks) -> None:
    await desks.sit_down("owner")
    user = await root(desks)
    await user.open(f"/platform/organizations/{desks.organization_id}")
    user.find(marker="impersonate").click()
    await user.should_see(marker="impersonate-go", retries=40)
    user.find(marker="impersonate-go").click()
    await user.should_see("Say why", retries=40)
    user.find(marker="impersonate-reason").type("Ticket 17: cannot see tickets")
    user.find(marker="impersonate-go").click()
    await until(lambda: user.back_history[-1].startswith("/enter"))
    await user.should_see("recorded under both names", retries=40)
    closed = [each.path for each in pages() if each.permission in PERMISSIONS | NOT_BORROWED]
    assert len(closed) > 5
    for path in closed:
        assert (await user.http_client.get(filled(path))).status_code == 403, path
    await user.open("/profile")
    await user.should_see("With borrowed eyes")
    await user.open("/settings")
    user.find(marker="save-Profile").click()
    await until(lambda: user.notify.contains("Saved"))
    user.find(marker="end-borrowing").click()
    await until(lambda: user.back_history[-1].startswith("/enter"))
    with organization_scope(desks.organization_id):
        found, _ = await audit.entries()
    told = {each.action: each.actor_name for each in found}
    assert told["impersonation.started"] == "Rosa Root (ChatNation)"
    assert told["organization.changed"] == "Rosa Root (ChatNation) as Owner Person"
    await user.open("/platform/organizations")
    assert listed(user) == {"Savanna Events", "Pwani Makers"}
