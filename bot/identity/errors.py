"""Why somebody is not let in. Each message is a sentence for the person and says what to do; `reason` is stable, for texts in other languages."""

from __future__ import annotations

import math
from datetime import datetime

from bot.errors import Refused

__all__ = [
    "LinkSpent",
    "NeedsSecondFactor",
    "NotAMember",
    "NotPossible",
    "OrganizationSuspended",
    "SecondFactorRequired",
    "SessionEnded",
    "TooManyTries",
    "Unauthenticated",
    "WeakPassword",
    "WrongCode",
    "WrongCredentials",
]


class Unauthenticated(Refused):
    """We do not know who asks."""

    reason = "unauthenticated"

    def __init__(
        self, message: str = "give an access token or an API key in the header Authorization: Bearer ..."
    ) -> None:
        super().__init__(message)


class WrongCredentials(Unauthenticated):
    """The e-mail address or the password; which of the two is not said."""

    reason = "wrong_credentials"

    def __init__(
        self, message: str = "the e-mail address or the password is wrong; try again, or reset the password"
    ) -> None:
        super().__init__(message)


class WrongCode(WrongCredentials):
    reason = "wrong_code"

    def __init__(self) -> None:
        super().__init__("the code is wrong or was used already; wait for the next one, or use a recovery code")


class TooManyTries(Unauthenticated):
    """Nothing was looked at. Again after `after_s` seconds."""

    reason = "too_many_tries"

    def __init__(self, after_s: float) -> None:
        super().__init__(
            f"too many wrong tries; wait {waiting(after_s)} and try again, or reset the password to get in at once"
        )
        self.after_s = after_s


class NeedsSecondFactor(Unauthenticated):
    """The password is right; call again with `code`."""

    reason = "needs_second_factor"

    def __init__(self) -> None:
        super().__init__("type the six digits of your authenticator app, or a recovery code")


class SessionEnded(Unauthenticated):
    reason = "session_ended"

    def __init__(self, message: str = "you are signed out; sign in again") -> None:
        super().__init__(message)


class SecondFactorRequired(Unauthenticated):
    """Signed in, but not into this organization yet. `is_set_up`: a code is missing; else an authenticator app must be set up first."""

    reason = "second_factor_required"

    def __init__(self, *, is_set_up: bool) -> None:
        super().__init__(
            "confirm the second step of your sign-in"
            if is_set_up
            else "this organization asks for a second step at sign-in; set up an authenticator app in your security settings"
        )
        self.is_set_up = is_set_up


class NotAMember(Refused):
    reason = "not_a_member"

    def __init__(
        self, message: str = "you are not a member of this organization; ask one of its administrators"
    ) -> None:
        super().__init__(message)


class OrganizationSuspended(NotAMember):
    """By the platform's people, with their reason."""

    reason = "organization_suspended"

    def __init__(self, why: str = "", until: datetime | None = None) -> None:
        till = f" until {until:%d %b %Y, %H:%M} UTC" if until else ""
        because = f": {why}" if why else ""
        super().__init__(f"this organization is suspended{till}{because}; write to the people who run the platform")
        self.why = why
        self.until = until


class WeakPassword(Refused):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LinkSpent(Refused):
    """A link of an e-mail that is used, expired, withdrawn or not ours. `reason` is one of these."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotPossible(Refused):
    """A rule of identity says no; `field` names what was given, if it was one thing."""

    def __init__(self, reason: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field


def waiting(seconds: float) -> str:
    """`40 seconds`, `3 minutes`."""
    whole = max(1, math.ceil(seconds))
    if whole < 90:
        return f"{whole} second{'s' if whole > 1 else ''}"
    minutes = (whole + 59) // 60
    return f"{minutes} minutes"
