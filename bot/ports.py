"""The boundaries: what the engine asks of the outside world, each with at least two implementations (one may be a fake).

Adapters are bound by dotted names in the settings (decision 1), so nothing here or above knows who implements them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from bot.messages import MediaOut, Outbound
from store.blobs import BlobHead, BlobSpool

if TYPE_CHECKING:
    from bot.flows import Command, Compiled, FlowState
    from bot.llm.budget import Budget

__all__ = [
    "LLM",
    "Address",
    "Channel",
    "Clock",
    "DeliveryAccount",
    "Dispatcher",
    "Embedder",
    "Knowledge",
    "Lane",
    "Letter",
    "NotUploaded",
    "Notifier",
    "Pacer",
    "Passage",
    "Prompt",
    "Question",
    "Reply",
    "Routed",
    "Router",
    "SendRefused",
    "SendResult",
    "SendThrottled",
    "SendUnknown",
    "Sent",
    "Tier",
    "Transcriber",
    "UploadResult",
]


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC. Only for what people see and for deadlines; leases go by the database's clock."""


class Lane(IntEnum):
    REPLY = 0  # what a person waits for
    BULK = 1  # what an organization starts


class Dispatcher(Protocol):
    """Hints to the workers. A lost or doubled hint changes nothing: the rows are the truth, the sweep hints again."""

    async def hint(self, organization_id: UUID, session_id: UUID, *, attempt: str) -> None:
        """Says: look at this conversation. `attempt` tells a repeated hint from a duplicate (decision 21)."""

    async def kick(self, organization_id: UUID, job_id: UUID, *, queue: str, attempt: int) -> None:
        """Says: this job is due."""

    async def deliver(self, organization_id: UUID, *, lane: Lane, attempt: str) -> None:
        """Says: this organization has messages to send in this lane."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `html` may be empty; then it is text alone."""

    to: str
    subject: str
    text: str
    html: str = ""


class Notifier(Protocol):
    """Reaches people outside of the chat. Never inside a transaction."""

    async def email(self, letter: Letter) -> None:
        """
        Raises:
            Retryable: the mail server is away or busy.
            Permanent: it refuses the address or the letter, for good.
        """

    async def sms(self, phone: str, text: str) -> None:
        """`phone` is E.164. Raises as `email` does; `Permanent` too where no provider is set."""


class Pacer(Protocol):
    """WhatsApp's limits, shared by all processes through Postgres rows (decision 22)."""

    async def number(self, account: DeliveryAccount, lane: Lane) -> None:
        """Returns when the number may send its next message. Replies pass bulk."""

    async def pair(self, account: DeliveryAccount, session_id: UUID) -> float:
        """Takes a slot of this number and user and returns 0, or returns the seconds to wait and takes nothing."""


@dataclass(frozen=True, slots=True)
class DeliveryAccount:
    """What sending through an account needs. `token` is the secret in clear: never log it."""

    account_id: UUID
    organization_id: UUID
    kind: str
    external_id: str  # phone_number_id
    token: str
    state: str
    number_per_s: float | None
    portfolio: str = ""
    state_reason: str = ""
    token_seal: str = ""  # tells one token from another: SHA-256 of it as it is stored, sealed


@dataclass(frozen=True, slots=True)
class Address:
    """Where a contact is reached. `phone` is E.164; either may be missing, not both."""

    phone: str | None
    user_id: str | None  # business-scoped


@dataclass(frozen=True, slots=True)
class Sent:
    external_id: str


@dataclass(frozen=True, slots=True)
class SendRefused:
    """A definite no. `retry_after_s` None: never again; else so long after the first try, then `growth` times longer, `tries` times.

    `stops` says what else must not be sent now: "" or "message" nothing, "number" and "kind" everything of the number, "template" what uses
    it, "recipient_marketing" marketing to this person.
    """

    code: int
    reason: str
    details: str = ""
    retry_after_s: float | None = None
    stops: str = ""
    growth: float = 2.0
    tries: int | None = None  # None: as often as a message is tried at all


@dataclass(frozen=True, slots=True)
class SendThrottled:
    """Not now. `scope`: number | pair | api | spam | unreached (nothing left our machine). Each time in a row `growth` times longer."""

    after_s: float
    scope: str
    code: int = 0
    reason: str = ""
    growth: float = 2.0


@dataclass(frozen=True, slots=True)
class SendUnknown:
    """It may have arrived. Never sent again blindly: a status settles it, or a grace without any."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotUploaded:
    """Nothing was sent: the provider does not have the part's file, or not any more. `Channel.upload` first."""

    reason: str = "its file is on the way to the provider"


SendResult = Sent | SendRefused | SendThrottled | SendUnknown | NotUploaded
UploadResult = SendRefused | SendThrottled | SendUnknown | None


class Channel(Protocol):
    """One messenger's adapter."""

    async def send(
        self,
        account: DeliveryAccount,
        to: Address,
        part: Outbound,
        index: int,
        *,
        option_id: Callable[[str], str],
        locale: str,
        opaque: str,
        reply_to: str | None,
    ) -> SendResult:
        """Sends the `index`-th wire message of `part` (see `pieces`). `opaque` comes back in every status.

        `option_id` gives the id of an option ("3") or of a page ("p2"), see `bot.turn.options`. Uploads nothing.
        """

    async def upload(self, account: DeliveryAccount, part: MediaOut) -> UploadResult:
        """Gives the provider the part's blob; None: it has it, for messages of this account. Harmless to repeat.

        Raises:
            Permanent: the blob is gone, or no file that this messenger takes.
            Retryable: it cannot be read now.
        """

    async def forget_upload(self, account: DeliveryAccount, part: MediaOut) -> None:
        """The provider could not use the file that it has: before the next message shows it, it is brought again."""

    def pieces(self, part: Outbound) -> int:
        """How many wire messages `part` becomes; each is an outbox row of its own."""

    async def mark_read(self, account: DeliveryAccount, external_id: str, *, typing: bool) -> None:
        """Best effort; never raises for what the provider says."""

    async def fetch_media(
        self, account: DeliveryAccount, media_id: str, *, max_bytes: int, sink: Callable[[bytes], object]
    ) -> str:
        """Streams the bytes into `sink`; returns the MIME type, "" when nobody says. What `sink` raises ends the transfer.

        Raises:
            Retryable: the transfer failed; what `sink` got is rubbish.
            BlobTooLarge: it has more than `max_bytes`.
            Permanent: the file is gone.
        """

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Texts to vectors of unit length. `model` keeps the vectors of different models apart."""

    @property
    def model(self) -> str: ...

    async def embed(
        self, texts: Sequence[str], *, background: bool = False, kind: Literal["query", "passage"] = "query"
    ) -> Sequence[Sequence[float]]:
        """One vector for each text, same order. `background`: nobody waits, others go first. `kind`: some models tell what may answer a
        question from what asks it; sentences that are only compared are all queries.

        Raises:
            Retryable: not now.
            Permanent: never like this.
        """

    async def close(self) -> None: ...


class Blobs(Protocol):
    """Media by content hash."""

    async def put(self, organization_id: UUID, data: bytes | BlobSpool, mime_type: str) -> str: ...

    async def get(self, organization_id: UUID, blob: str) -> bytes: ...

    async def head(self, organization_id: UUID, blob: str) -> BlobHead | None: ...

    def stream(self, organization_id: UUID, blob: str) -> AsyncIterator[bytes]: ...


JSON = dict[str, Any]


# -- models and knowledge: each may be missing, and then everything works without ------------------


class Tier(StrEnum):
    SMALL = "small"  # quick and cheap: what does this person want
    LARGE = "large"  # writes for people


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a chat model, answered as a JSON object that fits `schema`.

    `purpose` goes into the usage fact: "router.events". `system` is written by us and by authors, and holds no data of anyone. `user` is sent as
    JSON; in it whatever looks like a phone number, e-mail address or id, and the words of `private` (names, values of slots), leave this
    process as placeholders only.
    """

    purpose: str
    system: str
    user: JSON
    schema: JSON
    tier: Tier = Tier.SMALL
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """`data` with personal data in place again; `asked` and `answered` as the model saw and wrote them: for the trace."""

    data: JSON
    model: str
    asked: str
    answered: str
    is_remembered: bool = False  # the same prompt was answered a while ago; nothing was spent


class LLM(Protocol):
    """A chat model. Example: `(await llm.ask(prompt, llm.budget(organization_id, inbox_id))).data`.

    Every request writes a usage fact at once, also one that failed.
    """

    def budget(self, organization_id: UUID, inbox_id: UUID | None = None) -> Budget:
        """What one turn, or one task, may ask."""

    async def ask(self, prompt: Prompt, budget: Budget) -> Reply:
        """Raises LlmAway within the budget's time when there is no usable answer."""

    async def close(self) -> None: ...


class Transcriber(Protocol):
    async def transcribe(self, data: bytes, mime_type: str, budget: Budget, *, language: str = "") -> str:
        """What is said in a recording. The recording itself cannot be masked. Raises LlmAway, also when it is too long."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an organization's knowledge. `source` as people should read it; `score` 0 to 1, best first."""

    text: str
    source: str
    score: float = 1.0
    skill: str = ""  # "": the organization's own


class Knowledge(Protocol):
    """What an organization has written down. Filtered by organization inside the query.

    Example: `await knowledge.search(organization_id, "is there parking?", locale="en")`.
    """

    async def search(
        self, organization_id: UUID, query: str, *, locale: str = "", skill: str = "", limit: int = 4
    ) -> Sequence[Passage]:
        """Passages that are near enough to answer, best first; none: it is not known. `skill`: only what this skill brought."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message that offline understanding could not explain, and all that may be known about it."""

    organization_id: UUID
    inbox_id: UUID
    text: str
    offline: Sequence[Command]  # what is done without a router
    state: FlowState
    compiled: Compiled
    locale: str
    country: str
    now: datetime  # in the organization's time zone
    skills: tuple[str, ...] = ()  # enabled, in their order
    organization: str = ""
    private: tuple[str, ...] = ()
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """What to do instead of `Question.offline`; no commands: do that. `trace` is for `chatnation explain`, with personal data: never log it."""

    commands: Sequence[Command]
    trace: Mapping[str, Any] = field(default_factory=dict)


class Router(Protocol):
    """Explains what nothing cheaper could. Its only output is commands; it writes nothing."""

    async def route(self, question: Question) -> Routed:
        """Never raises, and ends within the budget's time."""
