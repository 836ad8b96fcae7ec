"""Two organizations and their people, signing in for real: the verbs, the database, a clock that is set."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from bot.identity.access import SignedIn, principal_of_session, sign_in
from bot.identity.invitations import invite
from bot.identity.memory import remembered
from bot.identity.principal import Principal
from bot.ports import Letter
from bot.runtime import Runtime
from bot.testing import Stage
from bot.testing.fakes import Letterbox
from bot.testing.people import enrol
from store.db import fetch
from store.tenancy import unscoped

__all__ = ["IP", "PASSWORD", "Office", "raised", "rows", "token_of"]

PASSWORD = "giraffe under seven clouds"
IP = "203.0.113.9"


@dataclass
class Office:
    stage: Stage
    other_id: UUID

    @property
    def runtime(self) -> Runtime:
        return self.stage.runtime

    @property
    def organization_id(self) -> UUID:
        return self.stage.organization_id

    async def enrol(self, email: str, role: str = "owner", **more: Any) -> UUID:
        return await enrol(
            self.runtime, more.pop("organization_id", self.organization_id), email, role, password=PASSWORD, **more
        )

    async def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> SignedIn:
        more = {"ip": IP, "user_agent": "Firefox", **more}
        return await sign_in(self.runtime, email, password, **more)

    async def who(self, signed_in: SignedIn | UUID, organization_id: UUID | None = None) -> Principal:
        session_id = signed_in if isinstance(signed_in, UUID) else signed_in.session_id
        return await principal_of_session(self.runtime, session_id, organization_id or self.organization_id)

    async def principal(self, email: str, role: str = "owner", **more: Any) -> Principal:
        """Enrolled, signed in, in the first organization."""
        organization_id = more.get("organization_id", self.organization_id)
        await self.enrol(email, role, **more)
        return await self.who(await self.sign_in(email), organization_id)

    @property
    def letters(self) -> list[Letter]:
        box = self.runtime.notifier
        assert isinstance(box, Letterbox)
        return box.letters

    async def letter(self, count: int = 1) -> Letter:
        """The newest, once `count` have come."""
        for _ in range(500):
            if len(self.letters) >= count:
                return self.letters[-1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.letters)} letters, expected {count}")

    async def invited(self, by: Principal, email: str, role: str = "viewer", **more: Any) -> str:
        """The token of an invitation that was mailed."""
        await invite(self.runtime, by, email, role, **more)
        return token_of(self.letters[-1])

    def later(self, **by: float) -> None:
        """The clock moves, and this process has forgotten what it remembered for seconds."""
        self.stage.clock.move(timedelta(**by))
        remembered.forget(lambda _: True)


def token_of(letter: Letter) -> str:
    """As somebody copies it from the text."""
    found = re.search(r"https?://\S+\?token=(\S+)", letter.text)
    assert found is not None, letter.text
    return found.group(1)


async def rows(sql: str, *values: Any) -> list[Any]:
    """Behind row level security."""
    with unscoped("a test looks"):
        return await fetch(sql, *values)


async def raised(kind: type[BaseException], work: Awaitable[Any]) -> Any:
    """The error of this kind that `work` ends with."""
    try:
        await work
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, expected {kind.__name__}")
