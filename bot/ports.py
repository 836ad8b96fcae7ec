"""The boundaries: what the engine asks of the outside world, each with at least two implementations (one may be a fake).

Adapters are bound by dotted names in the settings (decision 1), so nothing here or above knows who implements them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal, Protocol
from uuid import UUID

from bot.messages import Outbound

__all__ = [
    "Address",
    "Channel",
    "Clock",
    "DeliveryAccount",
    "Dispatcher",
    "Embedder",
    "Knowledge",
    "Lane",
    "Pacer",
    "Passage",
    "SendRefused",
    "SendResult",
    "SendThrottled",
    "SendUnknown",
    "Sent",
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
    """A definite no. `retry_after_s` None: never again. `stops` says what else must not be sent now: "", "number"."""

    code: int
    reason: str
    details: str = ""
    retry_after_s: float | None = None
    stops: str = ""


@dataclass(frozen=True, slots=True)
class SendThrottled:
    """Not now. `scope`: number | pair | api | spam | unreached (nothing left our machine)."""

    after_s: float
    scope: str
    code: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SendUnknown:
    """It may have arrived. Never sent again blindly: a status settles it, or a grace without any."""

    reason: str


SendResult = Sent | SendRefused | SendThrottled | SendUnknown


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

        `option_id` gives the id of an option ("3") or of a page ("p2"), see `bot.turn.options`.
        """

    def pieces(self, part: Outbound) -> int:
        """How many wire messages `part` becomes; each is an outbox row of its own."""

    async def mark_read(self, account: DeliveryAccount, external_id: str, *, typing: bool) -> None:
        """Best effort; never raises for what the provider says."""

    async def fetch_media(self, account: DeliveryAccount, media_id: str, *, max_bytes: int) -> tuple[bytes, str]:
        """Bytes and MIME type. Raises Retryable, or Permanent when the file is gone, too large or not what it claims."""

    async def close(self) -> None: ...


class Blobs(Protocol):
    """Media by content hash."""

    async def put(self, organization_id: UUID, data: bytes, mime_type: str) -> str: ...

    async def get(self, organization_id: UUID, blob: str) -> bytes: ...


JSON = dict[str, Any]


class Embedder(Protocol):
    """Texts to vectors of unit length. `query` is what somebody asks, `passage` what may answer it: some models tell them apart."""

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    async def embed(
        self,
        organization_id: UUID,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"],
        inbox_id: UUID | None = None,
    ) -> list[list[float]]:
        """In the order of `texts`. A query leaves this process masked, a passage as it is. Raises LlmAway."""


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
