"""The one gate before anything leaves. Pure: facts in, allowed or the reason why not.

WhatsApp's rules (contract sections 8 and 9) and the person's own word; what a message costs joins them with the wallet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.messages import Outbound, Reaction, Template
from bot.ports import Lane

__all__ = ["ALLOWED", "Denied", "Facts", "Reason", "decide", "window_closes_at"]

WINDOW = timedelta(hours=24)
# Meta's clock and ours differ, and a message on its way ages: the window counts as closed a little early.
WINDOW_MARGIN = timedelta(seconds=90)


class Reason(StrEnum):
    OPTED_OUT = "opted_out"  # the person said STOP and has not written since
    NO_OPT_IN = "no_opt_in"  # business-initiated, and nobody recorded that the person wants it
    WINDOW_CLOSED = "window_closed"  # free-form more than 24 hours after the person's last message
    ACCOUNT_PAUSED = "account_paused"
    ACCOUNT_DISCONNECTED = "account_disconnected"
    UNREACHABLE = "unreachable"  # neither a number nor an id to send to


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate looks at. Times are aware UTC."""

    lane: Lane
    part: Outbound
    now: datetime
    last_user_at: datetime | None
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    account_state: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Denied:
    reason: Reason


ALLOWED = None


def decide(facts: Facts) -> Denied | None:
    """None (`ALLOWED`) or the first reason that stands against it. A reply to what the person wrote passes an opt-out (decision 28)."""
    if not facts.reachable:
        return Denied(Reason.UNREACHABLE)
    if facts.account_state != "connected":
        return Denied(Reason.ACCOUNT_PAUSED if facts.account_state == "paused" else Reason.ACCOUNT_DISCONNECTED)
    if facts.lane is Lane.BULK:
        if facts.opted_out_at is not None:
            return Denied(Reason.OPTED_OUT)
        if facts.opted_in_at is None:
            return Denied(Reason.NO_OPT_IN)
    if not isinstance(facts.part, Template | Reaction) and not _window_is_open(facts):
        return Denied(Reason.WINDOW_CLOSED)
    return ALLOWED


def window_closes_at(last_user_at: datetime | None) -> datetime | None:
    """Until then free-form messages may go; None: the person never wrote."""
    return None if last_user_at is None else last_user_at + WINDOW - WINDOW_MARGIN


def _window_is_open(facts: Facts) -> bool:
    closes_at = window_closes_at(facts.last_user_at)
    return closes_at is not None and facts.now < closes_at
