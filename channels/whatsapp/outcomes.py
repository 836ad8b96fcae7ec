"""How a call to the Graph API can end, and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from channels.whatsapp.errors import ACTIONS, ErrorClass, classify
from channels.whatsapp.lenient import MalformedBody, as_dict, as_list, decode, text

__all__ = [
    "Accepted",
    "Answer",
    "Done",
    "Failure",
    "MediaInfo",
    "Refused",
    "Scope",
    "Throttled",
    "Unknown",
    "Unreached",
    "Uploaded",
    "failure_of",
]

Scope = Literal["number", "pair", "api", "spam"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta took the message; a status will say what became of it. `message_status`: accepted, held_for_quality_assessment, paused."""

    message_id: str
    wa_id: str = ""
    user_id: str = ""
    message_status: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """Meta said `success`: message marked read, typing shown."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Good for 30 days, for the number that uploaded it."""

    media_id: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """`url` lives 5 minutes and wants the bearer token."""

    url: str
    mime_type: str = ""
    sha256: str = ""
    file_size: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """Meta said no, so nothing was sent. `ACTIONS[error_class]` says whether to try again and whom it stops."""

    code: int | None
    subcode: int | None
    error_class: ErrorClass
    message: str
    details: str
    fbtrace_id: str
    http_status: int


@dataclass(frozen=True, slots=True)
class Throttled:
    """Nothing was sent; not before `after_s` (seconds), for this number, pair, management API or marketing."""

    after_s: float
    scope: Scope
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached Meta and nobody said what became of it. Never to be repeated blindly."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nothing left this machine: no name, no connection. Safe to repeat."""

    reason: str


Failure = Refused | Throttled | Unknown | Unreached

_SCOPES: dict[ErrorClass, Scope] = {
    ErrorClass.THROTTLE_NUMBER: "number",
    ErrorClass.THROTTLE_PAIR: "pair",
    ErrorClass.THROTTLE_API: "api",
    ErrorClass.THROTTLE_SPAM: "spam",
}
_MAX_WAIT_S = 24 * 3600.0
_TOO_MANY_REQUESTS, _REQUEST_TIMEOUT = 429, 408


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is None when it is no JSON object or longer than we read."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300 and self.body is not None and "error" not in self.body

    @staticmethod
    def parse(raw: bytes | None) -> dict[str, Any] | None:
        try:
            value = None if raw is None else decode(raw)
        except MalformedBody:
            return None
        return value if isinstance(value, dict) else None


def failure_of(answer: Answer) -> Refused | Throttled | Unknown:
    """What an answer without success means."""
    error = as_dict((answer.body or {}).get("error"))
    code = _integer(error.get("code"))
    if code is None:
        return _without_code(answer)
    error_class = classify(code, answer.status)
    if error_class in _SCOPES:
        return Throttled(_wait_s(answer, error_class), _SCOPES[error_class], code)
    return Refused(
        code=code,
        subcode=_integer(error.get("error_subcode")),
        error_class=error_class,
        message=text(error.get("message")),
        details=text(as_dict(error.get("error_data")).get("details")) or text(error.get("error_user_msg")),
        fbtrace_id=text(error.get("fbtrace_id")),
        http_status=answer.status,
    )


def _without_code(answer: Answer) -> Refused | Throttled | Unknown:
    """Not Meta's envelope: some proxy, load balancer or captive portal answered."""
    if answer.status == _TOO_MANY_REQUESTS:
        return Throttled(_wait_s(answer, ErrorClass.THROTTLE_API), "api")
    if 200 <= answer.status < 300:
        return Unknown(f"HTTP {answer.status} with an answer that cannot be read")
    if answer.status >= 500 or answer.status == _REQUEST_TIMEOUT:
        return Unknown(f"HTTP {answer.status} without an error of Meta")
    return Refused(
        code=None,
        subcode=None,
        error_class=classify(None, answer.status),
        message=f"HTTP {answer.status} without an error of Meta",
        details="",
        fbtrace_id=answer.headers.get("x-fb-trace-id", ""),
        http_status=answer.status,
    )


def _integer(value: Any) -> int | None:
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _wait_s(answer: Answer, error_class: ErrorClass) -> float:
    """As the headers say, else as the class demands at first."""
    told = _integer(answer.headers.get("Retry-After", "").strip()) or _regain_s(answer.headers)
    return min(float(told or ACTIONS[error_class].after_s or 0), _MAX_WAIT_S)


def _regain_s(headers: Mapping[str, str]) -> int:
    """`X-Business-Use-Case-Usage`: by business id a list of uses, each with minutes until access comes back."""
    usage = Answer.parse(headers.get("X-Business-Use-Case-Usage", "").encode("utf-8", "replace")) or {}
    uses = (as_dict(use) for listed in usage.values() for use in as_list(listed))
    return 60 * max((_integer(use.get("estimated_time_to_regain_access")) or 0 for use in uses), default=0)
