"""An organizer words a skill anew, talks with the draft, publishes it, and brings the old one back."""

from __future__ import annotations

import pytest
from nicegui import ui

from tests.admin_ui.desk import Desks

PATH = "domain.yml"


async def _version(desks: Desks) -> int | None:
    rows = await desks.stage.rows("SELECT max(number) AS n FROM skill_versions WHERE skill = 'assistant'")
    number: int | None = rows[0]["n"]
    return number


async def test_a_text_is_changed_tried_published_and_brought_back(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    await user.open(f"/skills/assistant?file={PATH}")
    await user.should_see(marker="editor", retries=40)
    [editor] = user.find(marker="editor").elements
    assert isinstance(editor, ui.codemirror)
    text = editor.value
    assert "What would you like to do?" in text
    editor.value = text.replace("What would you like to do?", "How may we help at Savanna?")
    await user.should_see("1 file not published", retries=40)
    user.find(marker="simulator-text").type("hi").trigger("keydown.enter")
    await user.should_see("How may we help at Savanna?", retries=40)
    user.find(marker="publish").click()
    await user.should_see("Publish this draft", retries=20)
    user.find(marker="publish-now").click()
    await user.should_see("Version 1 is live", retries=40)
    assert await _version(desks) == 1
    user.find("Versions").click()
    await user.should_see(marker="as-shipped", retries=40)
    user.find(marker="as-shipped").click()
    await user.should_see("Bring back what was shipped?", retries=20)
    user.find(marker="confirm").click()
    await user.should_see("Version 2 is live and says the same as what was shipped.", retries=40)
    await user.should_see("Version 2, brings back what was shipped", retries=40)
    published = await desks.stage.rows(
        "SELECT files = '{}'::jsonb AS shipped FROM skill_versions WHERE skill = 'assistant' ORDER BY number"
    )
    assert [row["shipped"] for row in published] == [False, True]
    await user.should_see("1 file not published", retries=40)  # the draft stays


async def test_a_mistake_is_shown_with_its_place_and_is_not_published(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    await user.open(f"/skills/assistant?file={PATH}")
    await user.should_see(marker="editor", retries=40)
    [editor] = user.find(marker="editor").elements
    assert isinstance(editor, ui.codemirror)
    editor.value = editor.value + "\nslots:\n  broken: [\n"
    await user.should_see("to mend", retries=40)
    await user.should_see("domain.yml:", retries=10)
    user.find(marker="publish").click()
    await user.should_see("There are mistakes to mend first.", retries=20)
    assert await _version(desks) is None


async def test_of_two_who_write_at_once_the_second_is_asked(desks: Desks) -> None:
    first, second = await desks.sit_down("owner"), await desks.sit_down("admin")
    for user in (first, second):
        await user.open(f"/skills/assistant?file={PATH}")
    for user, word in ((first, "Savanna"), (second, "Pwani")):
        await user.should_see(marker="editor", retries=40)
        [editor] = user.find(marker="editor").elements
        assert isinstance(editor, ui.codemirror)
        with user:
            editor.value = editor.value.replace("What would you like to do?", f"How may we help at {word}?")
        await user.should_see("1 file not published" if word == "Savanna" else "Somebody else wrote too", retries=40)
    second.find(marker="keep-mine").click()
    await second.should_see("1 file not published", retries=40)


async def test_a_viewer_sees_the_skills_and_edits_nothing(desks: Desks) -> None:
    user = await desks.sit_down("viewer")
    await user.open("/skills")
    await user.should_see("Skills")
    await user.should_not_see("Edit")
    assert (await user.http_client.get("/skills/assistant")).status_code == 403


async def test_a_skill_is_switched_off_and_on(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    await user.open("/skills")
    user.find(marker="switch-events").click()

    async def is_on() -> bool:
        return bool((await desks.stage.rows("SELECT enabled FROM skill_installs WHERE skill = 'events'"))[0]["enabled"])

    await user.should_see("Events & tickets is off", retries=40)
    assert not await is_on()
    user.find(marker="switch-events").click()
    await user.should_see("Events & tickets is on", retries=40)
    assert await is_on()


@pytest.mark.slow  # a server of its own for the cases
async def test_the_cases_of_a_skill_are_listed_and_played_on_the_draft(desks: Desks) -> None:
    user = await desks.sit_down("owner")
    await user.open(f"/skills/assistant?file={PATH}")
    await user.should_see(marker="editor", retries=40)
    [editor] = user.find(marker="editor").elements
    assert isinstance(editor, ui.codemirror)
    editor.value = editor.value.replace("a bot, not a human", "a parrot, not a human")
    await user.should_see("1 file not published", retries=40)
    user.find("Tests").click()
    await user.should_see("Who answers here is told truthfully", retries=40)
    user.find(marker="play-who-8").click()
    await user.should_see(marker="cases-stop", retries=40)
    await user.should_see("1 failed", retries=1200)
    await user.should_see("tests/who.yml:12", retries=10)  # the step, not the case
    await user.should_see("a parrot, not a human", retries=10)
    assert await _version(desks) is None


async def test_conversations_are_counted_where_they_stand_and_what_they_cost_is_told(desks: Desks) -> None:
    for name in ("Ann", "Bob"):
        await desks.stage.person(name).say("privacy")
        await desks.stage.person(name).say("delete my data")  # which stops at its action: this process has none
    user = await desks.sit_down("owner")
    await user.open("/skills/assistant?file=flows/consent.yml")
    user.find("Diagram").click()
    await user.should_see(marker="standing", retries=60)
    drawn = [each.content for each in user.find(kind=ui.mermaid).elements]
    assert any('(("2"))' in each for each in drawn)
    user.find("Cost").click()
    await user.should_see("of the newest 2 conversations", retries=40)
    await user.should_see("Once through the draft")
