"""Why a model gave no answer. Never fatal: whoever asks goes on without."""

from __future__ import annotations

from bot.errors import ChatNationError

__all__ = ["LlmAway"]


class LlmAway(ChatNationError):
    """No model answered, or not in a usable way; the offline answer stands.

    `reason`: budget | time | resting (the breaker) | limited | down | refused | nonsense. The message holds no text of anyone.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
