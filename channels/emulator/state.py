"""What the emulator remembers: numbers, people, threads, messages, media, templates."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from channels.emulator.settings import NumberSettings

Direction = Literal["in", "out"]  # seen from the business: in is what a person sent


@dataclass(slots=True)
class Number:
    """A business number while the emulator runs."""

    settings: NumberSettings
    webhook_url: str
    quality: str
    status: str = "CONNECTED"
    token_problem: int | None = None  # subcode of 190: 463 expired, 460 password changed, 467 invalid
    subscribed: bool = True
    blocked: set[str] = field(default_factory=set)  # wa_ids the business blocked
    profile: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.settings.phone_number_id

    @property
    def secret(self) -> bytes:
        return self.settings.app_secret.encode()

    def is_token_alive(self, now: float) -> bool:
        expires_at = self.settings.token_expires_at
        return self.token_problem is None and (expires_at == 0 or now < expires_at)


@dataclass(slots=True)
class User:
    """A person. `bsuids` is by portfolio; `opted_out` and `blocked` hold phone_number_ids."""

    wa_id: str
    name: str
    username: str | None = None
    hide_phone: bool = False
    auto_read: bool | None = None
    online: bool = True
    on_whatsapp: bool = True
    bsuids: dict[str, str] = field(default_factory=dict)
    opted_out: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)


UNTAKEN = "untaken"  # mark of a try without an answer that no server can have taken: it met none, or was signed wrongly


@dataclass(slots=True)
class Attempt:
    """One POST that carried a message, until the answer. `code` 0 is no answer."""

    started_at: float
    ended_at: float
    code: int
    marks: tuple[str, ...] = ()

    @property
    def may_have_been_taken(self) -> bool:
        """Answered 200, or sent without an answer."""
        return self.code == 200 or (self.code == 0 and UNTAKEN not in self.marks)


@dataclass(slots=True)
class Message:
    """One message in either direction. `at` and `times` are real epoch seconds, `timestamp` is the emulated world's."""

    id: str
    direction: Direction
    phone_number_id: str
    wa_id: str
    kind: str
    content: dict[str, Any]
    seq: int
    at: float
    timestamp: float
    context_id: str | None = None
    opaque: str | None = None
    status: str = "accepted"  # out: accepted sent delivered read failed held; in: pending delivered read
    times: dict[str, float] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    category: str = "service"
    free: bool = True
    outside_window: bool = False
    rendered: dict[str, Any] | None = None
    marks: tuple[str, ...] = ()
    attempts: list[Attempt] = field(default_factory=list)
    first_200_at: float | None = None  # the server's first 200, even when a fault dropped it
    first_200_started_at: float | None = None  # when the POST it answered began
    acked_at: float | None = None  # when the emulator stopped sending
    told: list[str] = field(default_factory=list)  # out: statuses answered 200, and those that a fault keeps silent

    @property
    def text(self) -> str:
        return text_of(self.kind, self.content, self.rendered)

    @property
    def visible_at(self) -> float | None:
        """When the person's phone showed it; None for what never arrived."""
        if self.direction == "in":
            return self.at
        return self.times.get("delivered") or self.times.get("read")


@dataclass(slots=True)
class Thread:
    """One person and one number."""

    phone_number_id: str
    wa_id: str
    messages: list[Message] = field(default_factory=list)
    last_inbound_at: float | None = None  # emulated; opens the window
    pair_tokens: float | None = None
    pair_filled_at: float = 0.0
    marketing_at: deque[float] = field(default_factory=deque)
    typing_until: float = 0.0
    reactions: dict[str, dict[str, str]] = field(default_factory=dict)  # message id -> direction -> emoji


@dataclass(slots=True)
class Media:
    """A file. `phone_number_id` None: any number may fetch it."""

    id: str
    phone_number_id: str | None
    mime_type: str
    content: bytes
    sha256: str  # hex
    filename: str | None
    expires_at: float  # emulated
    voice: bool = False


@dataclass(slots=True)
class Template:
    """A message template of one WABA in one language."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str
    parameter_format: str
    components: list[dict[str, Any]]
    status: str = "PENDING"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    edited_at: list[float] = field(default_factory=list)


def text_of(kind: str, content: dict[str, Any], rendered: dict[str, Any] | None = None) -> str:
    """The words in a message, for search and for analysis; empty when it has none."""
    if rendered is not None:
        return str(rendered.get("body", ""))
    match kind:
        case "text":
            return str(content.get("body", ""))
        case "interactive":
            reply = content.get("button_reply") or content.get("list_reply")
            if reply:
                return str(reply.get("title", ""))
            return str((content.get("body") or {}).get("text", ""))
        case "button":
            return str(content.get("text", ""))
        case "location":
            return " ".join(str(content[k]) for k in ("name", "address") if content.get(k))
        case _:
            return str(content.get("caption") or content.get("body") or "")
