"""The menu is what the organization has switched on."""

from __future__ import annotations

from bot.testing import Stage
from tests.support.database import Database


async def test_a_skill_that_is_off_is_not_offered(database: Database) -> None:
    async with Stage.open(skills=("assistant",)) as stage:
        ann = stage.person("Ann")
        [answer] = await ann.say("menu")
        assert answer.options == ()
        assert "nothing on offer" in answer.text
        [answer] = await ann.say("hi")
        assert answer.options == ()


async def test_names_with_odd_spacing_are_greeted_neatly(stage: Stage) -> None:
    [answer] = await stage.person("  Ann \n Njeri ").say("hi")
    assert answer.text.startswith("Hello Ann Njeri!")


async def test_the_language_is_the_contacts_and_nobody_elses(stage: Stage) -> None:
    ann, bob = stage.person("Ann"), stage.person("Bob")
    await ann.say("kiswahili")
    [to_ann], [to_bob] = await ann.say("hi"), await bob.say("hi")
    assert to_ann.text.startswith("Habari Ann")
    assert to_bob.text.startswith("Hello Bob")


async def test_a_first_message_that_nobody_understands_is_greeted(stage: Stage) -> None:
    ann = stage.person("Ann")
    [first] = await ann.say("qwertz asdf")
    assert first.text.startswith("Hello Ann!")
    [second] = await ann.say("qwertz asdf")
    assert not second.text.startswith("Hello Ann!")
