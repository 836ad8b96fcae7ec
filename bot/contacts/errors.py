"""What verbs on contacts say no to."""

from __future__ import annotations

from bot.errors import Refused

__all__ = ["NoSuchContact", "NotPossible"]


class NotPossible(Refused):
    """What was asked for does not fit; the message says how to mend it, `field` names what it is about."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NoSuchContact(Refused):
    """Not in this organization."""

    def __init__(self) -> None:
        super().__init__("there is no such contact; it may have been merged or removed")
