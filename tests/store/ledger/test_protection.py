"""What the database itself refuses, whoever asks; and that the proof finds what was done past it."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from store import db
from store.ledger import balance, debit, open_wallet, prove, purchase, refund, reserve, transfer
from store.tenancy import organization_scope
from tests.store.ledger.conftest import DAY, NOW
from tests.support.database import Database

REFUSED = {
    "an entry is changed": "UPDATE ledger_entries SET amount = 1",
    "an entry is deleted": "DELETE FROM ledger_entries",
    "the entries are emptied": "TRUNCATE ledger_entries CASCADE",
    "an operation is changed": "UPDATE ledger_operations SET key = 'other'",
    "an operation is deleted": "DELETE FROM ledger_operations",
    "a balance is moved": "UPDATE ledger_accounts SET balance = balance + 1",
    "two balances are moved": "UPDATE ledger_accounts SET balance = balance - 1 WHERE kind IN ('available', 'counter')",
    "a lot is filled": "UPDATE ledger_lots SET remaining = amount",
    "a hold is filled": "UPDATE ledger_hold_parts SET open = 0",
    "an account begins with something": "INSERT INTO ledger_accounts (id, organization_id, kind, source, balance)"
    " SELECT cn_uuid7(), organization_id, 'counter', 'found', 5 FROM ledger_wallets LIMIT 1",
}
TAMPERED = {
    "an amount": ("UPDATE ledger_entries SET amount = amount + 1 WHERE n = 2", "the chain of a wallet is whole"),
    "a subject": ("UPDATE ledger_entries SET subject = '{}' WHERE n = 2", "the chain of a wallet is whole"),
    "the last entry": (
        "DELETE FROM ledger_entries WHERE n = (SELECT max(n) FROM ledger_entries)",
        "the chain of a wallet ends where the wallet says",
    ),
    "an entry between": ("DELETE FROM ledger_entries WHERE n = 2", "the chain of a wallet is whole"),
    "a balance": (
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'available' AND source = 'purchased'",
        "a balance is the sum of its entries",
    ),
    "both sides": (
        "UPDATE ledger_accounts SET balance = balance + CASE kind WHEN 'counter' THEN -1 ELSE 1 END"
        " WHERE kind IN ('available', 'counter') AND source = 'purchased'",
        "a balance is the sum of its entries",
    ),
    "a counter": (
        "UPDATE ledger_accounts SET balance = balance - 1 WHERE kind = 'counter'",
        "the accounts add up to zero",
    ),
    "a lot": ("UPDATE ledger_lots SET remaining = remaining - 1", "the lots of a wallet are what is available"),
    "a hold": ("UPDATE ledger_hold_parts SET open = open + 1", "a hold holds what its entries left"),
    "an end": ("UPDATE ledger_holds SET closed_at = now()", "a hold is closed when it is empty"),
}


@pytest.fixture
async def moved(bound: UUID) -> UUID:
    await purchase(1000, key="payment:1", now=NOW)
    await debit(200, key="out:1", now=NOW)
    await refund("out:1", 50, key="back:1", now=NOW)
    await reserve(100, key="job:1", expires_at=NOW + DAY, now=NOW)
    return bound


async def test_what_is_written_stays_written(
    moved: UUID, database: Database, superuser: asyncpg.Connection, theirs: UUID
) -> None:
    """By the application as by the superuser: grants stop the first, triggers the second."""
    for what, statement in REFUSED.items():
        for dsn in (database.dsn, database.superuser_dsn):
            connection = await asyncpg.connect(dsn)
            try:
                await connection.execute(f"SET app.current_org = '{moved}'")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            except BaseException as e:
                raise AssertionError(what) from e
            finally:
                await connection.close()
    assert (await prove()).findings == ()


async def test_an_entry_made_by_hand_moves_what_it_says_and_not_below_zero(
    moved: UUID, superuser: asyncpg.Connection
) -> None:
    by_hand = (
        "INSERT INTO ledger_entries (id, organization_id, operation_id, wallet_id, debit_account_id, credit_account_id, lot_id, amount, at)"
        " SELECT cn_uuid7(), e.organization_id, e.operation_id, e.wallet_id, e.debit_account_id, e.credit_account_id, e.lot_id, $1, e.at"
        " FROM ledger_entries e JOIN ledger_operations o ON o.id = e.operation_id WHERE o.key = 'out:1'"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute(by_hand, 751)
    await superuser.execute(by_hand, 750)
    assert (await balance()).available == 0
    assert (await prove()).findings == ()


async def test_the_proof_finds_what_was_done_past_the_ledger(moved: UUID, superuser: asyncpg.Connection) -> None:
    assert (await prove()).holds
    for what, (statement, rule) in TAMPERED.items():
        async with db.transaction() as tx:
            assert (await tx.fetch("SELECT * FROM cn_ledger_prove($1)", moved)) == []
        transaction = superuser.transaction()
        await transaction.start()
        await superuser.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
        await superuser.execute(statement)
        await superuser.execute(f"SET LOCAL app.current_org = '{moved}'")
        found = {row["rule"] for row in await superuser.fetch("SELECT * FROM cn_ledger_prove($1)", moved)}
        await transaction.rollback()
        assert rule in found, (what, found)


async def test_the_head_of_the_chains_moves_with_every_entry(moved: UUID) -> None:
    await open_wallet("expo")
    heads = [(await prove()).head]
    await transfer(10, key="move", wallet="main", to="expo", now=NOW)
    heads.append((await prove()).head)
    await debit(1, key="out:2", wallet="expo", now=NOW)
    heads.append((await prove()).head)
    assert len(set(heads)) == 3


async def test_no_entry_crosses_organizations(moved: UUID, theirs: UUID, superuser: asyncpg.Connection) -> None:
    with organization_scope(moved):
        pass
    await superuser.execute(
        "INSERT INTO ledger_wallets (id, organization_id, name, opened_at) VALUES (cn_uuid7(), $1, 'main', now())",
        theirs,
    )
    with pytest.raises((asyncpg.ForeignKeyViolationError, asyncpg.NotNullViolationError)):
        await superuser.execute(
            "INSERT INTO ledger_entries (id, organization_id, operation_id, wallet_id, debit_account_id, credit_account_id, lot_id, amount, at)"
            " SELECT cn_uuid7(), $1, e.operation_id, w.id, e.debit_account_id, e.credit_account_id, e.lot_id, 1, e.at"
            " FROM ledger_entries e CROSS JOIN ledger_wallets w WHERE w.organization_id = $1 AND e.n = 2 AND e.organization_id <> $1",
            theirs,
        )
