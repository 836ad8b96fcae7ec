"""People who want to hear from an organization, and messages that wait to be sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from bot.demo.people import DemoOrganization
from bot.messages import Text
from bot.ports import Lane
from bot.runtime import Runtime
from bot.turn.inbox import Arrival, Delivered, GroupCommit
from bot.unit import open_unit
from store import db
from store.tenancy import organization_scope

__all__ = ["Audience"]

AT_ONCE = 500


class Audience:
    """Args:
    first: Tells the people of several audiences apart.
    """

    def __init__(self, runtime: Runtime, organization: DemoOrganization, *, people: int, first: int = 0) -> None:
        self._runtime = runtime
        self._organization = organization
        self._people = people
        self._first = first
        self._contacts: Sequence[UUID] = ()

    async def gather(self) -> None:
        """Everybody writes once, which opens the window of 24 hours, and opts in."""
        accept = GroupCommit(_no_hint, sealed=True)
        for start in range(0, self._people, AT_ONCE):
            arrivals = [self._arrival(n) for n in range(start, min(start + AT_ONCE, self._people))]
            await accept.commit_or_raise(Delivered(None, None, 0, arrivals=arrivals))
        with organization_scope(self._organization.id):
            await db.execute("DELETE FROM inbox")
            await db.execute("UPDATE sessions SET last_user_at = now()")
            await db.execute("UPDATE contacts SET opted_in_at = now()")
            rows = await db.fetch("SELECT contact_id FROM sessions ORDER BY id LIMIT $1", self._people)
        self._contacts = [row["contact_id"] for row in rows]

    async def announce(self, text: str) -> None:
        """One message to everybody waits in the outbox."""
        key = uuid4().hex
        account_id = UUID(self._organization.account_id)
        for start in range(0, len(self._contacts), AT_ONCE):
            async with open_unit(self._runtime, self._organization.id, actor="benchmark") as unit:
                for contact_id in self._contacts[start : start + AT_ONCE]:
                    unit.send(contact_id, account_id, Text(text=text), key=f"{key}:{contact_id}", lane=Lane.BULK)

    def _arrival(self, n: int) -> Arrival:
        return Arrival(
            organization_id=self._organization.id,
            account_id=UUID(self._organization.account_id),
            portfolio="",
            phone=f"+2547{self._first + n:08d}",
            user_id="",
            name="Amina Otieno",
            external_id=f"wamid.{uuid4()}",
            part=Text(text="hi"),
            reply_to=None,
            at=datetime.now(UTC),
        )


async def _no_hint(organization_id: UUID, session_id: UUID, inbox_id: UUID) -> None:
    return None
