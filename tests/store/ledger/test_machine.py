"""The ledger against a simple model: any operations, by concurrent actors, with crashes, lost answers and a clock that jumps to and fro.

After every step the balances of all wallets are the model's, and the proof finds nothing. A few hundred steps by default;
CHATNATION_LEDGER_STEPS=10000 makes so many.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from store import db
from store.errors import ChatNationError, NotEnough
from store.ledger import (
    HoldOver,
    HoldTooSmall,
    Receipt,
    RefundTooLarge,
    balance,
    debit,
    expire,
    grant,
    open_wallet,
    prove,
    purchase,
    refund,
    release,
    reserve,
    settle,
    transfer,
)
from store.tenancy import organization_scope
from tests.store.ledger.conftest import HOUR, NOW, new_organization
from tests.store.ledger.model import Model, Outcome
from tests.support.database import Cluster, Database, all_apps, connected

FAST_STEPS, STEPS_OF_AN_EXAMPLE = 150, 30
T = TypeVar("T")
Do = Callable[[], Awaitable[Receipt]]

AMOUNTS = st.integers(1, 60)
WALLETS = st.sampled_from(["main", "expo"])
DOORS = st.sampled_from(
    ["alone", "transaction", "alone twice", "both twice at once", "rolled back first", "killed first"]
)
PICKS = st.integers(0, 5)  # of the latest so many
LIVES = st.sampled_from([None, 2, 12, 30])


class Bench:
    """What all examples share: one database, one loop."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.steps = 0


bench: Bench


class Ledger(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.now = NOW
        self.keys = 0
        self.hold_ids: dict[str, UUID] = {}
        self.organization_id = self.run(new_organization())
        self.run(open_wallet("main"))
        self.run(open_wallet("expo"))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        async def bound() -> T:
            with organization_scope(self.organization_id):
                return await work

        return bench.runner.run(bound() if hasattr(self, "organization_id") else work)

    # -- operations

    @rule(wallet=WALLETS, amount=AMOUNTS, paid=st.booleans(), priority=st.integers(0, 1), life=LIVES, door=DOORS)
    def come_in(self, wallet: str, amount: int, paid: bool, priority: int, life: int | None, door: str) -> None:
        key, expires_at = self.key(), life and self.now + life * HOUR
        come = purchase if paid else grant
        expected = self.model.come_in(
            wallet, "purchased" if paid else "granted", amount, priority, expires_at or None, self.now
        )
        self.do(
            lambda: come(
                amount, key=key, wallet=wallet, priority=priority, expires_at=expires_at or None, now=self.now
            ),
            door,
            expected,
        )

    @rule(wallet=WALLETS, amount=AMOUNTS, door=DOORS)
    def debit(self, wallet: str, amount: int, door: str) -> None:
        key = self.key()
        expected = self.model.debit(key, wallet, amount, self.now)
        self.do(lambda: debit(amount, key=key, wallet=wallet, now=self.now), door, expected)

    @rule(wallet=WALLETS, amount=st.integers(1, 25), callers=st.integers(2, 12), in_transactions=st.booleans())
    def debit_at_once(self, wallet: str, amount: int, callers: int, in_transactions: bool) -> None:
        """Who of equal ones is served does not matter, but for whose key it is."""
        keys = [self.key() for _ in range(callers)]
        works = [lambda key=key: debit(amount, key=key, wallet=wallet, now=self.now) for key in keys]
        found = self.run(_at_once([_in_transaction(work) if in_transactions else work() for work in works]))
        served = [key for key, each in zip(keys, found, strict=True) if isinstance(each, Receipt)]
        refused = [key for key in keys if key not in served]
        for key in served:
            assert self.model.debit(key, wallet, amount, self.now)[0] == "ok"
        for key in refused:
            assert self.model.debit(key, wallet, amount, self.now)[0] == "NotEnough"

    @rule(wallet=WALLETS, amount=AMOUNTS, hours=st.integers(1, 20), door=DOORS)
    def reserve(self, wallet: str, amount: int, hours: int, door: str) -> None:
        key, expires_at = self.key(), self.now + hours * HOUR
        expected = self.model.reserve(key, wallet, amount, expires_at, self.now)
        receipt = self.do(
            lambda: reserve(amount, key=key, wallet=wallet, expires_at=expires_at, now=self.now), door, expected
        )
        if receipt is not None:
            assert receipt.hold_id is not None
            self.hold_ids[key] = receipt.hold_id

    @precondition(lambda self: self.hold_ids)
    @rule(pick=PICKS, amount=AMOUNTS, keep=st.booleans(), door=DOORS)
    def settle(self, pick: int, amount: int, keep: bool, door: str) -> None:
        key, of = self.key(), self.pick(self.hold_ids, pick)
        expected = self.model.settle(key, self.model.holds[of], amount, self.now, keep=keep)
        self.do(lambda: settle(self.hold_ids[of], amount, key=key, keep_rest=keep, now=self.now), door, expected)

    @precondition(lambda self: self.hold_ids)
    @rule(pick=PICKS, amount=st.none() | AMOUNTS, door=DOORS)
    def release(self, pick: int, amount: int | None, door: str) -> None:
        key, of = self.key(), self.pick(self.hold_ids, pick)
        expected = self.model.release(self.model.holds[of], amount, self.now)
        self.do(lambda: release(self.hold_ids[of], amount, key=key, now=self.now), door, expected)

    @precondition(lambda self: self.model.spendings)
    @rule(pick=PICKS, amount=st.none() | AMOUNTS, door=DOORS)
    def refund(self, pick: int, amount: int | None, door: str) -> None:
        key, of = self.key(), self.pick(self.model.spendings, pick)
        expected = self.model.refund(self.model.spendings[of], amount, self.now)
        self.do(lambda: refund(of, amount, key=key, now=self.now), door, expected)

    @rule(wallet=WALLETS, amount=AMOUNTS, door=DOORS)
    def transfer(self, wallet: str, amount: int, door: str) -> None:
        key, to = self.key(), "expo" if wallet == "main" else "main"
        expected = self.model.transfer(wallet, to, amount, self.now)
        self.do(lambda: transfer(amount, key=key, wallet=wallet, to=to, now=self.now), door, expected)

    @rule(hours=st.integers(-6, 14))
    def jump(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule()
    def expire(self) -> None:
        self.model.expire(self.now)
        self.run(expire(now=self.now))

    # -- after each step

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        bench.steps += 1
        assert self.run(_balances()) == [self.model.balance("main"), self.model.balance("expo")]
        assert self.run(prove()).findings == ()

    # -- how

    def key(self) -> str:
        self.keys += 1
        return f"key:{self.keys}"

    def pick(self, of: dict[str, Any], n: int) -> str:
        latest = list(of)[-6:]
        return latest[n % len(latest)]

    def do(self, work: Do, door: str, expected: Outcome) -> Receipt | None:
        """Through any door, and whatever fails first: it comes to `expected`, once."""
        if door == "rolled back first":
            self.run(_rolled_back(work))
        elif door == "killed first":
            self.run(_killed(work, bench.database))
        if door == "transaction":
            works = [_in_transaction(work)]
        elif door == "both twice at once":
            works = [work(), _in_transaction(work), work(), _in_transaction(work)]
        else:
            works = [work()]
        found = self.run(_at_once(works))
        if door == "alone twice":
            found += self.run(_at_once([work()]))
        receipts = [each for each in found if isinstance(each, Receipt)]
        if not receipts:
            for each in found:
                assert _numbers(each) == expected
            return None
        assert len(receipts) == len(found)
        assert [each.is_replay for each in receipts].count(False) == 1
        for each in receipts:
            assert ("ok", each.available, each.held) == expected
        return receipts[0]


def _numbers(error: object) -> Outcome:
    name = type(error).__name__
    match error:
        case NotEnough():
            return (name, error.required, error.available)
        case HoldTooSmall():
            return (name, error.required, error.held)
        case RefundTooLarge():
            return (name, error.amount, error.refundable) if error.refundable else (name, 0, 0)
        case HoldOver():
            return (name,)
    assert isinstance(error, BaseException)
    raise error


async def _balances() -> list[Any]:
    return [await balance("main"), await balance("expo")]


async def _in_transaction(work: Do) -> Receipt:
    async with db.transaction():
        return await work()


async def _at_once(works: list[Any]) -> list[Receipt | BaseException]:
    return await asyncio.gather(*works, return_exceptions=True)


async def _rolled_back(work: Do) -> None:
    try:
        async with db.transaction():
            await work()
            raise InterruptedError
    except (InterruptedError, ChatNationError):
        pass


async def _killed(work: Do, database: Database) -> None:
    """The connection dies after the operation and before the commit."""
    superuser = await asyncpg.connect(database.superuser_dsn)
    try:
        async with db.transaction() as tx:
            pid = await tx.fetchval("SELECT pg_backend_pid()")
            try:
                await work()
            except ChatNationError:
                pass
            await superuser.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            await tx.execute("SELECT 1")
    except (ChatNationError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        pass
    else:
        raise AssertionError("the connection survived")
    finally:
        await superuser.close()


@pytest.fixture
def shared(cluster: Cluster) -> Iterator[Bench]:
    global bench
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def start() -> Database:
            database = await stack.enter_async_context(cluster.clone(all_apps()))
            return await stack.enter_async_context(connected(database, all_apps()))

        bench = Bench(runner, runner.run(start()))
        try:
            yield bench
        finally:
            runner.run(stack.aclose())


def test_the_ledger_does_what_its_model_does(shared: Bench) -> None:
    wanted = int(os.environ.get("CHATNATION_LEDGER_STEPS", FAST_STEPS))
    fast = wanted <= FAST_STEPS
    profile = settings(
        max_examples=max(1, wanted // STEPS_OF_AN_EXAMPLE) if fast else 40,
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        deadline=None,
        derandomize=fast,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    while shared.steps < wanted:
        run_state_machine_as_test(Ledger, settings=profile)  # type: ignore[no-untyped-call]
        if fast:
            break
    print(f"{shared.steps} steps")
    assert shared.steps >= min(wanted, FAST_STEPS // 3)
