"""What Meta's error codes mean and what each demands. The codes are data: `errors.json` beside this file.

Decided by code, never by title, text or HTTP status; the same code may come as the answer to a request or later in
`statuses[].errors`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

__all__ = ["ACTIONS", "CODES", "MEDIA_UNUSABLE", "Action", "ErrorClass", "ErrorCode", "Stops", "classify", "meaning"]


class ErrorClass(StrEnum):
    AUTH = "auth"
    PERMISSION = "permission"
    INTEGRITY = "integrity"
    THROTTLE_API = "throttle_api"  # management calls only; messages go on
    THROTTLE_NUMBER = "throttle_number"
    THROTTLE_PAIR = "throttle_pair"  # this recipient only
    THROTTLE_SPAM = "throttle_spam"
    TRANSIENT = "transient"
    WINDOW = "window"  # more than 24 hours since the person wrote
    USER_WAIT = "user_wait"
    USER_NEVER = "user_never"
    RECIPIENT = "recipient"
    PAYLOAD = "payload"  # our fault or the author's
    TEMPLATE = "template"
    TEMPLATE_SYNC = "template_sync"  # a fresh approval is not everywhere at once
    ACCOUNT = "account"
    INBOUND = "inbound"  # about something the person sent
    UNKNOWN = "unknown"


class Stops(StrEnum):
    """Whom an error stops."""

    MESSAGE = "message"  # this message only
    RECIPIENT = "recipient"  # the messages to this person wait behind it
    RECIPIENT_MARKETING = "recipient_marketing"
    MARKETING = "marketing"  # all marketing from the number
    TEMPLATE = "template"  # everything that uses the template or form
    KIND = "kind"  # this kind of call
    MANAGEMENT = "management"  # management calls, not messages
    NUMBER = "number"  # everything from the number


@dataclass(frozen=True, slots=True)
class Action:
    """What an error class demands.

    A retry waits `after_s`, then each time `growth` times longer, `tries` times in all (None: as often as it takes); the
    caller adds jitter. `after_s` None: no retry.
    """

    stops: Stops
    alert: bool = False
    after_s: float | None = None
    growth: float = 1.0
    tries: int | None = 0

    @property
    def retries(self) -> bool:
        return self.after_s is not None

    def wait_s(self, attempt: int) -> float | None:
        """Seconds before try `attempt` + 1 (0: the first try has just failed); None when that was the last."""
        if self.after_s is None or (self.tries is not None and attempt >= self.tries):
            return None
        return min(self.after_s * self.growth ** min(attempt, _MAX_STEPS), _MAX_WAIT_S)


MEDIA_UNUSABLE = 131053  # the file that was uploaded is of no use; as a status it may come long after the send
_MAX_WAIT_S = 24 * 3600.0
_MAX_STEPS = 32  # beyond it every growing wait is at its maximum

ACTIONS: dict[ErrorClass, Action] = {
    ErrorClass.AUTH: Action(Stops.NUMBER, alert=True),
    ErrorClass.PERMISSION: Action(Stops.KIND, alert=True),
    ErrorClass.INTEGRITY: Action(Stops.NUMBER, alert=True),
    ErrorClass.THROTTLE_API: Action(Stops.MANAGEMENT, after_s=60, growth=2, tries=None),
    ErrorClass.THROTTLE_NUMBER: Action(Stops.NUMBER, after_s=1, growth=2, tries=None),
    ErrorClass.THROTTLE_PAIR: Action(Stops.RECIPIENT, after_s=1, growth=4, tries=None),
    ErrorClass.THROTTLE_SPAM: Action(Stops.MARKETING, alert=True, after_s=3600, growth=2, tries=3),
    ErrorClass.TRANSIENT: Action(Stops.MESSAGE, after_s=1, growth=3, tries=5),
    ErrorClass.WINDOW: Action(Stops.MESSAGE),
    ErrorClass.USER_WAIT: Action(Stops.RECIPIENT_MARKETING, after_s=24 * 3600, tries=1),
    ErrorClass.USER_NEVER: Action(Stops.RECIPIENT_MARKETING),
    ErrorClass.RECIPIENT: Action(Stops.MESSAGE),
    ErrorClass.PAYLOAD: Action(Stops.MESSAGE),
    ErrorClass.TEMPLATE: Action(Stops.TEMPLATE, alert=True),
    # 20 + 40 + 80 + 160 + 320 s: about ten minutes.
    ErrorClass.TEMPLATE_SYNC: Action(Stops.MESSAGE, after_s=20, growth=2, tries=5),
    ErrorClass.ACCOUNT: Action(Stops.NUMBER, alert=True),
    ErrorClass.INBOUND: Action(Stops.MESSAGE),
    ErrorClass.UNKNOWN: Action(Stops.MESSAGE),
}


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of the table; most rows are a single code (`first` == `last`)."""

    first: int
    last: int
    http: int
    error_class: ErrorClass
    meaning: str


def _load() -> tuple[ErrorCode, ...]:
    rows = json.loads(files(__package__).joinpath("errors.json").read_text("utf-8"))
    return tuple(
        ErrorCode(row["first"], row["last"], row["http"], ErrorClass(row["class"]), row["meaning"]) for row in rows
    )


CODES = _load()
_BY_CODE = {code: row for row in CODES for code in range(row.first, row.last + 1)}


def classify(code: int | None, http_status: int | None = None) -> ErrorClass:
    """The class of `code`. One that nobody knows is transient with HTTP 5xx, payload with 4xx, else unknown."""
    row = _BY_CODE.get(code) if code is not None else None
    if row is not None:
        return row.error_class
    if http_status is None or http_status < 400:
        return ErrorClass.UNKNOWN
    return ErrorClass.TRANSIENT if http_status >= 500 else ErrorClass.PAYLOAD


def meaning(code: int | None) -> str:
    """In words for the admin; "" for a code nobody knows."""
    row = _BY_CODE.get(code) if code is not None else None
    return row.meaning if row else ""
