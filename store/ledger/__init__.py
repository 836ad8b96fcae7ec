"""The ledger: what an organization bought, was given, holds, spent and lost to expiry. Double entry, append-only, in whole milli-tokens.

Whoever charges goes through the till (`bot.metering`); only it and the skill `billing` may import this package, and nobody else writes the
tables. Each operation has a key, once per organization: a replay gets the first receipt and moves nothing.

    with organization_scope(organization_id):
        await purchase(500_000, key="payment:" + intent_id)
        receipt = await reserve(40_000, key="job:" + job_id, expires_at=now + timedelta(hours=2))
        await settle(receipt.hold_id, 31_500, key="job:" + job_id + ":done")   # 8,500 are available again
        (await balance()).available                                           # 468_500

An entry takes from a debit account and gives to a credit account. A wallet has the accounts available, held, spent and expired, each for
purchased and for granted tokens; an organization has a counter account for each source, whose balance is what came in, below zero. So

    available + held + spent + expired = purchased + granted

Tokens come as lots, and are consumed by priority (lowest first), expiry, age; a refund or release gives them back to the lots they came from. What
of a wallet is over at a moment is booked by the wallet's next operation, or by `expire`.
"""

from __future__ import annotations

from store.ledger.errors import (
    HoldOver,
    HoldTooSmall,
    KeyReused,
    NoSuchDebit,
    NoSuchHold,
    NoSuchWallet,
    RefundTooLarge,
)
from store.ledger.model import MAIN, Balance, Entry, Finding, Hold, Kind, Note, Parts, Proof, Receipt, Wallet
from store.ledger.operations import (
    debit,
    expire,
    grant,
    open_wallet,
    purchase,
    refund,
    release,
    reserve,
    settle,
    transfer,
)
from store.ledger.read import balance, entries, holds, prove, wallets

__all__ = [
    "MAIN",
    "Balance",
    "Entry",
    "Finding",
    "Hold",
    "HoldOver",
    "HoldTooSmall",
    "KeyReused",
    "Kind",
    "NoSuchDebit",
    "NoSuchHold",
    "NoSuchWallet",
    "Note",
    "Parts",
    "Proof",
    "Receipt",
    "RefundTooLarge",
    "Wallet",
    "balance",
    "debit",
    "entries",
    "expire",
    "grant",
    "holds",
    "open_wallet",
    "prove",
    "purchase",
    "refund",
    "release",
    "reserve",
    "settle",
    "transfer",
    "wallets",
]
