"""What goes into the ledger and what comes out. Amounts are whole milli-tokens, moments are aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

__all__ = [
    "MAIN",
    "NO_NOTE",
    "Balance",
    "Entry",
    "Finding",
    "Hold",
    "Kind",
    "Note",
    "Parts",
    "Proof",
    "Receipt",
    "Wallet",
]

MAIN = "main"  # the organization's own wallet; the others are sub-wallets


class Kind(StrEnum):
    PURCHASE = "purchase"
    GRANT = "grant"
    DEBIT = "debit"
    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    REFUND = "refund"
    TRANSFER = "transfer"
    EXPIRE_HOLD = "expire_hold"  # the ledger's own: a hold that nobody settled gives back
    EXPIRE_LOT = "expire_lot"  # the ledger's own: what was left of a lot


@dataclass(frozen=True, slots=True)
class Note:
    """Why tokens move; kept with every entry of the operation and never looked up again.

    `price`: the snapshot that `amount` was computed from, such as {"version": "2026-11-01", "unit_milli": 500, "per": 1}.
    `subject`: what it was for, by ids: {"outbox_id": "...", "campaign_id": "..."}. No phone numbers, no texts.
    """

    meter: str | None = None
    quantity: int | None = None
    price: Mapping[str, Any] | None = None
    subject: Mapping[str, Any] | None = None


NO_NOTE = Note()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an operation; a replay gets the first one's, `is_replay` apart."""

    operation_id: UUID
    kind: Kind
    key: str
    wallet: str  # of a transfer: the one that gave
    amount: int  # of a settlement: what was spent of the hold
    at: datetime  # never before the wallet's last movement
    available: int  # in `wallet`, after it
    held: int
    hold_id: UUID | None = None
    lot_id: UUID | None = None  # made by a purchase or grant
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    available: int = 0
    held: int = 0
    spent: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        return self.available + self.held + self.spent + self.expired


@dataclass(frozen=True, slots=True)
class Balance:
    """As booked: what is over by the clock but not yet swept still counts as available or held."""

    purchased: Parts = Parts()
    granted: Parts = Parts()

    @property
    def available(self) -> int:
        return self.purchased.available + self.granted.available

    @property
    def held(self) -> int:
        return self.purchased.held + self.granted.held

    @property
    def spent(self) -> int:
        return self.purchased.spent + self.granted.spent

    @property
    def expired(self) -> int:
        return self.purchased.expired + self.granted.expired


@dataclass(frozen=True, slots=True)
class Wallet:
    wallet_id: UUID
    name: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    hold_id: UUID
    amount: int
    open: int  # what it still holds
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement. `debit` and `credit` are account kinds: available, held, spent, expired, counter."""

    n: int  # from 1, without gaps, in its wallet
    at: datetime
    operation_id: UUID
    key: str
    kind: Kind
    debit: str
    credit: str
    source: str  # purchased | granted
    amount: int
    wallet: str  # of the debit side; of a purchase, of the credit side
    to_wallet: str  # of the credit side
    lot_id: UUID
    hold_id: UUID | None
    note: Note


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: of `subject` (an id), `booked` stands where the entries prove `proven`."""

    rule: str
    subject: str
    booked: int
    proven: int


@dataclass(frozen=True, slots=True)
class Proof:
    """`head`: SHA-256 over the ends of the organization's chains. Kept elsewhere, it shows later that nobody made the chains anew."""

    findings: tuple[Finding, ...]
    entries: int
    head: bytes

    @property
    def holds(self) -> bool:
        return not self.findings
