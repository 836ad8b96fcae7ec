"""Settings of section `hooks`: CHATNATION__HOOKS__ALLOW_PRIVATE=true."""

from __future__ import annotations

from pydantic import Field

from bot.settings import Settings

__all__ = ["HookSettings"]

HOUR = 3600.0


class HookSettings(Settings):
    allow_private: bool = False
    """For development: http, and addresses of this machine and of private networks. Elsewhere it lets organizations reach what only you should."""
    timeout_s: float = Field(15.0, gt=0, le=60)
    """From the name's look-up to the end of the answer."""
    at_once: int = Field(4, ge=1, le=32)
    """Tries at a time of one endpoint, while it does not fail."""
    drain_s: float = Field(20.0, gt=0, le=300)
    """One job sends for so long before others have its place."""
    retries_s: tuple[float, ...] = (
        5,
        60,
        300,
        0.5 * HOUR,
        2 * HOUR,
        5 * HOUR,
        10 * HOUR,
        14 * HOUR,
        20 * HOUR,
        20 * HOUR,
    )
    """Pauses between the tries of one event, each spread by a fifth: eleven tries in three days."""
    hold_s: float = Field(10.0, gt=0)
    """From the third failure in a row on the whole endpoint pauses so long, then twice as long, up to an hour."""
    off_after_failures: int = Field(20, ge=1)
    off_after_h: float = Field(72.0, ge=0)
    """An endpoint that failed so often and for so long, without one success, is taken for broken: nothing is sent until somebody turns it on."""
    old_secret_h: float = Field(24.0, gt=0)
    """After a rotation the old secret signs beside the new one for so long."""
