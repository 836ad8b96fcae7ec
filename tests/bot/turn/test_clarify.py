"""Whether several possible starts are asked about, or the best is taken: the host's settings `turn.clarify_*`."""

from __future__ import annotations

import pytest

from bot.flows import Command, StartFlow
from bot.testing.stage import Stage
from tests.support.database import Database

CHOICE = "Which of these do you mean?"


async def said(text: str, commands: list[Command] | None = None, **settings: str) -> list[str]:
    named = {f"CHATNATION__TURN__{name.upper()}": value for name, value in settings.items()}
    async with Stage.open(skills=("assistant", "events"), settings=named) as stage:
        ann = stage.person("Ann")
        await ann.say("menu")
        return [each.text for each in await ann.say(text, commands=commands)]


@pytest.mark.parametrize(("margin", "asks"), [("1", True), ("0", False)])
async def test_the_margin_says_when_it_is_asked(database: Database, margin: str, asks: bool) -> None:
    assert (await said("two tickets please", clarify_margin=margin) == [CHOICE]) is asks


@pytest.mark.parametrize(("several", "asks"), [("true", True), ("false", False)])
async def test_several_wishes_are_asked_about_where_that_is_set(database: Database, several: str, asks: bool) -> None:
    both: list[Command] = [StartFlow("events:events_my_tickets"), StartFlow("assistant:assistant_privacy")]
    found = await said("my tickets, and what do you keep of me", both, clarify_several=several)
    assert (found == [CHOICE]) is asks
    assert len(found) == (1 if asks else 2)
