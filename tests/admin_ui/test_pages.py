"""What one can do on the pages, through the controls that people use; looked for afterwards in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyotp
from nicegui import ui
from nicegui.testing import User

from admin_ui.kit.palette import find
from bot.demo.history import write_history
from bot.demo.people import DemoOrganization
from bot.identity.access import identify
from bot.messages import Text
from skills.events import service
from skills.events.models import Event, EventStatus, Ticket, TicketType
from store import audit, insights
from store.db import transaction
from store.models import Contact, Organization
from store.tenancy import organization_scope
from tests.admin_ui.desk import PASSWORD, Desks, static_pages, until

NAIROBI = ZoneInfo("Africa/Nairobi")


def value_of(user: User, marker: str) -> Any:
    return next(iter(user.find(marker=marker).elements))


def write(user: User, marker: str, text: str) -> None:
    user.find(marker=marker).clear().type(text)


async def audited(desks: Desks, action: str) -> list[audit.Entry]:
    with organization_scope(desks.organization_id):
        found, _ = await audit.entries(action=action)
    return list(found)


async def test_the_command_center_counts_what_was_said_today(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await desks.stage.receive(ann, Text(text="hi"))
    with organization_scope(desks.organization_id):
        now = await insights.today(desks.stage.clock.now(), NAIROBI)
    assert (now.conversations, now.incoming, now.people, now.new_people) == (1, 1, 1, 1)
    assert now.outgoing >= 1
    user = await desks.sit_down()
    await user.should_see("Ann Wanjiku")
    await user.should_see("Queues")
    await user.should_see("Publish your first event")


async def test_a_stopped_number_is_told_first_thing(desks: Desks) -> None:
    from store.models import ChannelAccount

    with organization_scope(desks.organization_id):
        await ChannelAccount.all().update(state="stopped", state_reason="the token was revoked")
    user = await desks.sit_down()
    await user.should_see("the token was revoked")


async def test_settings_are_kept_checked_and_audited(desks: Desks) -> None:
    user = await desks.sit_down("admin")
    await user.open("/settings")
    write(user, "name", "")
    user.find(marker="save-Profile").click()
    await user.should_see("Please fill this in", retries=20)
    write(user, "name", "Savanna Gatherings")
    user.find(marker="save-Profile").click()
    await until(lambda: user.notify.contains("Saved"))
    with organization_scope(desks.organization_id):
        assert (await Organization.get(id=desks.organization_id)).name == "Savanna Gatherings"
    (entry,) = await audited(desks, "organization.changed")
    assert entry.before["name"] == "Savanna Events"
    assert entry.after["name"] == "Savanna Gatherings"
    assert entry.actor_name == "Admin Person"


async def test_a_viewer_sees_settings_and_cannot_change_them(desks: Desks) -> None:
    user = await desks.sit_down("viewer")
    await user.open("/settings")
    await user.should_see("Savanna Events")
    await user.should_not_see(marker="save-Profile")


async def test_an_api_key_is_shown_once_works_and_can_be_revoked(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/api-keys")
    await user.should_see("No keys yet")
    user.find(marker="new-key").click()
    await user.should_see("New API key", retries=20)
    user.find(marker="make-key").click()
    await user.should_see("Give the key a name", retries=20)
    write(user, "key-name", "Website")
    value_of(user, "key-scopes").set_value(["events.view"])
    user.find(marker="make-key").click()
    await user.should_see(marker="key-secret", retries=20)
    secret = value_of(user, "key-secret").text
    who = await identify(desks.runtime, f"Bearer {secret}", ip="203.0.113.7")
    assert who.may("events.view")
    assert not who.may("events.edit")
    await user.open("/api-keys")
    await user.should_see("Website")
    await user.should_not_see(secret)


async def test_the_second_step_is_set_up_by_its_code_and_asked_for_afterwards(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/profile")
    user.find(marker="totp-begin").click()
    await user.should_see(marker="totp-secret", retries=20)
    totp = pyotp.TOTP(value_of(user, "totp-secret").text.replace(" ", ""))
    user.find(marker="totp-code").type("000000")
    user.find(marker="totp-confirm").click()
    await user.should_see("The code is wrong", retries=20)
    write(user, "totp-code", totp.at(desks.stage.clock.now()))
    user.find(marker="totp-confirm").click()
    await user.should_see("Keep these recovery codes", retries=20)
    again = desks.stranger()
    await again.open("/login")
    again.find(marker="email").type("owner@savanna.example")
    again.find(marker="password").type(PASSWORD)
    again.find(marker="sign-in").click()
    await again.should_see("six digits of your authenticator", retries=20)
    desks.stage.clock.move(timedelta(seconds=60))
    again.find(marker="code").type(totp.at(desks.stage.clock.now()))
    again.find(marker="sign-in").click()
    await again.should_see("Conversations today", retries=40)


async def test_the_audit_log_tells_who_changed_what(desks: Desks) -> None:
    user = await desks.sit_down()
    await user.open("/settings")
    write(user, "name", "Renamed")
    user.find(marker="save-Profile").click()
    await until(lambda: user.notify.contains("Saved"))
    await user.open("/audit")
    rows = table_rows(user)
    assert [(row["who"], row["action"]) for row in rows][:1] == [("Owner Person", "Organization changed")]
    assert "Savanna Events → Renamed" in rows[0]["change"]


def table_rows(user: User) -> list[dict[str, Any]]:
    return list(next(iter(user.find(kind=ui.table).elements)).rows)


# -- events ---------------------------------------------------------------------------------------


async def make_event(desks: Desks, *, seats: int = 3) -> tuple[Event, TicketType]:
    now = desks.stage.clock.now()
    with organization_scope(desks.organization_id):
        event = await Event.create(
            slug="market",
            title="Night Market",
            status=EventStatus.PUBLISHED,
            starts_at=now + timedelta(days=3),
            ends_at=now + timedelta(days=3, hours=5),
        )
        return event, await TicketType.create(event_id=event.id, name="Entry", capacity=seats)


async def give_ticket(desks: Desks, row: TicketType, name: str) -> Ticket:
    with organization_scope(desks.organization_id):
        contact = await Contact.create(name=name)
        who = service.Registrant(contact.id, desks.stage.account_id, name, "x@example.com")
        async with transaction():
            return await service.register(row.id, who, key=f"test:{name}", now=desks.stage.clock.now())


async def test_an_event_is_made_filled_and_published(desks: Desks) -> None:
    user = await desks.sit_down("event_manager")
    await user.open("/events/new")
    user.find(marker="save-EventForm").click()
    await user.should_see("Please fill this in", retries=20)
    write(user, "title", "Tech Mashinani")
    user.find(marker="save-EventForm").click()
    await until(lambda: "/edit" in user.back_history[-1])
    with organization_scope(desks.organization_id):
        event = await Event.get(slug="tech-mashinani")
    assert event.status is EventStatus.DRAFT
    await user.open(f"/events/{event.id}/edit")
    user.find(marker="add-type").click()
    await user.should_see(marker="capacity", retries=20)
    write(user, "capacity", "many")
    user.find(marker="save-type").click()
    await user.should_see("A number, please", retries=20)
    next(iter(each for each in user.find(marker="name").elements)).set_value("General")
    write(user, "capacity", "200")
    user.find(marker="save-type").click()
    await user.should_see("0 of 200 taken", retries=20)
    await user.open(f"/events/{event.id}/edit")
    user.find(marker="publish").click()
    await user.should_see("People find it in the chat and register", retries=20)
    with organization_scope(desks.organization_id):
        assert (await Event.get(id=event.id)).status is EventStatus.PUBLISHED
    assert {entry.action for entry in await audited(desks, "events.")} == {
        "events.event_created",
        "events.ticket_type_created",
        "events.event_changed",
    }


async def test_an_event_that_ends_before_it_starts_is_refused_in_words(desks: Desks) -> None:
    event, _ = await make_event(desks)
    user = await desks.sit_down("event_manager")
    await user.open(f"/events/{event.id}/edit")
    write(user, "ends_at", "2020-01-01T10:00")
    user.find(marker="save-EventForm").click()
    await until(lambda: user.notify.contains("It must end after it starts"))


async def test_a_ticket_comes_in_once(desks: Desks) -> None:
    event, row = await make_event(desks)
    ticket = await give_ticket(desks, row, "Halima Omondi")
    user = await desks.sit_down("event_manager")
    await user.open(f"/events/{event.id}/check-in")
    user.find(marker="ticket-code").type(ticket.code.lower())
    user.find(marker="let-in").click()
    await user.should_see("Halima Omondi", retries=20)
    user.find(marker="ticket-code").type(ticket.code)
    user.find(marker="let-in").click()
    await user.should_see("Came in before", retries=20)
    user.find(marker="ticket-code").type("XXXX-XXXX")
    user.find(marker="let-in").click()
    await user.should_see("Not admitted", retries=20)
    (entry,) = await audited(desks, "events.checked_in")
    assert entry.actor_name == "Event_Manager Person"


async def test_the_list_of_people_is_searched_sorted_and_paged_by_the_database(desks: Desks) -> None:
    event, row = await make_event(desks, seats=100)
    for number in range(30):
        await give_ticket(desks, row, f"Guest {number:02d}")
    user = await desks.sit_down("event_manager")
    await user.open(f"/events/{event.id}/people")
    table = next(iter(user.find(kind=ui.table).elements))
    assert len(table.rows) == 25
    assert table.pagination["rowsNumber"] == 30
    user.find(kind=ui.table).trigger(
        "request", {"pagination": {"page": 2, "rowsPerPage": 25, "sortBy": "name", "descending": False}}
    )
    await until(lambda: [each["name"] for each in table.rows] == [f"Guest {number:02d}" for number in range(25, 30)])
    user.find(marker="tickets-find").type("guest 07")
    await until(lambda: [each["name"] for each in table.rows] == ["Guest 07"])
    user.find(marker="tickets-export").click()
    response = await user.download.next()
    assert [line.split(",")[0] for line in response.content.decode("utf-8-sig").splitlines()] == ["Name", "Guest 07"]


async def test_the_palette_finds_pages_and_events_of_ones_own(desks: Desks) -> None:
    from admin_ui.scope import desk_of

    await make_event(desks)
    user = await desks.sit_down("viewer")
    assert user.client is not None
    desk = desk_of(user.client)
    with organization_scope(desks.organization_id):
        assert [hit.href for hit in await find(desk, "command")] == ["/"]
        assert [hit.title for hit in await find(desk, "night")] == ["Night Market"]
        assert await find(desk, "audit") == []


async def test_an_address_that_leads_nowhere_says_so(desks: Desks) -> None:
    user = await desks.sit_down()
    for path in ("/nowhere", "/events/not-an-id", "/events/0190a5b0-0000-7000-8000-000000000000"):
        answer = await user.http_client.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing here" in answer.text


async def test_the_shell_speaks_swahili(desks: Desks) -> None:
    user = await desks.sit_down()
    user.http_client.cookies.set("cn_locale", "sw")
    await user.open("/")
    await user.should_see("Kituo cha Amri")
    await user.should_see("Foleni")


# -- the demo -------------------------------------------------------------------------------------


async def test_the_demos_past_is_written_once(desks: Desks) -> None:
    stage = desks.stage
    names = (
        "phone_number_id",
        "waba_id",
        "app_id",
        "app_secret",
        "verify_token",
        "access_token",
        "display_phone_number",
    )
    organization = DemoOrganization(
        name="Savanna Events",
        slug="savanna",
        locale="en",
        skills=("events",),
        organization_id=str(stage.organization_id),
        account_id=str(stage.account_id),
        **dict.fromkeys(names, "x"),
    )
    first = await write_history(organization, now=stage.clock.now())
    with organization_scope(stage.organization_id):
        before = await insights.days(stage.clock.now(), NAIROBI)
    again = await write_history(organization, now=stage.clock.now() + timedelta(hours=1))
    assert [each.contact_id for each in first] == [each.contact_id for each in again]
    with organization_scope(stage.organization_id):
        assert await insights.days(stage.clock.now(), NAIROBI) == before
        assert sum(each.incoming for each in before) > 200
        assert all(each.incoming for each in before[4:-1])
        assert (await insights.health()).to_send == 0


async def test_the_first_answer_is_the_whole_page(desks: Desks) -> None:
    """The frame ends with the palette: who presses Ctrl+K at once meets it, and so does every other quick click."""
    user = await desks.sit_down()
    answers = {each.path: await user.http_client.get(each.path) for each in static_pages() if each.frame}
    whole = {path for path, answer in answers.items() if "cn-palette-foot" in answer.text}
    assert {path for path, answer in answers.items() if answer.status_code == 200} - whole == set()
    assert {"/", "/skills", "/webhooks", "/inbox", "/knowledge"} <= whole
