"""The operations. Each is one statement: it locks the wallet's row, sees what is due to expire, asks the rules and writes its entries.

Inside `store.db.transaction()` an operation belongs to that transaction, and the wallet stays locked until it ends: let it be the last statement.
Outside it stands alone; what stands alone on one wallet at the same time is committed together.

All of them raise `DatabaseAway` when PostgreSQL is not there; whether the operation was committed is then unknown, and the same key tells.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
from tortoise.connection import get_connections

from store.call import call, call_row
from store.combine import Combiner
from store.db import fetch, fetchval
from store.engine import DEFAULT, ScopedTransactionClient
from store.errors import ChatNationError, NotEnough, Retryable
from store.jsonb import from_jsonb, to_jsonb
from store.ledger.errors import (
    HoldOver,
    HoldTooSmall,
    KeyReused,
    NoSuchDebit,
    NoSuchHold,
    NoSuchWallet,
    RefundTooLarge,
)
from store.ledger.model import MAIN, NO_NOTE, Kind, Note, Receipt
from store.tenancy import current_organization

__all__ = ["debit", "expire", "grant", "open_wallet", "purchase", "refund", "release", "reserve", "settle", "transfer"]

MAX_AMOUNT = 10**15  # a million million tokens: sums of many stay far from bigint's end
MAX_KEY = 200  # ledger_operations.key
_OWN_KEYS = "expire:"
_RETRY_S = 0.2


async def open_wallet(name: str) -> UUID:
    """The id of the organization's wallet of this name (at most 80 characters), made when it is not there."""
    if not name or len(name) > 80:
        raise ValueError(f"a wallet named {name!r}")
    statement, organization_id = "SELECT cn_ledger_open($1, $2)", current_organization()
    if _in_transaction():
        return cast("UUID", await fetchval(statement, organization_id, name))
    return cast("UUID", (await call_row(statement, organization_id, name))[0])


async def purchase(
    amount: int,
    *,
    key: str,
    wallet: str = MAIN,
    priority: int = 0,
    expires_at: datetime | None = None,
    note: Note = NO_NOTE,
    now: datetime | None = None,
) -> Receipt:
    """Paid tokens come in, as a lot of their own. Lots of a lower `priority` are consumed first.

    Raises:
        NoSuchWallet, KeyReused.
    """
    return await _apply(Kind.PURCHASE, key, note, now, amount, wallet=wallet, priority=priority, expires_at=expires_at)


async def grant(
    amount: int,
    *,
    key: str,
    wallet: str = MAIN,
    priority: int = 0,
    expires_at: datetime | None = None,
    note: Note = NO_NOTE,
    now: datetime | None = None,
) -> Receipt:
    """Given tokens, else as `purchase`."""
    return await _apply(Kind.GRANT, key, note, now, amount, wallet=wallet, priority=priority, expires_at=expires_at)


async def debit(
    amount: int, *, key: str, wallet: str = MAIN, note: Note = NO_NOTE, now: datetime | None = None
) -> Receipt:
    """Spends available tokens.

    Raises:
        NotEnough: fewer are available; none are spent.
        NoSuchWallet, KeyReused.
    """
    return await _apply(Kind.DEBIT, key, note, now, amount, wallet=wallet)


async def reserve(
    amount: int,
    *,
    key: str,
    expires_at: datetime,
    wallet: str = MAIN,
    note: Note = NO_NOTE,
    now: datetime | None = None,
) -> Receipt:
    """Holds available tokens for work to come, the worst case of it; `hold_id` of the receipt settles or releases them.

    What nobody settled by `expires_at` is available again.

    Raises:
        NotEnough: fewer are available; none are held.
        NoSuchWallet, KeyReused.
    """
    return await _apply(Kind.RESERVE, key, note, now, amount, wallet=wallet, expires_at=expires_at)


async def settle(
    hold_id: UUID, amount: int, *, key: str, keep_rest: bool = False, note: Note = NO_NOTE, now: datetime | None = None
) -> Receipt:
    """Spends `amount` of a hold. The rest is available again, or stays held with `keep_rest`, for work that is done in pieces.

    Raises:
        HoldOver, HoldTooSmall, NoSuchHold, KeyReused.
    """
    return await _apply(Kind.SETTLE, key, note, now, amount, hold_id=hold_id, keep=keep_rest)


async def release(
    hold_id: UUID, amount: int | None = None, *, key: str, note: Note = NO_NOTE, now: datetime | None = None
) -> Receipt:
    """Gives `amount` of a hold back, or all that it still holds.

    Raises:
        HoldOver, HoldTooSmall, NoSuchHold, KeyReused.
    """
    return await _apply(Kind.RELEASE, key, note, now, amount, hold_id=hold_id)


async def refund(
    of: str, amount: int | None = None, *, key: str, note: Note = NO_NOTE, now: datetime | None = None
) -> Receipt:
    """Gives back `amount` of the debit or settlement with the key `of`, or all that was not refunded yet, into the lots it came from.

    A lot that is over by then expires again, with what it got back.

    Raises:
        RefundTooLarge: all refunds together would be above the debit; also when nothing is left to refund.
        NoSuchDebit, KeyReused.
    """
    return await _apply(Kind.REFUND, key, note, now, amount, of=of)


async def transfer(
    amount: int, *, key: str, wallet: str, to: str, note: Note = NO_NOTE, now: datetime | None = None
) -> Receipt:
    """Moves available tokens into another wallet of the organization; they keep source, priority, expiry and age.

    Raises:
        NotEnough: fewer are available in `wallet`.
        NoSuchWallet, KeyReused.
    """
    if wallet == to:
        raise ValueError(f"a transfer from {wallet} to itself")
    return await _apply(Kind.TRANSFER, key, note, now, amount, wallet=wallet, to=to)


async def expire(*, now: datetime | None = None, wallets: int = 100) -> int:
    """Books what is over in the organization's wallets: how many holds and lots. For the clock; each operation does it for its own wallet."""
    statement = "SELECT cn_ledger_expire($1, coalesce($2::timestamptz, clock_timestamp()), $3)"
    values = (current_organization(), now, wallets)
    if _in_transaction():
        return cast("int", await fetchval(statement, *values))
    return cast("int", (await call_row(statement, *values))[0])


async def _apply(kind: Kind, key: str, note: Note, now: datetime | None, amount: int | None, **more: Any) -> Receipt:
    if not key or len(key) > MAX_KEY or key.startswith(_OWN_KEYS):
        raise ValueError(f"the key of a {kind}: {key!r}")
    if amount is not None and (type(amount) is not int or not 0 < amount <= MAX_AMOUNT):
        raise ValueError(f"a {kind} of {amount!r} milli-tokens")
    for moment in (now, more.get("expires_at")):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"a {kind} with a moment that names no time zone")
    operation = {"kind": kind, "key": key, "amount": amount, "now": now, **_note(note), **more}
    organization_id = current_organization()
    if _in_transaction():
        return _receipt((await _call(fetch, organization_id, [operation]))[0])
    place = more.get("wallet") or str(more.get("hold_id") or more.get("of"))
    return _receipt(await _standalone.add((organization_id, place), operation))


def _note(note: Note) -> dict[str, Any]:
    return {"meter": note.meter, "quantity": note.quantity, "price": note.price, "subject": note.subject}


def _in_transaction() -> bool:
    return isinstance(get_connections().get(DEFAULT), ScopedTransactionClient)


async def _write(key: Hashable, operations: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    organization_id, _ = cast("tuple[UUID, str]", key)
    return await _call(call, organization_id, operations)


async def _call(run: Any, organization_id: UUID, operations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        rows = await run("SELECT cn_ledger($1, $2::jsonb)", organization_id, to_jsonb(operations))
    except asyncpg.UniqueViolationError as e:
        # Two wallets were given one key in the same moment: the second waits for the first to commit, and meets its row.
        raise KeyReused("the key was used in another wallet at the same time") from e
    except asyncpg.DeadlockDetectedError as e:
        raise Retryable("two transactions lock the wallets of an organization crosswise", after_s=_RETRY_S) from e
    return [from_jsonb(row[0]) for row in rows]


_standalone: Combiner[dict[str, Any], dict[str, Any]] = Combiner(_write)


def _receipt(answer: dict[str, Any]) -> Receipt:
    if "error" in answer:
        raise _refusal(answer)
    return Receipt(
        UUID(answer["operation_id"]),
        Kind(answer["kind"]),
        answer["key"],
        answer["wallet"],
        answer["amount"],
        datetime.fromisoformat(answer["at"]),
        answer["available"],
        answer["held"],
        UUID(answer["hold_id"]) if answer["hold_id"] else None,
        UUID(answer["lot_id"]) if answer["lot_id"] else None,
        answer.get("replayed", False),
    )


def _refusal(answer: dict[str, Any]) -> ChatNationError:
    match answer["error"]:
        case "not_enough":
            return NotEnough(answer["required"], answer["available"])
        case "hold_too_small":
            return HoldTooSmall(answer["required"], answer["held"])
        case "refund_too_large":
            return RefundTooLarge(answer["amount"], answer["refundable"])
        case "hold_over":
            return HoldOver(f"the hold {answer['hold_id']} is over")
        case "no_such_hold":
            return NoSuchHold("the organization has no such hold")
        case "no_such_debit":
            return NoSuchDebit(f"no debit has the key {answer['of']}")
        case "no_such_wallet":
            return NoSuchWallet(f"the organization has no wallet {answer['wallet']}")
        case _:
            return KeyReused(f"the key belongs to another {answer['kind']}")
