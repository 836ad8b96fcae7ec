"""What the ledger refuses, beside `NotEnough` (store.errors). Nothing was moved, and the caller's transaction may go on."""

from __future__ import annotations

from store.errors import Refused

__all__ = ["HoldOver", "HoldTooSmall", "KeyReused", "NoSuchDebit", "NoSuchHold", "NoSuchWallet", "RefundTooLarge"]


class KeyReused(Refused):
    """The key belongs to an operation of another kind, or of another wallet, hold or debit. No replay, but a mistake of the caller."""


class NoSuchWallet(Refused):
    """The organization has no wallet of this name: `open_wallet` it first. The wallet `main` is always there."""


class NoSuchHold(Refused):
    """The organization has no such hold."""


class HoldOver(Refused):
    """The hold is settled, released or expired. Work that was done nevertheless is debited."""


class HoldTooSmall(Refused):
    """More was to be settled or released than the hold still holds; both in milli-tokens."""

    def __init__(self, required: int, held: int) -> None:
        super().__init__(f"{required} milli-tokens of a hold that still holds {held}")
        self.required = required
        self.held = held


class NoSuchDebit(Refused):
    """No debit or settlement of the organization has this key."""


class RefundTooLarge(Refused):
    """More was to be refunded than the debit took, less what was refunded before; both in milli-tokens."""

    def __init__(self, amount: int, refundable: int) -> None:
        super().__init__(f"a refund of {amount} milli-tokens where {refundable} can be refunded")
        self.amount = amount
        self.refundable = refundable
