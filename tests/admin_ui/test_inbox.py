"""The inbox as people of an organization use it, with a person on the other side of the chat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nicegui.testing import User

from bot.messages import Text
from bot.testing.stage import Person
from tests.admin_ui.desk import Desks, until

PATIENCE = 30


async def asks_for_a_person(desks: Desks) -> Person:
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("language")
    await ann.say("talk to a person")
    return ann


async def open_inbox(user: User, ann: Person) -> None:
    await user.open(f"/inbox?c={ann.session_id}")
    await user.should_see(marker="take-over", retries=PATIENCE)


def texts(ann: Person) -> list[str]:
    return [each.text for each in ann.heard]


async def settled(desks: Desks, holds: Any) -> None:
    for _ in range(PATIENCE):
        await desks.stage.settle()
        if holds():
            return
        await until(lambda: True)
    assert holds()


async def test_the_list_shows_who_wrote_and_who_waits(desks: Desks) -> None:
    user = await desks.sit_down("event_manager")
    await user.open("/inbox")
    await user.should_see("When somebody writes to your number", retries=PATIENCE)
    ann = await asks_for_a_person(desks)
    await user.open("/inbox")
    await user.should_see("Ann Wanjiku", retries=PATIENCE)
    await user.should_see("wants a person")
    await user.should_see("No conversation is open")
    await user.open(f"/inbox?c={ann.session_id}&view=waiting")
    await user.should_see(marker="summary", retries=PATIENCE)
    await user.should_see("“talk to a person”")
    await user.should_see("wants “language”")


async def test_a_message_appears_by_itself(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    user = await desks.sit_down("admin")
    await open_inbox(user, ann)
    await desks.stage.receive(ann, Text(text="is there parking near the gate?"))
    await user.should_see("is there parking near the gate?", retries=PATIENCE)


async def test_a_message_replaces_nothing_that_somebody_is_using(desks: Desks) -> None:
    """A button pressed, or a label begun, in the moment a message comes."""
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    user = await desks.sit_down("admin")
    await open_inbox(user, ann)
    used = {marker: user.find(marker=marker).elements for marker in ("take-over", "close", "labels", "assignee")}
    await desks.stage.receive(ann, Text(text="language"))
    await user.should_see("waits for an answer", retries=PATIENCE)
    assert {marker: user.find(marker=marker).elements for marker in used} == used
    user.find(marker="close").click()
    await user.should_see(marker="reopen", retries=PATIENCE)


async def test_taken_over_answered_and_given_back(desks: Desks) -> None:
    ann = await asks_for_a_person(desks)
    user = await desks.sit_down("event_manager")
    await open_inbox(user, ann)
    user.find(marker="take-over").click()
    await user.should_see("you answer", retries=PATIENCE)
    await settled(desks, lambda: any("is with you now" in each for each in texts(ann)))
    user.find(marker="composer").type("Good morning Ann")
    user.find(marker="send").click()
    await settled(desks, lambda: "Good morning Ann" in texts(ann))
    assert await ann.say("I lost my ticket") == []
    await user.should_see("I lost my ticket", retries=PATIENCE)
    user.find(marker="mode-note").click()
    await user.should_see("Save note", retries=PATIENCE)
    user.find(marker="composer").type("Her ticket is under another name")
    user.find(marker="send").click()
    await user.should_see("Her ticket is under another name", retries=PATIENCE)
    user.find(marker="give-back").click()
    await user.should_see(marker="take-over", retries=PATIENCE)
    await settled(desks, lambda: any("assistant answers again" in each for each in texts(ann)))
    assert not any("another name" in each for each in texts(ann))


async def test_canned_replies_come_by_their_short_name(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    user = await desks.sit_down("event_manager")
    await open_inbox(user, ann)
    await user.should_see(marker="canned", retries=PATIENCE)
    user.find(marker="canned").click()
    await user.should_see("None yet", retries=PATIENCE)
    user.find(marker="canned-name").type("no spaces, please")
    user.find(marker="canned-text").type("Dear {name}, parking is free.")
    user.find(marker="save-canned").click()
    await user.should_see("without spaces", retries=PATIENCE)
    user.find(marker="canned-name").clear().type("parking")
    user.find(marker="save-canned").click()
    await until(lambda: user.notify.contains("Saved"))
    user.find(marker="composer").type("/par")
    await user.should_see("/parking", retries=PATIENCE)
    user.find(marker="send").click()
    await until(lambda: next(iter(user.find(marker="composer").elements)).value == "Dear Ann, parking is free.")


async def test_buttons_are_checked_while_one_types(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    user = await desks.sit_down("event_manager")
    await open_inbox(user, ann)
    await user.should_see(marker="choices", retries=PATIENCE)
    user.find(marker="choices").click()
    await user.should_see(marker="choices-text", retries=PATIENCE)
    user.find(marker="choices-text").type("Which day?")
    user.find(marker="option-1").type("A title that is far too long for it")
    await user.should_see("35 / 20", retries=PATIENCE)
    user.find(marker="option-1").clear().type("Friday")
    user.find(marker="option-2").type("Saturday")
    user.find(marker="send-choices").click()
    await settled(desks, lambda: ann.heard[-1].titles == ("Friday", "Saturday"))
    await ann.tap("Saturday")
    await user.should_see("Saturday", retries=PATIENCE)


async def test_after_a_day_the_composer_offers_templates(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    await desks.stage.move(timedelta(hours=25))
    user = await desks.sit_down("event_manager")
    await open_inbox(user, ann)
    await user.should_see(marker="window-closed")
    await user.should_see("24 hours are over: templates only")
    await user.should_not_see(marker="composer")
    user.find(marker="template").click()
    await user.should_see("No approved template", retries=PATIENCE)


async def test_files_are_for_members_of_the_organization_only(desks: Desks) -> None:
    ann = desks.stage.person("Ann Wanjiku")
    await ann.say("hi")
    user = await desks.sit_down("viewer")
    assert (await user.http_client.get(f"/inbox/file/{ann.session_id}")).status_code == 404
    assert (await desks.stranger().http_client.get(f"/inbox/file/{ann.session_id}")).status_code == 303
    assert (await user.http_client.get("/inbox")).status_code == 403
