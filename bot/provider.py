"""The port to the provider's management side: what it knows of a number, and what is wrong between it and us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from bot.errors import Refused

__all__ = [
    "Finding",
    "Introduced",
    "Known",
    "Line",
    "NotConnected",
    "NumberFacts",
    "Outcome",
    "Provider",
    "TemplateFacts",
]

Words = Mapping[str, str]  # by language, "en" always


class NotConnected(Refused):
    """The provider does not confirm what was given. `field` names which of it: phone_number_id, waba_id, token, app_secret."""

    def __init__(self, field: str, why: Words) -> None:
        super().__init__(why["en"])
        self.field, self.why = field, why


class Outcome(StrEnum):
    GOOD = "good"
    WARN = "warn"  # works, and somebody should look
    BAD = "bad"
    SKIPPED = "skipped"  # could not be asked


class Finding(BaseModel):
    """What one check of the connection doctor came to. Holds no secret, no phone number of a person and no message."""

    check: str
    outcome: Outcome
    tried: dict[str, str]
    came: dict[str, str]
    mend: dict[str, str] = {}
    ms: int = 0
    at: datetime | None = None


class NumberFacts(BaseModel):
    """As the provider says them; "" what it did not say."""

    verified_name: str = ""
    display_phone_number: str = ""
    quality: str = ""  # GREEN, YELLOW, RED, UNKNOWN
    status: str = ""  # CONNECTED, FLAGGED, RESTRICTED, BANNED, PENDING, RATE_LIMITED, DISCONNECTED ...
    messaging_limit: str = ""  # TIER_250 ... TIER_UNLIMITED
    can_send: str = ""  # AVAILABLE, LIMITED, BLOCKED
    mode: str = ""  # LIVE, SANDBOX
    platform: str = ""  # CLOUD_API, ON_PREMISE, NOT_APPLICABLE
    throughput: str = ""


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    external_id: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    reason: str
    parameter_format: str
    components: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """A number with its secrets in clear: never log it."""

    phone_number_id: str
    waba_id: str
    token: str = field(repr=False)
    app_id: str = ""
    app_secrets: tuple[str, ...] = field(default=(), repr=False)
    verify_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Introduced:
    """What the provider confirmed of a number and of its token."""

    app_id: str
    portfolio: str  # scope of the ids that people have here
    facts: NumberFacts
    token_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What we know ourselves, for checks that compare."""

    now: datetime
    state: str
    state_reason: str
    last_delivery_at: datetime | None  # of the Meta app, signed rightly
    last_message_at: datetime | None  # from a person to this number
    refused_at: datetime | None
    templates: Mapping[str, int]  # how many of each status
    templates_at: datetime | None
    zone: tzinfo  # the organization's, for what people read


class Provider(Protocol):
    @property
    def checks(self) -> Mapping[str, Words]:
        """Name -> title, in the order in which they are to be read."""

    async def introduce(self, line: Line) -> Introduced:
        """
        Raises:
            NotConnected: it does not know the number, the token, or the secret.
            Retryable: it cannot be asked now.
        """

    async def templates(self, line: Line) -> Sequence[TemplateFacts]:
        """All there are. Raises as `introduce`."""

    async def examine(self, line: Line, check: str, known: Known) -> Finding:
        """One check, over real HTTP. Never raises for what is found."""

    async def subscribe(self, line: Line) -> None:
        """Has the deliveries of the number's account sent to our app. Raises as `introduce`."""

    async def greet(self, line: Line, phone: str, template: tuple[str, str] | None) -> tuple[str, Finding]:
        """A test message to `phone`: the template of this name and language, else plain text. ("" or the message's id, what came)."""

    async def close(self) -> None: ...
