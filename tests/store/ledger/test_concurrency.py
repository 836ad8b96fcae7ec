"""A hundred callers at one wallet, each in a transaction of its own or standing alone; and what happens where the lock is missing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import asyncpg
import pytest

from store import db
from store.errors import NotEnough
from store.ledger import (
    HoldOver,
    HoldTooSmall,
    KeyReused,
    Receipt,
    balance,
    debit,
    open_wallet,
    prove,
    purchase,
    refund,
    reserve,
    settle,
    transfer,
)
from tests.store.ledger.conftest import DAY, NOW

LOCK = "ORDER BY w.id FOR NO KEY UPDATE;"
pytestmark = pytest.mark.usefixtures("bound")


async def outcomes(work: Iterable[Awaitable[Receipt]]) -> Counter[str]:
    """How many came to what: "ok", or the name of the error."""
    found = await asyncio.gather(*work, return_exceptions=True)
    return Counter("ok" if isinstance(each, Receipt) else type(each).__name__ for each in found)


async def in_transaction(n: int) -> Receipt:
    async with db.transaction():
        return await debit(30, key=f"out:{n}", now=NOW)


async def alone(n: int) -> Receipt:
    return await debit(30, key=f"out:{n}", now=NOW)


@pytest.mark.parametrize("one", [in_transaction, alone])
async def test_a_hundred_debits_spend_what_is_there_and_no_more(one: Callable[[int], Awaitable[Receipt]]) -> None:
    await purchase(1000, key="payment:1", now=NOW)
    assert await outcomes(one(n) for n in range(100)) == {"ok": 33, NotEnough.__name__: 67}
    now = await balance()
    assert (now.available, now.spent) == (10, 990)
    assert (await prove()).findings == ()


async def test_without_the_lock_they_spend_more(superuser: asyncpg.Connection) -> None:
    """The positive control: the same hundred, each having seen enough tokens before any of them took some."""
    source = await superuser.fetchval("SELECT pg_get_functiondef('cn_ledger(uuid, jsonb)'::regprocedure)")
    assert LOCK in source
    await superuser.execute(source.replace(LOCK, ";"))
    take = await superuser.fetchval("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'cn_ledger_take'")
    await superuser.execute(take.replace("BEGIN\n", "BEGIN\n    PERFORM pg_sleep(0.02);\n", 1))
    await superuser.execute(
        "ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_not_below_zero;"
        "ALTER TABLE ledger_lots DROP CONSTRAINT ledger_lots_within; ALTER TABLE ledger_entries DROP CONSTRAINT uq_ledger_entries_n"
    )
    await purchase(1000, key="payment:1", now=NOW)
    came = await outcomes(in_transaction(n) for n in range(100))
    assert came["ok"] > 33, came
    assert (await balance()).available < 0


async def test_where_the_lock_is_missing_the_constraint_stands(superuser: asyncpg.Connection) -> None:
    source = await superuser.fetchval("SELECT pg_get_functiondef('cn_ledger(uuid, jsonb)'::regprocedure)")
    await superuser.execute(source.replace(LOCK, ";"))
    await purchase(100, key="payment:1", now=NOW)
    await asyncio.gather(*(in_transaction(n) for n in range(24)), return_exceptions=True)
    assert (await balance()).available >= 0


async def test_a_hundred_replays_at_once_spend_once() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    assert await outcomes(debit(30, key="out:1", now=NOW) for _ in range(50)) == {"ok": 50}

    async def each() -> Receipt:
        async with db.transaction():
            return await debit(30, key="out:1", now=NOW)

    assert await outcomes(each() for _ in range(50)) == {"ok": 50}
    assert (await balance()).spent == 30


async def test_one_key_in_two_wallets_at_once_moves_one() -> None:
    await open_wallet("expo")
    await purchase(1000, key="payment:1", now=NOW)
    await transfer(500, key="move", wallet="main", to="expo", now=NOW)
    came = await outcomes(debit(30, key="out:1", wallet=wallet, now=NOW) for wallet in ["main", "expo"] * 10)
    assert came == {"ok": 10, KeyReused.__name__: 10}
    assert (await balance()).spent + (await balance("expo")).spent == 30


async def test_one_hold_and_one_debit_are_given_back_once_however_many_ask() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    held = await reserve(100, key="job:1", expires_at=NOW + DAY, now=NOW)
    await debit(100, key="out:1", now=NOW)
    assert held.hold_id is not None
    hold_id: UUID = held.hold_id
    settled = await outcomes(settle(hold_id, 30, key=f"sent:{n}", keep_rest=True, now=NOW) for n in range(20))
    assert settled["ok"] == 3
    assert settled[HoldTooSmall.__name__] + settled[HoldOver.__name__] == 17
    refunded = await outcomes(refund("out:1", 40, key=f"back:{n}", now=NOW) for n in range(20))
    assert refunded["ok"] == 2
    assert (await prove()).findings == ()


async def test_transfers_to_and_fro_do_not_stand_in_each_others_way() -> None:
    await open_wallet("expo")
    await purchase(1000, key="payment:1", now=NOW)
    await transfer(500, key="move", wallet="main", to="expo", now=NOW)
    came = await outcomes(
        transfer(10, key=f"move:{n}", wallet=wallet, to=to, now=NOW)
        for n, (wallet, to) in enumerate([("main", "expo"), ("expo", "main")] * 20)
    )
    assert came == {"ok": 40}
    assert ((await balance()).available, (await balance("expo")).available) == (500, 500)
    assert (await prove()).findings == ()
