"""The boundaries: what the engine asks of the outside world, each with at least two implementations (one may be a fake).

Adapters are bound by dotted names in the settings (decision 1), so nothing here or above knows who implements them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol
from uuid import UUID

from bot.messages import MediaOut, Outbound
from store.blobs import BlobSpool

__all__ = [
    "Address",
    "Channel",
    "Clock",
    "DeliveryAccount",
    "Dispatcher",
    "Lane",
    "NotUploaded",
    "Pacer",
    "SendRefused",
    "SendResult",
    "SendThrottled",
    "SendUnknown",
    "Sent",
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
            Permanent: the file is gone, or has more than `max_bytes`.
        """

    async def close(self) -> None: ...


class Blobs(Protocol):
    """Media by content hash."""

    async def put(self, organization_id: UUID, data: bytes | BlobSpool, mime_type: str) -> str: ...

    async def get(self, organization_id: UUID, blob: str) -> bytes: ...

    def stream(self, organization_id: UUID, blob: str) -> AsyncIterator[bytes]: ...


JSON = dict[str, Any]
