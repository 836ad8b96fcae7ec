"""Reading the ledger of the bound organization."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from store.db import read
from store.jsonb import from_jsonb
from store.ledger.model import MAIN, Balance, Entry, Finding, Hold, Kind, Note, Parts, Proof, Wallet
from store.tenancy import current_organization

__all__ = ["balance", "entries", "holds", "prove", "wallets"]


async def balance(wallet: str = MAIN, *, at: datetime | None = None) -> Balance:
    """Now, or after the last movement up to `at`: 16 probes of an index, however many entries there are. Zero for a wallet that is not there."""
    rows = await read("SELECT * FROM cn_ledger_balance($1, $2, $3)", current_organization(), wallet, at)
    found: dict[str, dict[str, int]] = {"purchased": {}, "granted": {}}
    for row in rows:
        found[row["source"]][row["kind"]] = row["balance"]
    return Balance(Parts(**found["purchased"]), Parts(**found["granted"]))


async def wallets() -> list[Wallet]:
    """The main one first, the others as they were opened."""
    rows = await read(
        "SELECT id, name, opened_at FROM ledger_wallets WHERE organization_id = $1 ORDER BY name <> 'main', opened_at, id",
        current_organization(),
    )
    return [Wallet(row["id"], row["name"], row["opened_at"]) for row in rows]


async def holds(wallet: str = MAIN) -> list[Hold]:
    """Open ones, first to expire first."""
    rows = await read(
        "SELECT h.id, h.amount, sum(p.open)::bigint AS open, h.opened_at, h.expires_at FROM ledger_holds h"
        " JOIN ledger_wallets w ON w.organization_id = $1 AND w.id = h.wallet_id AND w.name = $2"
        " JOIN ledger_hold_parts p ON p.organization_id = $1 AND p.hold_id = h.id"
        " WHERE h.organization_id = $1 AND h.closed_at IS NULL GROUP BY h.id ORDER BY h.expires_at, h.id",
        current_organization(),
        wallet,
    )
    return [Hold(row["id"], row["amount"], row["open"], row["opened_at"], row["expires_at"]) for row in rows]


_ENTRIES = """
SELECT e.n, e.at, e.operation_id, o.key, o.kind, d.kind AS debit, c.kind AS credit, d.source, e.amount, w.name AS wallet,
       CASE WHEN e.to_lot_id IS NULL THEN w.name ELSE t.name END AS to_wallet, e.lot_id, e.hold_id, e.meter, e.quantity, e.price, e.subject
FROM ledger_entries e
JOIN ledger_operations o ON o.organization_id = $1 AND o.id = e.operation_id
JOIN ledger_accounts d ON d.organization_id = $1 AND d.id = e.debit_account_id
JOIN ledger_accounts c ON c.organization_id = $1 AND c.id = e.credit_account_id
JOIN ledger_wallets w ON w.organization_id = $1 AND w.id = e.wallet_id
LEFT JOIN ledger_wallets t ON t.organization_id = $1 AND t.id = c.wallet_id
WHERE e.organization_id = $1 AND w.name = $2 AND e.n > $3 ORDER BY e.n LIMIT $4
"""


async def entries(wallet: str = MAIN, *, after_n: int = 0, limit: int = 1000) -> list[Entry]:
    """Of the wallet's own chain, oldest first. What a transfer brought from another wallet stands in that one's."""
    rows = await read(_ENTRIES, current_organization(), wallet, after_n, limit)
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    price, subject = (None if row[name] is None else from_jsonb(row[name]) for name in ("price", "subject"))
    return Entry(
        row["n"],
        row["at"],
        row["operation_id"],
        row["key"],
        Kind(row["kind"]),
        row["debit"],
        row["credit"],
        row["source"],
        row["amount"],
        row["wallet"],
        row["to_wallet"],
        row["lot_id"],
        row["hold_id"],
        Note(row["meter"], row["quantity"], price, subject),
    )


async def prove() -> Proof:
    """Computes every balance anew from the entries and follows every chain, in one snapshot. Reads everything: for the night."""
    organization_id: UUID = current_organization()
    rows = await read("SELECT * FROM cn_ledger_prove($1)", organization_id)
    heads = await read(
        "SELECT coalesce(sum(entries), 0)::bigint AS entries, sha256(coalesce(string_agg(uuid_send(id) || seal, '' ORDER BY id), '')) AS head"
        " FROM ledger_wallets WHERE organization_id = $1",
        organization_id,
    )
    findings = tuple(Finding(row["rule"], row["subject"], int(row["booked"]), int(row["proven"])) for row in rows)
    return Proof(findings, heads[0]["entries"], heads[0]["head"])
