"""One inbox row that is being answered, and all that is known of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.accounts import OrganizationProfile
from bot.flows import (
    ActionResult,
    Compiled,
    SessionRules,
    SessionStart,
    View,
    session_rules,
)
from bot.llm.budget import Budget
from bot.messages import Choice, Inbound, Text
from bot.turn.lease import Claim, Head
from bot.turn.places import Place
from bot.turn.tongue import Tongue
from bot.understand import Understanding
from bot.unit import Unit
from store.crypto import OrganizationKeys

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["MAX_TEXT_CHARS", "RowInHand"]

# The longest text that WhatsApp carries. A longer one was not written by a person; reading it could hold up everybody else.
MAX_TEXT_CHARS = 4096
WITHOUT_MODEL_S = 12.0  # for a transcriber of our own


@dataclass(slots=True)
class RowInHand:
    """The claim's `state` and `revision` move on with each commit."""

    runtime: Runtime
    held: Claim
    head: Head
    keys: OrganizationKeys
    profile: OrganizationProfile
    compiled: Compiled
    now: datetime
    place: Place
    message: Inbound | None = None
    heard: Understanding | None = None  # of this row's message
    answers: dict[str, ActionResult] = field(default_factory=dict)  # of actions whose segment was rolled back
    is_owed: bool = False  # the row is still to be understood: other things come first
    asked: Budget | None = None
    asides: list[Callable[[Unit], Awaitable[None]]] = field(default_factory=list)  # rows that go with the next commit
    tongue: Tongue = field(default_factory=Tongue)
    spoken_now: str | None = None  # the language of this message, when it is not the person's
    says_change: bool = False
    spoke_first_at: datetime | None = None  # when a flow that is still open was begun from outside

    def budget(self) -> Budget:
        """Of this turn, for all that it asks online."""
        if self.asked is None:
            organization_id, inbox_id, llm = self.held.organization_id, self.head.inbox_id, self.runtime.llm
            self.asked = (
                llm.budget(organization_id, inbox_id)
                if llm is not None
                else Budget(organization_id, inbox_id, calls=0, tokens=0, until=time.monotonic() + WITHOUT_MODEL_S)
            )
        return self.asked

    def text(self) -> str:
        message = self.message
        return message.text if isinstance(message, Text) else message.title if isinstance(message, Choice) else ""

    def is_new_session(self) -> bool:
        if self.head.kind != "message":
            return False
        expires_after = self.session_rules().expires_after
        return self.held.last_user_at is None or (expires_after is not None and self.silence() > expires_after)

    def session_start(self) -> SessionStart:
        rules = self.session_rules()
        keep = not rules.is_own and self.silence() <= timedelta(hours=self.runtime.turn.unfinished_kept_h)
        return SessionStart(carry_over=rules.carry_over, keep=keep)

    def session_rules(self) -> SessionRules:
        return session_rules(self.compiled, default=timedelta(hours=self.runtime.turn.session_expiry_h))

    def silence(self) -> timedelta:
        """Between this message and the person's last one."""
        last = self.held.last_user_at
        return self.head.provider_at - last if last is not None and self.head.kind == "message" else timedelta(0)

    def unanswered(self) -> timedelta:
        """The same, or since we spoke first."""
        silence = self.silence()
        if self.spoke_first_at is None or self.head.kind != "message":
            return silence
        return min(silence, max(self.head.provider_at - self.spoke_first_at, timedelta(0)))

    def locale(self) -> str:
        """The message's own language, else the person's, else the organization's."""
        return self.spoken_now or self.held.contact_locale or self.profile.info.locale

    def view(self) -> View:
        return View(
            now=self.now,
            locale=self.locale(),
            seed=self.head.inbox_id.int & 0xFFFF_FFFF,
            contact={"name": self.held.contact_name, "id": str(self.held.contact_id)},
            organization={
                "name": self.profile.info.name,
                "id": str(self.profile.info.id),
                "reach": self.profile.reach.text(self.locale()),
                "people": self.profile.has_people,
            },
            revision=self.held.revision + 1,
            trace=self.runtime.watch is not None,
            clarify_starts=self.runtime.turn.clarify_several,
        )
