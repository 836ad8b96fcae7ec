"""Who comes in, and who does not."""

from __future__ import annotations

from bot.identity.access import sign_out
from bot.identity.memory import remembered
from bot.testing.people import enrol
from store import people
from store.models import Membership
from store.tenancy import organization_scope
from tests.admin_ui.desk import PASSWORD, Desks, until


async def test_without_a_session_every_page_sends_to_sign_in_and_back(desks: Desks) -> None:
    stranger = desks.stranger()
    answer = await stranger.http_client.get("/events?show=past")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/events%3Fshow%3Dpast"


async def test_signing_in_leads_to_the_command_center(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    await user.should_see("Savanna Events")
    await user.should_see("Conversations today")


async def test_a_wrong_password_is_told_kindly_and_lets_nobody_in(desks: Desks) -> None:
    await enrol(desks.runtime, desks.organization_id, "jane@savanna.example", password=PASSWORD)
    user = desks.stranger()
    await user.open("/login")
    user.find(marker="email").type("jane@savanna.example")
    user.find(marker="password").type("not this one")
    user.find(marker="sign-in").click()
    await user.should_see("The e-mail address or the password is wrong", retries=20)
    assert (await user.http_client.get("/")).status_code == 303


async def test_no_ticket_of_another_browser_lets_in(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    ticket = next(each for each in user.back_history if each.startswith("/enter"))
    stranger = desks.stranger()
    answer = await stranger.http_client.get(ticket)
    assert answer.headers["location"] == "/login"
    assert (await stranger.http_client.get("/")).headers["location"] == "/login"


async def test_the_way_back_is_never_to_another_host(desks: Desks) -> None:
    await enrol(desks.runtime, desks.organization_id, "jane@savanna.example", password=PASSWORD)
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        user = desks.stranger()
        await user.open(f"/login?next={evil}")
        user.find(marker="email").type("jane@savanna.example")
        user.find(marker="password").type(PASSWORD)
        user.find(marker="sign-in").click()
        await until(lambda user=user: user.back_history[-1].startswith("/enter"))
        await user.should_see("Conversations today", retries=20)


async def test_a_session_ended_elsewhere_ends_here_too(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    person = await people.person_named("owner@savanna.example")
    assert person is not None
    (session,) = await people.sessions_of(person.id, now=desks.stage.clock.now())
    await sign_out(session.id)
    assert (await user.http_client.get("/")).headers["location"] == "/login"


async def test_who_left_the_organization_sees_it_no_more(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    with organization_scope(desks.organization_id):
        await Membership.all().delete()
    remembered.forget(lambda _: True)
    assert (await user.http_client.get("/")).status_code == 303


async def test_pages_forbid_frames_and_strangers_scripts(desks: Desks) -> None:
    answer = await desks.stranger().http_client.get("/login")
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
