"""What one turn may still ask of models: calls, tokens, time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from bot.llm.errors import LlmAway

__all__ = ["Budget"]


@dataclass(slots=True)
class Budget:
    """Of one turn, or of one task. `until` by the monotonic clock. `inbox_id` ties what is spent to the message."""

    organization_id: UUID
    inbox_id: UUID | None
    calls: int
    tokens: int
    until: float

    @property
    def left_s(self) -> float:
        return self.until - time.monotonic()

    def take_call(self, tokens: int) -> None:
        """
        Raises:
            LlmAway: there is no call, no time or not so many tokens left.
        """
        if self.calls < 1:
            raise LlmAway("budget", "no call left in this turn")
        if tokens > self.tokens:
            raise LlmAway("budget", f"about {tokens} tokens are needed, {self.tokens} are left in this turn")
        if self.left_s <= 0:
            raise LlmAway("time", "no time left in this turn")
        self.calls -= 1

    def spend(self, tokens: int) -> None:
        self.tokens -= tokens
