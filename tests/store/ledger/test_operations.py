"""Each operation, its replay, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from store import db
from store.errors import NotEnough
from store.ids import uuid7
from store.ledger import (
    Balance,
    HoldOver,
    HoldTooSmall,
    KeyReused,
    Kind,
    NoSuchDebit,
    NoSuchHold,
    NoSuchWallet,
    Note,
    Parts,
    RefundTooLarge,
    balance,
    debit,
    entries,
    expire,
    grant,
    holds,
    open_wallet,
    prove,
    purchase,
    refund,
    release,
    reserve,
    settle,
    transfer,
    wallets,
)
from store.tenancy import organization_scope, unscoped
from tests.store.ledger.conftest import DAY, HOUR, NOW

pytestmark = pytest.mark.usefixtures("bound")


async def test_tokens_come_in_and_are_spent() -> None:
    bought = await purchase(1000, key="payment:1", now=NOW)
    assert (bought.kind, bought.wallet, bought.amount, bought.available, bought.at) == (
        Kind.PURCHASE,
        "main",
        1000,
        1000,
        NOW,
    )
    spent = await debit(300, key="out:1", now=NOW)
    assert (spent.available, spent.held) == (700, 0)
    assert await balance() == Balance(Parts(available=700, spent=300))
    assert (await prove()).findings == ()


async def test_an_entry_keeps_the_callers_snapshot() -> None:
    note = Note("message.out", 3, {"version": "2026-11-01", "unit_milli": 500}, {"outbox_id": "x"})
    await grant(2000, key="promo", now=NOW)
    await debit(1500, key="out:1", note=note, now=NOW)
    came, went = await entries()
    assert (came.debit, came.credit, came.source, came.amount) == ("counter", "available", "granted", 2000)
    assert (went.debit, went.credit, went.key, went.note) == ("available", "spent", "out:1", note)


async def test_nothing_is_spent_of_what_is_not_there() -> None:
    with pytest.raises(NotEnough) as none:
        await debit(1, key="out:0", now=NOW)
    assert (none.value.required, none.value.available) == (1, 0)
    await purchase(100, key="payment:1", now=NOW)
    with pytest.raises(NotEnough) as few:
        await debit(101, key="out:1", now=NOW)
    assert (few.value.required, few.value.available) == (101, 100)
    assert (await debit(100, key="out:1", now=NOW)).available == 0, "a key that was refused is still free"


async def test_a_replay_gets_the_first_receipt_and_moves_nothing() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    first = await debit(300, key="out:1", now=NOW)
    await debit(100, key="out:2", now=NOW)
    again = await debit(999_999, key="out:1", now=NOW + DAY)
    assert again == replace(first, is_replay=True)
    assert (await balance()).available == 600


async def test_a_key_of_something_else_is_no_replay() -> None:
    await open_wallet("expo")
    await purchase(1000, key="payment:1", now=NOW)
    with pytest.raises(KeyReused):
        await debit(1, key="payment:1", now=NOW)
    with pytest.raises(KeyReused):
        await purchase(1000, key="payment:1", wallet="expo", now=NOW)


async def test_an_operation_belongs_to_the_callers_transaction() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await debit(300, key="out:1", now=NOW)
            raise ZeroDivisionError
    assert (await balance()).available == 1000
    async with db.transaction():
        with pytest.raises(NotEnough):
            await debit(5000, key="out:1", now=NOW)
        await debit(300, key="out:1", now=NOW)  # a refusal does not end the transaction
    assert (await balance()).available == 700


async def test_a_hold_is_settled_in_part_and_the_rest_comes_back() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    held = await reserve(600, key="job:1", expires_at=NOW + HOUR, now=NOW)
    assert (held.available, held.held) == (400, 600)
    with pytest.raises(NotEnough):
        await debit(401, key="out:1", now=NOW)
    assert held.hold_id is not None
    done = await settle(held.hold_id, 250, key="job:1:done", now=NOW)
    assert (done.amount, done.available, done.held) == (250, 750, 0)
    with pytest.raises(HoldOver):
        await settle(held.hold_id, 1, key="job:1:more", now=NOW)
    assert await settle(held.hold_id, 250, key="job:1:done", now=NOW) == replace(done, is_replay=True)


async def test_a_hold_is_settled_and_released_in_pieces() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    held = await reserve(600, key="job:1", expires_at=NOW + HOUR, now=NOW)
    assert held.hold_id is not None
    await settle(held.hold_id, 100, key="sent:1", keep_rest=True, now=NOW)
    await release(held.hold_id, 50, key="failed:1", now=NOW)
    (left,) = await holds()
    assert (left.hold_id, left.amount, left.open) == (held.hold_id, 600, 450)
    with pytest.raises(HoldTooSmall) as small:
        await settle(held.hold_id, 451, key="sent:2", now=NOW)
    assert (small.value.required, small.value.held) == (451, 450)
    assert (await release(held.hold_id, key="over", now=NOW)).amount == 450
    assert await holds() == []
    assert await balance() == Balance(Parts(available=900, spent=100))


async def test_what_nobody_settled_is_available_again() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    held = await reserve(1000, key="job:1", expires_at=NOW + HOUR, now=NOW)
    assert held.hold_id is not None
    assert await expire(now=NOW + HOUR / 2) == 0
    assert await expire(now=NOW + HOUR) == 1
    assert await expire(now=NOW + HOUR) == 0
    assert (await balance()).available == 1000
    with pytest.raises(HoldOver):
        await settle(held.hold_id, 1, key="late", now=NOW + HOUR)


async def test_the_next_operation_need_not_wait_for_the_clock() -> None:
    await purchase(1000, key="payment:1", now=NOW)
    await reserve(1000, key="job:1", expires_at=NOW + HOUR, now=NOW)
    assert (await debit(1000, key="out:1", now=NOW + HOUR)).available == 0


async def test_lots_go_by_priority_then_expiry_then_age() -> None:
    async def lot(key: str, priority: int, expires_at: datetime | None) -> UUID | None:
        return (await grant(10, key=key, priority=priority, expires_at=expires_at, now=NOW)).lot_id

    last = await lot("last", 1, NOW + HOUR)
    never = await lot("never", 0, None)
    older = await lot("older", 0, NOW + 2 * DAY)
    newer = await lot("newer", 0, NOW + 2 * DAY)
    soon = await lot("soon", 0, NOW + DAY)
    await debit(45, key="out:1", now=NOW)
    spent = [(each.lot_id, each.amount) for each in await entries() if each.key == "out:1"]
    assert spent == [(soon, 10), (older, 10), (newer, 10), (never, 10), (last, 5)]


async def test_what_is_left_of_a_lot_expires() -> None:
    await grant(100, key="promo", expires_at=NOW + DAY, now=NOW)
    await purchase(50, key="payment:1", now=NOW)
    await debit(30, key="out:1", now=NOW)
    with pytest.raises(NotEnough) as few:
        await debit(51, key="out:2", now=NOW + DAY)
    assert few.value.available == 50
    assert await balance() == Balance(Parts(available=50), Parts(spent=30, expired=70))


async def test_a_refund_gives_back_to_the_lots_last_spent_first_and_never_more() -> None:
    await grant(100, key="promo", expires_at=NOW + DAY, now=NOW)
    await purchase(100, key="payment:1", now=NOW)
    await debit(150, key="out:1", now=NOW)
    await refund("out:1", 60, key="back:1", now=NOW)
    assert await balance() == Balance(Parts(available=100), Parts(available=10, spent=90))
    with pytest.raises(RefundTooLarge) as large:
        await refund("out:1", 91, key="back:2", now=NOW)
    assert (large.value.amount, large.value.refundable) == (91, 90)
    assert (await refund("out:1", key="back:3", now=NOW + DAY)).amount == 90
    with pytest.raises(RefundTooLarge):
        await refund("out:1", key="back:4", now=NOW)
    await expire(now=NOW + DAY)
    assert await balance() == Balance(Parts(available=100), Parts(expired=100)), "the lot was over, so it expires again"
    assert (await prove()).findings == ()


async def test_a_settlement_is_refunded_too_and_other_things_are_not() -> None:
    await purchase(100, key="payment:1", now=NOW)
    held = await reserve(80, key="job:1", expires_at=NOW + HOUR, now=NOW)
    assert held.hold_id is not None
    await settle(held.hold_id, 30, key="sent:1", now=NOW)
    assert (await refund("sent:1", key="back:1", now=NOW)).available == 100
    for key in ("payment:1", "job:1", "back:1", "unknown"):
        with pytest.raises(NoSuchDebit):
            await refund(key, key="back:2", now=NOW)


async def test_transferred_tokens_keep_what_they_are() -> None:
    await open_wallet("expo")
    await grant(100, key="promo", expires_at=NOW + DAY, now=NOW)
    await purchase(100, key="payment:1", now=NOW)
    given = await transfer(150, key="move:1", wallet="main", to="expo", now=NOW)
    assert given.available == 50
    assert await balance("expo") == Balance(Parts(available=50), Parts(available=100))
    assert [each.name for each in await wallets()] == ["main", "expo"]
    await debit(120, key="out:1", wallet="expo", now=NOW)
    await expire(now=NOW + DAY)
    assert await balance("expo") == Balance(Parts(available=30, spent=20), Parts(spent=100))
    with pytest.raises(NotEnough):
        await transfer(51, key="move:2", wallet="main", to="expo", now=NOW)
    assert (await prove()).findings == ()


async def test_the_balance_of_a_moment_is_what_it_was_then() -> None:
    await open_wallet("expo")
    await purchase(1000, key="payment:1", now=NOW)
    held = await reserve(600, key="job:1", expires_at=NOW + DAY, now=NOW + HOUR)
    assert held.hold_id is not None
    await settle(held.hold_id, 200, key="done", now=NOW + 2 * HOUR)
    await transfer(300, key="move", wallet="main", to="expo", now=NOW + 3 * HOUR)
    then = [await balance(at=NOW + hours * HOUR) for hours in range(-1, 4)]
    assert [(each.available, each.held, each.spent) for each in then] == [
        (0, 0, 0),
        (1000, 0, 0),
        (400, 600, 0),
        (800, 0, 200),
        (500, 0, 200),
    ]
    assert [(await balance("expo", at=NOW + hours * HOUR)).available for hours in (2, 3)] == [0, 300]


async def test_a_clock_that_steps_back_does_not_step_back_in_a_wallet() -> None:
    await grant(100, key="promo", expires_at=NOW + DAY, now=NOW)
    await expire(now=NOW + DAY)
    late = await grant(10, key="second", now=NOW)
    assert late.at == NOW + DAY


async def test_strange_requests_are_refused() -> None:
    with pytest.raises(NoSuchWallet):
        await debit(1, key="a", wallet="nowhere")
    with pytest.raises(NoSuchHold):
        await settle(uuid7(), 1, key="a")
    for amount in (0, -1, True, 1.5, 10**16):
        with pytest.raises(ValueError, match="milli-tokens"):
            await debit(amount, key="a")  # type: ignore[arg-type]
    for key in ("", "x" * 201, "expire:lot:1"):
        with pytest.raises(ValueError, match="key"):
            await debit(1, key=key)
    with pytest.raises(ValueError, match="time zone"):
        await debit(1, key="a", now=datetime(2026, 12, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="itself"):
        await transfer(1, key="a", wallet="main", to="main")
    assert await entries() == []


async def test_without_the_clock_of_a_test_the_databases_counts() -> None:
    before = await db.fetchval("SELECT clock_timestamp()")
    receipt = await purchase(1, key="payment:1")
    assert before <= receipt.at <= await db.fetchval("SELECT clock_timestamp()")


async def test_organizations_have_nothing_of_each_others(ours: UUID, theirs: UUID) -> None:
    await purchase(1000, key="payment:1", now=NOW)
    held = await reserve(100, key="job:1", expires_at=NOW + HOUR, now=NOW)
    await debit(100, key="out:1", now=NOW)
    assert held.hold_id is not None
    with unscoped("the other one"), organization_scope(theirs):
        assert await balance() == Balance()
        assert await entries() == []
        with pytest.raises(NotEnough):
            await debit(1, key="out:1", now=NOW)
        with pytest.raises(NoSuchHold):
            await settle(held.hold_id, 1, key="steal", now=NOW)
        with pytest.raises(NoSuchDebit):
            await refund("out:1", key="steal", now=NOW)
        assert (await purchase(5, key="payment:1", now=NOW)).available == 5, "keys are each organization's own"
    assert (await balance()).available == 800
