"""The ledger as a child would write it: lists of lots, no accounts, no locks. What it says the database must say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from store.ledger import Balance, Parts

Outcome = tuple[object, ...]  # ("ok", available, held), or an error's name and its numbers
Piece = tuple["Lot", int]


@dataclass
class Lot:
    wallet: str
    source: str
    remaining: int
    priority: int
    expires_at: datetime | None
    born_at: datetime
    number: int

    @property
    def order(self) -> tuple[int, bool, float, datetime, int]:
        return (
            self.priority,
            self.expires_at is None,
            self.expires_at.timestamp() if self.expires_at else 0.0,
            self.born_at,
            self.number,
        )


@dataclass
class Hold:
    wallet: str
    expires_at: datetime
    pieces: list[Piece]

    @property
    def open(self) -> int:
        return sum(amount for _, amount in self.pieces)


@dataclass
class Spending:
    wallet: str
    pieces: list[Piece]  # in the order they were spent


@dataclass
class Model:
    lots: list[Lot] = field(default_factory=list)
    holds: dict[str, Hold] = field(default_factory=dict)
    spendings: dict[str, Spending] = field(default_factory=dict)
    clocks: dict[str, datetime] = field(default_factory=dict)
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)
    expired: Counter[tuple[str, str]] = field(default_factory=Counter)

    # -- operations

    def come_in(
        self, wallet: str, source: str, amount: int, priority: int, expires_at: datetime | None, now: datetime
    ) -> Outcome:
        at = self._begin(now, wallet)
        self.lots.append(Lot(wallet, source, amount, priority, expires_at, at, len(self.lots)))
        return self._ok(at, wallet)

    def debit(self, key: str, wallet: str, amount: int, now: datetime) -> Outcome:
        at = self._begin(now, wallet)
        if amount > self.available(wallet):
            return ("NotEnough", amount, self.available(wallet))
        self.spendings[key] = Spending(wallet, self._spend(self._take(wallet, amount)))
        return self._ok(at, wallet)

    def reserve(self, key: str, wallet: str, amount: int, expires_at: datetime, now: datetime) -> Outcome:
        at = self._begin(now, wallet)
        if amount > self.available(wallet):
            return ("NotEnough", amount, self.available(wallet))
        self.holds[key] = Hold(wallet, expires_at, self._take(wallet, amount))
        return self._ok(at, wallet)

    def settle(self, key: str, hold: Hold, amount: int, now: datetime, *, keep: bool) -> Outcome:
        at = self._begin(now, hold.wallet)
        if refusal := self._refusal(hold, amount):
            return refusal
        self.spendings[key] = Spending(hold.wallet, self._spend(_cut(hold.pieces, amount)))
        if not keep:
            self._give_back(hold, hold.open)
        return self._ok(at, hold.wallet)

    def release(self, hold: Hold, amount: int | None, now: datetime) -> Outcome:
        at = self._begin(now, hold.wallet)
        if refusal := self._refusal(hold, amount or 0):
            return refusal
        self._give_back(hold, amount or hold.open)
        return self._ok(at, hold.wallet)

    def refund(self, of: Spending, amount: int | None, now: datetime) -> Outcome:
        at = self._begin(now, of.wallet)
        refundable = sum(piece for _, piece in of.pieces)
        if not refundable or (amount or 0) > refundable:
            return ("RefundTooLarge", (amount or 0) if refundable else 0, refundable)
        of.pieces.reverse()
        for lot, piece in _cut(of.pieces, amount or refundable):
            lot.remaining += piece
            self.spent[lot.wallet, lot.source] -= piece
        of.pieces.reverse()
        return self._ok(at, of.wallet)

    def transfer(self, wallet: str, to: str, amount: int, now: datetime) -> Outcome:
        at = self._begin(now, wallet, to)
        if amount > self.available(wallet):
            return ("NotEnough", amount, self.available(wallet))
        for lot, piece in self._take(wallet, amount):
            self.lots.append(Lot(to, lot.source, piece, lot.priority, lot.expires_at, lot.born_at, len(self.lots)))
        self.clocks[to] = at
        return self._ok(at, wallet)

    def expire(self, now: datetime) -> None:
        for wallet in {lot.wallet for lot in self.lots}:
            if self._is_due(wallet, now):
                self._begin(now, wallet)

    # -- what stands in it

    def available(self, wallet: str) -> int:
        return sum(lot.remaining for lot in self.lots if lot.wallet == wallet)

    def balance(self, wallet: str) -> Balance:
        return Balance(self._parts(wallet, "purchased"), self._parts(wallet, "granted"))

    def _parts(self, wallet: str, source: str) -> Parts:
        held = [piece for hold in self.holds.values() for piece in hold.pieces]
        return Parts(
            sum(lot.remaining for lot in self.lots if (lot.wallet, lot.source) == (wallet, source)),
            sum(amount for lot, amount in held if (lot.wallet, lot.source) == (wallet, source)),
            self.spent[wallet, source],
            self.expired[wallet, source],
        )

    # -- how

    def _begin(self, now: datetime, *wallets: str) -> datetime:
        at = max([now, *(self.clocks[each] for each in wallets if each in self.clocks)])
        if self._is_due(wallets[0], at):
            self._sweep(wallets[0], at)
            self.clocks[wallets[0]] = at
        return at

    def _ok(self, at: datetime, wallet: str) -> Outcome:
        self.clocks[wallet] = at
        return ("ok", self.available(wallet), sum(hold.open for hold in self.holds.values() if hold.wallet == wallet))

    def _is_due(self, wallet: str, at: datetime) -> bool:
        return any(
            hold.wallet == wallet and hold.open and hold.expires_at <= at for hold in self.holds.values()
        ) or any(
            lot.wallet == wallet and lot.remaining and lot.expires_at and lot.expires_at <= at for lot in self.lots
        )

    def _sweep(self, wallet: str, at: datetime) -> None:
        for hold in self.holds.values():
            if hold.wallet == wallet and hold.expires_at <= at:
                self._give_back(hold, hold.open)
        for lot in self.lots:
            if lot.wallet == wallet and lot.expires_at and lot.expires_at <= at:
                self.expired[wallet, lot.source] += lot.remaining
                lot.remaining = 0

    def _refusal(self, hold: Hold, amount: int) -> Outcome | None:
        if not hold.open:
            return ("HoldOver",)
        return ("HoldTooSmall", amount, hold.open) if amount > hold.open else None

    def _take(self, wallet: str, amount: int) -> list[Piece]:
        taken = []
        for lot in sorted((each for each in self.lots if each.wallet == wallet), key=lambda each: each.order):
            piece = min(amount, lot.remaining)
            lot.remaining -= piece
            amount -= piece
            if piece:
                taken.append((lot, piece))
        return taken

    def _spend(self, pieces: list[Piece]) -> list[Piece]:
        for lot, piece in pieces:
            self.spent[lot.wallet, lot.source] += piece
        return pieces

    def _give_back(self, hold: Hold, amount: int) -> None:
        hold.pieces.reverse()
        for lot, piece in _cut(hold.pieces, amount):
            lot.remaining += piece
        hold.pieces.reverse()


def _cut(pieces: list[Piece], amount: int) -> list[Piece]:
    """Takes `amount` from the front of `pieces`."""
    taken = []
    while amount:
        lot, piece = pieces.pop(0)
        taken.append((lot, min(piece, amount)))
        if piece > amount:
            pieces.insert(0, (lot, piece - amount))
        amount -= taken[-1][1]
    return taken
