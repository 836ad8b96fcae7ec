"""Why a gesture in the inbox is refused. Each message is a sentence that says what to do."""

from __future__ import annotations

from uuid import UUID

from bot.errors import Refused
from bot.policy import Reason

__all__ = ["CannotSend", "NoConversation", "NotValid"]

_WHY = {
    Reason.WINDOW_CLOSED: "the person's last message is more than 24 hours old: WhatsApp takes only an approved template now",
    Reason.OPTED_OUT: "this person asked for no more messages; they have to write first",
    Reason.NO_OPT_IN: "nobody recorded that this person wants messages: they have to write, or agree, first",
    Reason.ACCOUNT_PAUSED: "the WhatsApp number is paused; switch it on under Channels",
    Reason.ACCOUNT_DISCONNECTED: "the WhatsApp number is not connected; look at it under Channels",
    Reason.UNREACHABLE: "neither a number nor an id of this person is known",
}


class NoConversation(Refused):
    def __init__(self, conversation_id: UUID) -> None:
        super().__init__(f"there is no conversation {conversation_id}")


class NotValid(Refused):
    """`field` is what has to be mended."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class CannotSend(Refused):
    """The policy gate says no; `reason` is its word."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(_WHY[reason])
        self.reason = reason
