"""What each role may do; deny by default."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bot.identity import NotAllowed, Principal, Role, permissions_of
from bot.identity.roles import CORE, PLATFORM

EVENTS = {"events.view": "viewer", "events.edit": "event_manager", "leads.own": "exhibitor_staff"}


def test_an_owner_may_everything_but_the_platforms() -> None:
    assert permissions_of(Role.OWNER, EVENTS) == CORE.keys() | EVENTS.keys()


@pytest.mark.parametrize("role", [each for each in Role if each not in (Role.OWNER, Role.PLATFORM_ADMIN)])
def test_everybody_else_may_less_than_the_owner(role: Role) -> None:
    assert permissions_of(role, EVENTS) < permissions_of(Role.OWNER, EVENTS)


def test_participants_may_nothing_and_platform_admins_only_the_platforms() -> None:
    assert permissions_of(Role.PARTICIPANT, EVENTS) == frozenset()
    assert permissions_of(Role.PLATFORM_ADMIN, EVENTS) == PLATFORM


def test_a_viewer_changes_nothing() -> None:
    assert all(name.endswith(".view") for name in permissions_of(Role.VIEWER, EVENTS))


def test_a_manager_of_one_kind_is_none_of_another() -> None:
    assert "events.edit" in permissions_of(Role.EVENT_MANAGER, EVENTS)
    assert "events.edit" not in permissions_of(Role.SURVEY_MANAGER, EVENTS)
    assert "users.manage" not in permissions_of(Role.EVENT_MANAGER, EVENTS)


def test_exhibitors_see_nothing_of_the_organizers() -> None:
    assert permissions_of(Role.EXHIBITOR_STAFF, EVENTS) == {"organization.view", "leads.own"}


def test_a_member_limited_to_an_event_has_no_right_over_the_organization() -> None:
    mine, other = uuid4(), uuid4()
    whole = Principal("user", uuid4(), uuid4(), permissions_of(Role.ADMIN, EVENTS))
    limited = whole.limited(events=frozenset({mine}), exhibitors=None)
    assert whole.may("users.manage")
    assert not limited.may("users.manage")
    assert limited.may("events.edit", event=mine)
    assert not limited.may("events.edit", event=other)
    with pytest.raises(NotAllowed, match=r"events\.edit"):
        limited.require("events.edit", event=other)
