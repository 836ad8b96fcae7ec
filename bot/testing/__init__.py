"""Talking to a skill in tests: the real turn pipeline and database, with fakes only at the ports.

    async with Stage.open(skills=("assistant", "events")) as stage:      # the store is connected, see `Stage.open`
        ann = stage.person("Ann Njeri")
        await ann.say("hi")
        assert "Ann" in ann.heard[-1].text
        await ann.tap("Upcoming events")

`tests/*.yml` of a skill hold the same as data (`bot.testing.cases`, docs in flows.md section 12 with the keys of decision 26).
"""

from __future__ import annotations

from bot.testing.fakes import Received, SettableClock
from bot.testing.stage import Person, Stage, TurnLog, found_organization

__all__ = ["Person", "Received", "SettableClock", "Stage", "TurnLog", "found_organization"]
