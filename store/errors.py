"""The base of the exception tree, drawn whole in `bot/errors.py`."""

from __future__ import annotations

__all__ = [
    "ChatNationError",
    "CrossOrganization",
    "EmbeddedServerError",
    "NotBound",
    "NotEnough",
    "Permanent",
    "Refused",
    "Retryable",
]


class ChatNationError(Exception):
    """Whatever ChatNation raises on purpose."""


class Retryable(ChatNationError):
    """The outside world failed; the row keeps its place and is tried again after `after_s` seconds."""

    def __init__(self, message: str, *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Permanent(ChatNationError):
    """Trying again cannot help: dead letter with the reason."""


class Refused(ChatNationError):
    """A rule says no: organization not bound, cross-organization, no permission, no credit."""


class NotBound(Refused):
    """An organization's row was asked for outside of any `organization_scope`."""


class CrossOrganization(Refused):
    """A row of one organization was about to be written in the scope of another."""


class NotEnough(Refused):
    """A wallet has fewer tokens than the work costs; both in milli-tokens. Over the API this is 402."""

    def __init__(self, required: int, available: int) -> None:
        super().__init__(f"{required} milli-tokens are required and {available} are available")
        self.required = required
        self.available = available


class EmbeddedServerError(ChatNationError):
    """The embedded PostgreSQL or NATS cannot start. The message is one line and says what to change."""
