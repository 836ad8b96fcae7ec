"""What a skill's `demo.py` answers about announcements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

__all__ = ["Announced", "Progress"]

SENT = ("accepted", "sent", "delivered", "read", "played")


@dataclass(frozen=True, slots=True)
class Announced:
    """An announcement was noted. `about` says whom it concerns (`with a ticket of ...`), `people` how many that are now."""

    announcement_id: UUID
    about: str
    people: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one is. `queued`: messages made so far; `statuses` counts them, `refusals` those that did not go, by reason."""

    announcement_id: UUID
    about: str
    text: str
    at: datetime
    queued: int
    finished: bool
    statuses: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        return sum(self.statuses.get(each, 0) for each in SENT)

    @property
    def on_the_way(self) -> int:
        return self.queued - self.sent - sum(self.refusals.values())

    @property
    def is_settled(self) -> bool:
        return self.finished and self.on_the_way <= 0

    @property
    def counts(self) -> str:
        """`12 queued: 9 sent, 1 on the way, 2 not sent (1 opted out, 1 no opt in)`."""
        parts = [f"{self.sent} sent"]
        if self.on_the_way > 0:
            parts.append(f"{self.on_the_way} on the way")
        if self.refusals:
            reasons = ", ".join(f"{n} {(reason or 'failed').replace('_', ' ')}" for reason, n in self.refusals.items())
            parts.append(f"{sum(self.refusals.values())} not sent ({reasons})")
        return f"{self.queued} queued{'' if self.finished else ' so far'}: {', '.join(parts)}"
