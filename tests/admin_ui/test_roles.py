"""Every role sees its menu and no more: generated over all roles and all pages there are."""

from __future__ import annotations

import pytest
from nicegui.testing import User

from admin_ui.kit.page import Page
from admin_ui.scope import desk_of
from bot.identity.rights import defined_permissions
from bot.identity.roles import Role, permissions_of
from bot.testing.people import enrol
from tests.admin_ui.desk import PASSWORD, Desks, static_pages

MEMBERS = [role for role in Role if role is not Role.PLATFORM_ADMIN]


def sidebar(user: User) -> set[str]:
    """Where the links of the menu lead."""
    assert user.client is not None
    links = (each for each in user.client.elements.values() if "cn-nav" in each.classes)
    return {str(each.props["href"]) for each in links}


@pytest.mark.parametrize("role", MEMBERS)
async def test_a_role_sees_its_menu_and_no_more(desks: Desks, role: Role) -> None:
    user = await desks.sit_down(role.value)
    held = permissions_of(role, await defined_permissions(desks.runtime, desks.organization_id))

    def may(page: Page) -> bool:
        return page.permission is None or page.permission in held

    pages = static_pages()
    assert len(pages) > 5
    for page in pages:
        answer = await user.http_client.get(page.path)
        refused = 303 if page.path == "/" else 403  # from the start one is led to where one may be
        assert answer.status_code == (200 if may(page) else refused), (role, page.path, page.permission)
    await user.open("/profile")
    assert sidebar(user) == {page.path for page in pages if page.group is not None and may(page)}


async def test_a_page_of_a_skill_that_is_off_is_not_there(desks: Desks) -> None:
    from store.models import SkillInstall
    from store.tenancy import organization_scope

    user = await desks.sit_down("owner")
    await user.open("/profile")
    assert "/events" in sidebar(user)
    with organization_scope(desks.organization_id):
        await SkillInstall.filter(skill="events").update(enabled=False)
    desks.runtime.directory.forget()
    await user.open("/profile")
    assert "/events" not in sidebar(user)
    assert (await user.http_client.get("/events")).status_code == 403


async def test_a_member_of_one_event_sees_that_event_only(desks: Desks) -> None:
    from datetime import timedelta

    from skills.events.models import Event
    from store.tenancy import organization_scope

    now = desks.stage.clock.now()
    with organization_scope(desks.organization_id):
        mine, other = [
            await Event.create(slug=name, title=f"The {name}", starts_at=now, ends_at=now + timedelta(hours=4))
            for name in ("mine", "other")
        ]
    user = await desks.sit_down("event_manager", events=[mine.id])
    await user.open("/events")
    await user.should_see("The mine")
    await user.should_not_see("The other")
    assert (await user.http_client.get(f"/events/{mine.id}/edit")).status_code == 200
    assert (await user.http_client.get(f"/events/{other.id}/edit")).status_code == 403


async def test_what_belongs_to_another_organization_is_not_found(desks: Desks) -> None:
    from datetime import timedelta

    from skills.events.models import Event
    from store.tenancy import organization_scope

    now = desks.stage.clock.now()
    with organization_scope(desks.other_id):
        theirs = await Event.create(slug="theirs", title="Theirs", starts_at=now, ends_at=now + timedelta(hours=4))
    user = await desks.sit_down("owner")
    for view in ("", "/people", "/edit", "/check-in"):
        answer = await user.http_client.get(f"/events/{theirs.id}{view}")
        assert answer.status_code == 404
        assert "Theirs" not in answer.text


async def test_the_member_of_two_organizations_begins_where_she_may_more(desks: Desks) -> None:
    await enrol(desks.runtime, desks.other_id, "owner@savanna.example", "viewer", password=PASSWORD)
    user = await desks.sit_down("owner")
    assert user.client is not None
    assert desk_of(user.client).organization.id == desks.organization_id
    await user.should_see("Pwani Makers")  # in the header's switch
