"""The local action of a measured turn: one row written."""

from __future__ import annotations

from typing import ClassVar

from bot.actions import SkillAction, Turn
from store.db import execute
from store.ids import uuid7

__all__ = ["Add"]


class Add(SkillAction):
    name: ClassVar[str] = "tally_add"

    async def perform(self, turn: Turn) -> None:
        number = turn.slot("tally_number", float)
        await execute(
            "INSERT INTO consents (id, organization_id, contact_id, purpose, state, source, wording, at)"
            " VALUES ($1, $2, $3, 'tally', 'granted', 'benchmark', $4, $5)",
            uuid7(),
            turn.organization.id,
            turn.contact.id,
            str(number),
            turn.now,
        )
        turn.set("tally_sum", turn.get("tally_sum", 0) + number)
